import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '#store';
import { fleetContract } from './contract.ts';

fleetContract('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gyre-fleet-store-'));
  return {
    open: () => openStore({ url: `sqlite:${join(folder, 'gyre.db')}` }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
});
