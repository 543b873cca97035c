import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '#store';
import { releaseContract } from './contract.ts';

releaseContract('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gyre-release-store-'));
  return {
    open: () => openStore({ url: `sqlite:${join(folder, 'gyre.db')}` }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
});
