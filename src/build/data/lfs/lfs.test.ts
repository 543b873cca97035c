import { openBench } from '../testing.ts';
import { lfsContract } from './contract.ts';

lfsContract('SQLite', async (work) => {
  await using bench = await openBench();
  await work(bench);
});
