import type { BlobStorage } from '#contract';
import type { Cli } from '../cli.ts';
import type { Register, VerbResult } from '../verb.ts';
import { examples } from '../verb.ts';
import { sizeText } from '../work-progress.ts';

export const registerBlobs: Register = (program, bind) => {
  const blobs = program
    .command('blobs')
    .summary('how stored bytes are kept: where, and encrypted or in clear')
    .description('Tells where blobs are, how many of them are encrypted (sealed) and how many in clear.')
    .addHelpText('after', examples('gyre blobs', 'GYRE_BLOBS_KEY=NEW,OLD gyre blobs seal'))
    .action(bind<object>(tell));
  blobs
    .command('seal')
    .description(
      'Encrypts with the first key of GYRE_BLOBS_KEY whatever is in clear or sealed with another key. The platform must be stopped; stopped itself, the next call goes on.',
    )
    .addHelpText('after', examples('GYRE_BLOBS_KEY=$(cat key) gyre blobs seal', 'GYRE_BLOBS_KEY=NEW,OLD gyre blobs seal'))
    .action(bind<object>(seal));
};

async function tell(cli: Cli): VerbResult {
  return cli.withClient(async (client) => {
    const storage = await client.get<BlobStorage>('blob-storage');
    cli.output.facts(storage, () => say(cli, storage));
  });
}

async function seal(cli: Cli): VerbResult {
  const { host, output } = cli;
  const app = await host.app();
  let told = performance.now();
  const { sealed, storage } = await app.sealBlobs({
    projectFolder: cli.projectFolder,
    flags: cli.flags,
    environment: host.environment,
    signal: host.signal,
    progress: (count) => {
      if (performance.now() - told < 2_000) return;
      told = performance.now();
      output.note(output.style('dim', `${count} sealed`));
    },
  });
  output.facts({ sealed, storage }, () => {
    output.line(sealed === 0 ? 'every blob was sealed with this key already' : `${sealed} ${sealed === 1 ? 'blob' : 'blobs'} sealed`);
    say(cli, storage);
  });
}

function say({ output }: Cli, { address, key, sealed, clear }: BlobStorage): void {
  output.pairs([
    ['blobs in', address],
    ['key', key ?? 'none: what is stored now is in clear; GYRE_BLOBS_KEY seals it'],
    ['sealed', amount(sealed)],
    ['in clear', `${amount(clear)}${key !== undefined && clear.count > 0 ? '; "gyre blobs seal" seals them' : ''}`],
  ]);
}

function amount({ count, bytes }: BlobStorage['clear']): string {
  return `${count}, ${sizeText(bytes)}`;
}
