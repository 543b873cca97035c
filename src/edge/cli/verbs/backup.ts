import { resolve } from 'node:path';
import type { Backup } from '#contract';
import type { BackupFlags, BackupsFlags } from '../app-door.ts';
import type { Cli } from '../cli.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Register, VerbResult } from '../verb.ts';
import { atLeastOne, examples } from '../verb.ts';
import { sizeText } from '../work-progress.ts';

interface Flags {
  readonly keep?: number;
  readonly backup?: string;
}

const which = '--backup <id>';

export const registerBackup: Register = (program, bind) => {
  program
    .command('backup')
    .summary('copy records, blobs and secrets while the platform runs')
    .description(
      'Copies the records as one snapshot has them (SQLite or PostgreSQL), the blobs (of a folder or a bucket) and the secrets, also while the platform runs. Only what the folder’s earlier backups lack is copied.',
    )
    .argument('[folder]', 'where to; default: what GYRE_BACKUPS says, or `backups` in the data folder')
    .option('--keep <count>', 'so many whole backups stay, the newest; without it all', atLeastOne)
    .addHelpText('after', examples('gyre backup /mnt/backup/gyre', 'gyre backup --keep 7'))
    .action(bind<Flags>((cli, flags, folder) => backUp(cli, flags, folder)));
  program
    .command('restore')
    .summary('make a platform of a backup')
    .description(
      'Makes an empty data folder what the platform was when it was backed up, and, where the settings name them, an empty schema of PostgreSQL and a bucket. Every blob is compared with its digest.',
    )
    .argument('<folder>', 'that "gyre backup" wrote into')
    .option(which, 'default: the newest whole one')
    .addHelpText('after', examples('gyre restore /mnt/backup/gyre --data /srv/gyre', 'gyre restore backups --backup 20261129T130500123Z'))
    .action(bind<Flags>((cli, flags, folder) => restore(cli, flags, folder)));
  const backups = program
    .command('backups')
    .summary('list, check and remove backups')
    .addHelpText('after', examples('gyre backups ls', 'gyre backups verify /mnt/backup/gyre', 'gyre backups rm 20261129T130500123Z'));
  backups
    .command('ls')
    .description('Lists the backups in a folder, newest first; those that were cut off among them.')
    .argument('[folder]', 'default: what GYRE_BACKUPS says')
    .action(bind<object>((cli, _flags, folder) => list(cli, folder)));
  backups
    .command('verify')
    .description(
      'Reads all of a backup and compares it with what it was. Damaged blobs are set aside, so that the next backup copies them again.',
    )
    .argument('[folder]', 'default: what GYRE_BACKUPS says')
    .option(which, 'default: the newest whole one')
    .action(bind<Flags>((cli, flags, folder) => verify(cli, flags, folder)));
  backups
    .command('rm')
    .description('Removes a backup, and the blobs that no other one needs.')
    .argument('<id>', 'as "gyre backups ls" shows it')
    .argument('[folder]', 'default: what GYRE_BACKUPS says')
    .action(bind<object>((cli, _flags, id, folder) => remove(cli, id, folder)));
};

function placeOf({ host, projectFolder, flags }: Cli, folder: string | undefined): BackupsFlags {
  return {
    projectFolder,
    flags,
    environment: host.environment,
    ...(folder === undefined ? {} : { folder: resolve(host.folder, folder) }),
  };
}

/** What takes its time says every two seconds how far it is. */
function flagsOf(cli: Cli, { keep, backup }: Flags, folder: string | undefined, verb: string): BackupFlags {
  const { host, output } = cli;
  let told = performance.now();
  return {
    ...placeOf(cli, folder),
    ...(backup === undefined ? {} : { id: backup }),
    ...(keep === undefined ? {} : { keep }),
    signal: host.signal,
    progress: (done) => {
      if (performance.now() - told < 2_000) return;
      told = performance.now();
      output.note(output.style('dim', `${done} blobs ${verb}`));
    },
  };
}

async function backUp(cli: Cli, flags: Flags, folder: string | undefined): VerbResult {
  const app = await cli.host.app();
  const backup = await app.backUp(flagsOf(cli, flags, folder, 'copied'));
  cli.output.facts(backup, () => cli.output.line(`backed up as ${backup.id}: ${amount(backup)}`));
}

async function restore(cli: Cli, flags: Flags, folder: string | undefined): VerbResult {
  const app = await cli.host.app();
  const backup = await app.restore(flagsOf(cli, flags, folder, 'copied'));
  cli.output.facts(backup, () => cli.output.line(`restored: the records of ${backup.startedAt}, ${amount(backup)}`));
}

async function list(cli: Cli, folder: string | undefined): VerbResult {
  const { output } = cli;
  const app = await cli.host.app();
  const found = await app.listBackups(placeOf(cli, folder));
  output.facts(found, () => {
    output.table(
      found.items,
      [
        { title: 'ID', of: ({ id }) => id },
        { title: 'STATE', of: ({ state }) => state.replace('_', ' ') },
        { title: 'BLOBS', of: ({ blobs }) => blobs, align: 'right' },
        { title: 'SIZE', of: ({ bytes, databaseBytes = 0 }) => sizeText(bytes + databaseBytes), align: 'right' },
        { title: 'CHECKED', of: ({ verifiedAt }) => verifiedAt ?? 'never' },
      ],
      `no backup in ${found.folder}: gyre backup makes one`,
    );
    if (found.besideData && found.items.length > 0)
      output.note(output.style('dim', `${found.folder} is on the disk of the data: GYRE_BACKUPS names a folder on another`));
  });
}

async function verify(cli: Cli, flags: Flags, folder: string | undefined): VerbResult {
  const { output } = cli;
  const app = await cli.host.app();
  const backup = await app.verifyBackup(flagsOf(cli, flags, folder, 'read'));
  output.facts(backup, () => {
    output.line(backup.state === 'damaged' ? `backup ${backup.id} is damaged:` : `backup ${backup.id} is what it was: ${amount(backup)}`);
    for (const name of backup.damaged ?? []) output.line(`  ${name}`);
  });
  return backup.state === 'damaged' ? exitCodes.failed : exitCodes.ok;
}

async function remove(cli: Cli, id: string | undefined, folder: string | undefined): VerbResult {
  const app = await cli.host.app();
  await app.removeBackup({ ...placeOf(cli, folder), id: id ?? '' });
  cli.output.facts({ id, removed: true }, () => cli.output.line(`removed ${id}`));
}

function amount({ blobs, bytes, databaseBytes = 0 }: Backup): string {
  return `${blobs} blobs, ${sizeText(bytes)}, and ${sizeText(databaseBytes)} of records`;
}
