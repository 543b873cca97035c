import { BlobStorage } from '#contract';
import { route, type Route } from '../route.ts';

export const blobStorageRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/blob-storage',
    permission: 'read',
    tag: 'governance',
    summary: 'How blobs are stored: where, how many are sealed, how many in clear',
    description: 'Counts them, which takes a while where there are many.',
    answer: BlobStorage,
    handle: ({ blobStorage }) => blobStorage(),
  }),
];
