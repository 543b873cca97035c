import type { Command } from 'commander';
import { called } from '../../choice.ts';
import type { VerbModule } from '../../choice.ts';
import type { Bind, Register } from '../../verb.ts';

/** Each is a file of this folder. */
const verbs: readonly VerbModule<(data: Command, bind: Bind) => void>[] = [
  { names: ['ls', 'show'], load: async () => (await import('./list.ts')).registerDataList },
  { names: ['add'], load: async () => (await import('./add.ts')).registerDataAdd },
  { names: ['ingestions'], load: async () => (await import('./ingestions.ts')).registerDataIngestions },
  { names: ['status'], load: async () => (await import('./status.ts')).registerDataStatus },
  { names: ['diff'], load: async () => (await import('./diff.ts')).registerDataDiff },
  { names: ['checkout'], load: async () => (await import('./checkout.ts')).registerDataCheckout },
  { names: ['push', 'pull'], load: async () => (await import('./transfer.ts')).registerDataTransfer },
  { names: ['log'], load: async () => (await import('./log.ts')).registerDataLog },
  { names: ['gc'], load: async () => (await import('./gc.ts')).registerDataGc },
  { names: ['remote'], load: async () => (await import('./remote.ts')).registerDataRemote },
  { names: ['profile'], load: async () => (await import('./profile.ts')).registerDataProfile },
  { names: ['personal'], load: async () => (await import('./personal.ts')).registerDataPersonal },
  { names: ['quality'], load: async () => (await import('./quality.ts')).registerDataQuality },
  { names: ['schema'], load: async () => (await import('./schema.ts')).registerDataSchema },
  { names: ['compare'], load: async () => (await import('./compare.ts')).registerDataCompare },
  { names: ['rows'], load: async () => (await import('./rows.ts')).registerDataRows },
  { names: ['sheet'], load: async () => (await import('./sheet.ts')).registerDataSheet },
  { names: ['export'], load: async () => (await import('./export.ts')).registerDataExport },
  { names: ['sql'], load: async () => (await import('./sql.ts')).registerDataSql },
  { names: ['split', 'splits'], load: async () => (await import('./splits.ts')).registerDataSplits },
];

/** `gyre data …` */
export const registerData: Register = async (program, bind, second) => {
  const data = program
    .command('data')
    .summary('dataset versions: list, show, profile, quality')
    .description('Dataset versions: immutable, named by their digest.');
  for (const { load } of called(verbs, second)) (await load())(data, bind);
};
