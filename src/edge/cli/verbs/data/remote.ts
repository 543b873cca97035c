import { InvalidArgumentError, type Command } from 'commander';
import type { Remote } from '#workspace';
import type { Bind } from '../../verb.ts';
import { examples } from '../../verb.ts';
import { inWorkspace } from './in-workspace.ts';

interface AddFlags {
  readonly default?: boolean;
  readonly force?: boolean;
  readonly set: Readonly<Record<string, string>>;
}

/** `key=value`, as often as wanted. */
function collect(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('KEY=VALUE is needed.');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** Where objects go and come from. */
export function registerDataRemote(data: Command, bind: Bind): void {
  const remote = data.command('remote').description('Remotes, as .dvc/config has them: folders and S3 buckets.');
  remote
    .command('list')
    .description('Lists the remotes.')
    .action(
      bind<object>((cli) =>
        inWorkspace(cli, async ({ workspace }) => {
          const remotes = workspace.remotes().map(factsOf);
          cli.output.facts(remotes, () =>
            cli.output.table(remotes, [
              { title: 'REMOTE', of: ({ name }) => name },
              { title: 'URL', of: ({ url }) => url },
              { title: 'DEFAULT', of: ({ isDefault }) => (isDefault ? 'yes' : '') },
            ]),
          );
        }),
      ),
    );
  remote
    .command('add')
    .description('Adds a remote. Credentials (access_key_id, secret_access_key, …) go to .dvc/config.local, which git does not see.')
    .argument('<name>')
    .argument('<url>', 'a folder, or s3://BUCKET/PREFIX')
    .option('-d, --default', 'make it the default')
    .option('-f, --force', 'replace one of the same name')
    .option('--set <key=value>', 'a setting of DVC, such as endpointurl=http://127.0.0.1:9000 or region=eu-central-1', collect, {})
    .addHelpText(
      'after',
      examples(
        'gyre data remote add store /mnt/team/data',
        'gyre data remote add --default bucket s3://team-data/churn --set region=eu-central-1',
      ),
    )
    .action(
      bind<AddFlags>((cli, flags, name, url) =>
        inWorkspace(cli, async ({ workspace }) => {
          const made = workspace.addRemote({
            name,
            url,
            isDefault: flags.default === true,
            settings: flags.set,
            force: flags.force === true,
          });
          cli.output.facts(factsOf(made), () => cli.output.line(`${made.name} is ${made.url}${made.isDefault ? ', the default' : ''}`));
        }),
      ),
    );
  remote
    .command('remove')
    .description('Takes a remote out of the configuration; what it holds stays where it is.')
    .argument('<name>')
    .action(
      bind<object>((cli, _options, name) =>
        inWorkspace(cli, async ({ workspace }) => {
          workspace.removeRemote(name);
          cli.output.facts({ name }, () => cli.output.line(`${name} is no remote any more`));
        }),
      ),
    );
}

/** What may be shown of a remote: its settings hold credentials. */
function factsOf({ name, url, isDefault }: Remote): Pick<Remote, 'name' | 'url' | 'isDefault'> {
  return { name, url, isDefault };
}
