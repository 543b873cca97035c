import { LfsRepository, page } from '#contract';
import { fileRoute, route, type Route } from '../../route.ts';

const help = `Git LFS answers here. In a git repository:

  gyre lfs connect <name>

sets lfs.url to <this server>/lfs/<name>, and has git ask gyre for the token. By hand:

  git config lfs.url <this server>/lfs/<name>

The user name is any, the password is a token ("gyre identity token NAME" makes one).
`;

export const lfsRepositoryRoutes: readonly Route[] = [
  fileRoute({
    method: 'GET',
    path: '/lfs',
    permission: 'public',
    tag: 'data',
    summary: 'How a git repository is connected: below this address, `/lfs/<repository>`, the Git LFS API answers',
    types: ['text/plain'],
    answers: 'a few lines of text',
    handle: () => ({ type: 'text/plain; charset=utf-8', body: help }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/lfs-repositories',
    permission: 'read',
    tag: 'data',
    summary: 'Repositories that Git LFS has pushed to, with the number and size of their objects',
    answer: page(LfsRepository),
    handle: async ({ lfs }) => ({ items: await lfs.list() }),
  }),
];
