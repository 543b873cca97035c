import type { BlobHolder } from '#blobs';

/** Where this room's records refer to blobs. */
export const releaseBlobHolders: readonly BlobHolder[] = [
  { table: 'deployments', key: ['id'], columns: ['record'], record: 'deployment' },
  { table: 'rollouts', key: ['id'], columns: ['record'], record: 'rollout' },
  { table: 'application_tests', key: ['id'], columns: ['record'], record: 'application test' },
  { table: 'certifications', key: ['id'], columns: ['record'], record: 'certification' },
  { table: 'approvals', key: ['id'], columns: ['record'], record: 'approval' },
  { table: 'revocations', key: ['id'], columns: ['record'], record: 'revocation' },
  { table: 'attestations', key: ['id'], columns: ['record'], record: 'attestation' },
];
