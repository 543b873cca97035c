import type { Team, TeamGrant, TeamMember } from '#contract';
import type { Command } from 'commander';
import type { Page } from '../lists.ts';
import { when } from '../output.ts';
import type { Bind } from '../verb.ts';
import { examples } from '../verb.ts';
import { levels, nameOf, requiredRecord } from './guarded-record.ts';
import type { RecordOptions } from './guarded-record.ts';

const pathOf = (team: string, rest = ''): string => `teams/${encodeURIComponent(team)}${rest}`;

/** `gyre access team`: people who are granted things on records together. */
export function registerTeams(access: Command, bind: Bind): void {
  const verb = access
    .command('team')
    .summary('people who are granted things together')
    .description('Teams: whoever belongs to one has what it was granted. MLflow’s clients know them as roles.')
    .addHelpText(
      'after',
      examples('gyre access team add risk', 'gyre access team grant risk EDIT --experiment churn', 'gyre access team join risk bea'),
    );
  verb
    .command('list')
    .alias('ls')
    .description('Lists teams, with what they are granted and who belongs to them.')
    .option('--identity <name>', 'only those that somebody belongs to')
    .action(
      bind<{ identity?: string }>((cli, { identity }) =>
        cli.withClient(async (client) => {
          const { items } = await client.get<Page<Team>>('teams', { identity, limit: 500 });
          cli.output.facts(items, () =>
            cli.output.table(items, [
              { title: 'TEAM', of: ({ name }) => name },
              { title: 'MEMBERS', of: ({ members }) => members.map(({ identityName }) => identityName).join(', ') || 'nobody' },
              { title: 'MAY', of: ({ grants }) => grants.map((grant) => `${grant.level} on ${nameOf(grant)}`).join(', ') || 'nothing' },
              { title: 'SINCE', of: ({ createdAt }) => when(createdAt) },
            ]),
          );
        }),
      ),
    );
  verb
    .command('add')
    .description('Makes a team.')
    .argument('<team>', 'its name')
    .option('--description <text>', 'what it is for')
    .action(
      bind<{ description?: string }>((cli, { description }, name) =>
        cli.withClient(async (client) => {
          const made = await client.post<Team>('teams', { name, ...(description === undefined ? {} : { description }) });
          cli.output.facts(made, () => cli.output.line(`team ${made.name}; "gyre access team join ${made.name} NAME" takes somebody in`));
        }),
      ),
    );
  verb
    .command('change')
    .description('Gives a team another name or description.')
    .argument('<team>', 'its name or id')
    .option('--name <name>', 'its new name')
    .option('--description <text>', 'what it is for')
    .action(
      bind<{ name?: string; description?: string }>((cli, options, team) =>
        cli.withClient(async (client) => {
          const changed = await client.put<Team>(pathOf(team), options);
          cli.output.facts(changed, () => cli.output.line(`team ${changed.name}`));
        }),
      ),
    );
  verb
    .command('delete')
    .description('Deletes a team and what it was granted.')
    .argument('<team>', 'its name or id')
    .action(
      bind<object>((cli, _options, team) =>
        cli.withClient(async (client) => {
          const deleted = await client.remove(pathOf(team));
          cli.output.facts(deleted, () => cli.output.line(`team ${team} is deleted`));
        }),
      ),
    );
  verb
    .command('grant')
    .description('Grants a team a level on a record, over what was granted before.')
    .argument('<team>', 'its name or id')
    .argument('<level>', levels.join(', '))
    .option('--experiment <name>', 'an experiment, by name or id; * is every one')
    .option('--model <name>', 'a registered model; * is every one')
    .action(
      bind<RecordOptions>((cli, options, team, level) =>
        cli.withClient(async (client) => {
          const record = await requiredRecord(client, options);
          const granted = await client.put<TeamGrant>(pathOf(team, '/grants'), { ...record, level: level.toUpperCase() });
          cli.output.facts(granted, () => cli.output.line(`team ${team} has ${granted.level} on ${nameOf(granted)}`));
        }),
      ),
    );
  verb
    .command('revoke')
    .description('Revokes what was granted to a team on a record.')
    .argument('<team>', 'its name or id')
    .option('--experiment <name>', 'an experiment, by name or id; * is every one')
    .option('--model <name>', 'a registered model; * is every one')
    .action(
      bind<RecordOptions>((cli, options, team) =>
        cli.withClient(async (client) => {
          const record = await requiredRecord(client, options);
          const revoked = await client.remove(`${pathOf(team, '/grants')}?${new URLSearchParams({ ...record }).toString()}`);
          cli.output.facts(revoked, () => cli.output.line(`team ${team} has nothing on ${nameOf(record)}`));
        }),
      ),
    );
  verb
    .command('join')
    .description('Takes somebody into a team.')
    .argument('<team>', 'its name or id')
    .argument('<identity>', 'by name or id')
    .action(
      bind<object>((cli, _options, team, identity) =>
        cli.withClient(async (client) => {
          const member = await client.post<TeamMember>(pathOf(team, '/members'), { identity });
          cli.output.facts(member, () => cli.output.line(`${member.identityName} belongs to team ${team}`));
        }),
      ),
    );
  verb
    .command('leave')
    .description('Takes somebody out of a team.')
    .argument('<team>', 'its name or id')
    .argument('<identity>', 'by name or id')
    .action(
      bind<object>((cli, _options, team, identity) =>
        cli.withClient(async (client) => {
          const left = await client.remove(pathOf(team, `/members/${encodeURIComponent(identity)}`));
          cli.output.facts(left, () => cli.output.line(`${identity} belongs to team ${team} no more`));
        }),
      ),
    );
}
