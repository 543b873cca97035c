import type { MigrationSet } from '#store';
import { revocations } from './0001-revocations.ts';
import { policies } from './0002-policies.ts';
import { findings } from './0003-findings.ts';
import { wanted } from './0004-wanted.ts';
import { expired } from './0005-expired.ts';

/** What decisions are held to: its tables come after those of the decisions themselves. */
export const releasePolicyMigrations: MigrationSet = {
  room: 'release-policy',
  migrations: [revocations, policies, findings, wanted, expired],
};
