import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '#store';
import { releaseContract } from './contract.ts';
import { decisionsContract } from './decisions/contract.ts';
import { deliveryContract } from './delivery/contract.ts';
import { policyContract } from './policy/contract.ts';
import { testRunsContract } from './tests/runs/contract.ts';
import { rolloutContract } from './rollout/contract.ts';
import type { StoreFixture } from './testing.ts';

const onSqlite = async (): Promise<StoreFixture> => {
  const folder = await mkdtemp(join(tmpdir(), 'gyre-release-store-'));
  return {
    open: () => openStore({ url: `sqlite:${join(folder, 'gyre.db')}` }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
};

releaseContract('SQLite', onSqlite);
rolloutContract('SQLite', onSqlite);
deliveryContract('SQLite', onSqlite);
decisionsContract('SQLite', onSqlite);
policyContract('SQLite', onSqlite);
testRunsContract('SQLite', onSqlite);
