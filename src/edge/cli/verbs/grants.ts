import type { DefaultLevel, Grant } from '#contract';
import type { Page } from '../lists.ts';
import { when } from '../output.ts';
import type { Register } from '../verb.ts';
import { examples } from '../verb.ts';
import { levels, nameOf, recordOf, requiredRecord } from './guarded-record.ts';
import type { RecordOptions } from './guarded-record.ts';
import { registerTeams } from './teams.ts';

export const registerGrants: Register = (program, bind) => {
  const access = program
    .command('access')
    .summary('who may do what on single records')
    .description(
      `Permissions on single experiments and models, within what roles allow: ${levels.join(', ')}. Runs, logged models and artifacts follow their experiment.`,
    )
    .addHelpText(
      'after',
      examples(
        'gyre access grant bea EDIT --experiment churn',
        "gyre access grant bea DENY --model '*'",
        'gyre access list --identity bea',
      ),
    );
  access
    .command('list')
    .alias('ls')
    .description('Lists what was granted, and what holds where nothing was.')
    .option('--identity <name>', 'to whom')
    .option('--experiment <name>', 'on an experiment, by name or id')
    .option('--model <name>', 'on a registered model')
    .action(
      bind<RecordOptions & { identity?: string }>((cli, options) =>
        cli.withClient(async (client) => {
          const record = await recordOf(client, options);
          const found = await client.get<Page<Grant> & { default: DefaultLevel }>('grants', {
            ...record,
            identity: options.identity,
            limit: 500,
          });
          cli.output.facts(found, () => {
            cli.output.table(found.items, [
              { title: 'IDENTITY', of: ({ identityName }) => identityName },
              { title: 'MAY', of: ({ level }) => level },
              { title: 'ON', of: (grant) => (grant.kind === 'experiment' ? 'experiment' : 'model') },
              { title: 'RECORD', of: (grant) => grant.record },
              { title: 'SINCE', of: ({ grantedAt }) => when(grantedAt) },
            ]);
            cli.output.note(`where nothing was granted: ${wordsOf(found.default)}`);
          });
        }),
      ),
    );
  access
    .command('grant')
    .description('Grants somebody a level on a record, over what was granted before.')
    .argument('<identity>', 'by name or id')
    .argument('<level>', levels.join(', '))
    .option('--experiment <name>', 'an experiment, by name or id; * is every one')
    .option('--model <name>', 'a registered model; * is every one')
    .action(
      bind<RecordOptions>((cli, options, identity, level) =>
        cli.withClient(async (client) => {
          const record = await requiredRecord(client, options);
          const granted = await client.put<Grant>('grants', { ...record, identity, level: level.toUpperCase() });
          cli.output.facts(granted, () => cli.output.line(`${granted.identityName} has ${granted.level} on ${nameOf(granted)}`));
        }),
      ),
    );
  access
    .command('revoke')
    .description('Revokes what was granted to somebody on a record.')
    .argument('<identity>', 'by name or id')
    .option('--experiment <name>', 'an experiment, by name or id; * is every one')
    .option('--model <name>', 'a registered model; * is every one')
    .action(
      bind<RecordOptions>((cli, options, identity) =>
        cli.withClient(async (client) => {
          const record = await requiredRecord(client, options);
          const revoked = await client.remove(`grants?${new URLSearchParams({ ...record, identity }).toString()}`);
          cli.output.facts(revoked, () => cli.output.line(`${identity} has on ${nameOf(record)} what holds for everybody`));
        }),
      ),
    );
  registerTeams(access, bind);
};

function wordsOf(usual: DefaultLevel): string {
  return usual === 'ROLES' ? 'what the roles say' : usual;
}
