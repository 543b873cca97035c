import { resolve } from 'node:path';
import type { BackupFlags } from '../app-door.ts';
import type { Cli } from '../cli.ts';
import type { Register, VerbResult } from '../verb.ts';
import { examples } from '../verb.ts';
import { sizeText } from '../work-progress.ts';

export const registerBackup: Register = (program, bind) => {
  program
    .command('backup')
    .summary('copy the data folder while the platform runs')
    .description(
      'Copies database, blobs and secrets of the data folder, as one consistent state, also while the platform runs. A folder that holds an earlier backup gets only what is new.',
    )
    .argument('<folder>', 'where to')
    .addHelpText('after', examples('gyre backup /mnt/backup/gyre'))
    .action(bind<object>((cli, _options, folder) => copy(cli, 'backUp', folder)));
  program
    .command('restore')
    .summary('make a data folder of a backup')
    .description('Makes an empty data folder what it was when it was backed up; every blob is compared with its digest.')
    .argument('<folder>', 'that "gyre backup" wrote')
    .addHelpText('after', examples('gyre restore /mnt/backup/gyre --data /srv/gyre'))
    .action(bind<object>((cli, _options, folder) => copy(cli, 'restore', folder)));
};

async function copy(cli: Cli, verb: 'backUp' | 'restore', folder: string): VerbResult {
  const { host, output } = cli;
  const app = await host.app();
  let told = performance.now();
  const flags: BackupFlags = {
    projectFolder: cli.projectFolder,
    flags: cli.flags,
    environment: host.environment,
    folder: resolve(host.folder, folder),
    signal: host.signal,
    progress: (copied) => {
      if (performance.now() - told < 2_000) return;
      told = performance.now();
      output.note(output.style('dim', `${copied} blobs copied`));
    },
  };
  const record = await app[verb](flags);
  output.facts(record, () =>
    output.line(
      `${verb === 'backUp' ? 'backed up' : 'restored'}: the records of ${record.at}, ${record.blobs} blobs, ${sizeText(record.bytes)}`,
    ),
  );
}
