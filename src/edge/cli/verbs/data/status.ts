import type { Command } from 'commander';
import type { RemoteStatus, TrackedStatus } from '#workspace';
import type { Cli } from '../../cli.ts';
import { exitCodes } from '../../exit-codes.ts';
import type { Bind } from '../../verb.ts';
import { examples } from '../../verb.ts';
import { counted, fewOf, inWorkspace } from './in-workspace.ts';

const words: Readonly<Record<TrackedStatus['state'], string>> = {
  clean: 'clean',
  modified: 'modified',
  deleted: 'deleted',
  unrecorded: 'not added yet',
  unknown: 'modified; what was recorded is not in the cache',
};

/** What changed since the last add. */
export function registerDataStatus(data: Command, bind: Bind): void {
  data
    .command('status')
    .description(
      'Says what changed in tracked files and folders since they were added. Exit code 1 when something did, or the cache lacks objects.',
    )
    .argument('[paths...]', 'all that are tracked without it')
    .option(
      '-r, --remote [name]',
      'compare with a remote instead: which objects it lacks, and which the cache; the default one without a name',
    )
    .addHelpText('after', examples('gyre data status', 'gyre data status images/', 'gyre data status --remote'))
    .action(
      bind<{ remote?: string | true }>((cli, { remote }, ...paths) =>
        inWorkspace(cli, async ({ workspace, options }) => {
          if (remote !== undefined) {
            const compared = await workspace.remoteStatus(paths, { ...options, ...(remote === true ? {} : { remote }) });
            cli.output.facts(compared, () => {
              if (compared.length === 0) cli.output.line('nothing is tracked');
              for (const each of compared) sayRemote(cli, each);
            });
            return compared.every(({ toPush, toPull }) => toPush.length + toPull.length === 0) ? exitCodes.ok : exitCodes.failed;
          }
          const found = await workspace.status(paths, options);
          const facts = found.map(({ tracked: { path, out }, ...rest }) => ({ path, object: out.object, ...rest }));
          cli.output.facts(facts, () => {
            if (found.length === 0) cli.output.line('nothing is tracked');
            for (const each of found) say(cli, each);
          });
          return found.every(({ state, missing }) => state === 'clean' && missing.length === 0) ? exitCodes.ok : exitCodes.failed;
        }),
      ),
    );
}

function sayRemote(cli: Cli, { path, remote, objects, toPush, toPull }: RemoteStatus): void {
  const { output } = cli;
  const parts = [
    ...(toPush.length > 0 ? [`${counted(toPush.length, 'object')} to push`] : []),
    ...(toPull.length > 0 ? [`${counted(toPull.length, 'object')} to pull`] : []),
  ];
  const word = parts.length === 0 ? output.style('green', `as in "${remote}"`) : output.style('yellow', parts.join(', '));
  output.line(`${word}  ${path}  (${counted(objects, 'object')})`);
}

function say(cli: Cli, { tracked, state, files, changes, missing }: TrackedStatus): void {
  const { output } = cli;
  const colour = state === 'clean' ? 'green' : 'yellow';
  output.line(`${output.style(colour, words[state])}  ${tracked.path}${files > 1 ? `  (${counted(files, 'file')})` : ''}`);
  sayChanges(cli, changes);
  if (missing.length > 0) {
    output.line(`  ${counted(missing.length, 'object')} not in the cache ("gyre data pull" fetches, "gyre data add" stores again):`);
    fewOf(cli, '!', missing, 5);
  }
}

/** Files that came, went, changed and were renamed. */
export function sayChanges(cli: Cli, { added, removed, modified, renamed }: TrackedStatus['changes']): void {
  fewOf(cli, '+', added);
  fewOf(cli, '-', removed);
  fewOf(
    cli,
    '~',
    modified.filter((path) => path !== ''),
  );
  fewOf(
    cli,
    '>',
    renamed.map(({ from, to }) => `${from} → ${to}`),
  );
}
