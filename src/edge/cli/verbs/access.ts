import type { Identity, IssuedToken, Role, Token } from '#contract';
import { GyreError } from '#core';
import type { Page } from '../lists.ts';
import { when } from '../output.ts';
import type { Register } from '../verb.ts';
import { examples } from '../verb.ts';

/** As in the contract, whose schemas cost more to import than a line of help is worth. */
const roles: readonly Role[] = [
  'data-scientist',
  'ml-engineer',
  'operator',
  'qa',
  'approver',
  'business-user',
  'stakeholder',
  'data-steward',
  'admin',
  'agent',
];

export const registerAccess: Register = (program, bind) => {
  program
    .command('whoami')
    .summary('as whom the command line acts')
    .description('Says as whom the command line acts, and what that identity may do.')
    .action(
      bind<object>((cli) =>
        cli.withClient(async (client) => {
          const me = await client.get<{ identity: Identity; permissions: readonly string[]; via: string }>('whoami');
          cli.output.facts(me, () =>
            cli.output.pairs([
              ['identity', me.identity.name],
              ['roles', me.identity.roles.join(', ') || 'none'],
              ['may', me.permissions.join(', ')],
              ['by', me.via],
            ]),
          );
        }),
      ),
    );
  program
    .command('open')
    .summary('a link that opens the page as you')
    .description('Prints a link that opens the web page as the identity of the command line. It works once, for five minutes.')
    .action(
      bind<object>((cli) =>
        cli.withClient(async (client) => {
          const { code, path, expiresAt } = await client.post<{ code: string; path: string; expiresAt: string }>('one-time-codes');
          const link = `${client.address}${path}`;
          cli.output.facts({ link, code, expiresAt }, () => cli.output.line(link));
        }),
      ),
    );
  const identity = program
    .command('identity')
    .summary('identities, roles, tokens')
    .description(`Identities with their roles: ${roles.join(', ')}.`)
    .addHelpText('after', examples('gyre identity add bea --role qa', 'gyre identity token bea --label laptop --expires 90d'));
  identity
    .command('ls')
    .description('Lists identities.')
    .action(
      bind<object>((cli) =>
        cli.withClient(async (client) => {
          const { items } = await client.get<Page<Identity>>('identities');
          cli.output.facts(items, () =>
            cli.output.table(items, [
              { title: 'IDENTITY', of: ({ name }) => name },
              { title: 'ROLES', of: (item) => item.roles.join(', ') },
              { title: 'STATE', of: ({ disabled, simulated }) => (disabled ? 'disabled' : simulated ? 'simulated' : 'active') },
              { title: 'SINCE', of: ({ createdAt }) => when(createdAt) },
              { title: 'ID', of: ({ id }) => id },
            ]),
          );
        }),
      ),
    );
  identity
    .command('add')
    .description('Makes an identity.')
    .argument('<name>', 'its name')
    .requiredOption('--role <role...>', `one or more of ${roles.join(', ')}`)
    .option('--simulated', 'played by a program, and said so in every record')
    .action(
      bind<{ role: string[]; simulated?: boolean }>((cli, options, name) =>
        cli.withClient(async (client) => {
          const made = await client.post<Identity>('identities', {
            name,
            roles: options.role,
            ...(options.simulated === true ? { simulated: true } : {}),
          });
          cli.output.facts(made, () =>
            cli.output.line(`${made.name} (${made.roles.join(', ')}); "gyre identity token ${made.name}" makes a token`),
          );
        }),
      ),
    );
  identity
    .command('roles')
    .description('Gives an identity other roles, instead of those it has.')
    .argument('<name>', 'its name or id')
    .requiredOption('--role <role...>', `one or more of ${roles.join(', ')}`)
    .action(
      bind<{ role: string[] }>((cli, options, name) =>
        cli.withClient(async (client) => {
          const changed = await client.put<Identity>(`identities/${encodeURIComponent(name)}/roles`, { roles: options.role });
          cli.output.facts(changed, () => cli.output.line(`${changed.name} has the roles ${changed.roles.join(', ')}`));
        }),
      ),
    );
  identity
    .command('disable')
    .description('Ends an identity’s sessions and makes its tokens worthless.')
    .argument('<name>', 'its name or id')
    .action(
      bind<object>((cli, _options, name) =>
        cli.withClient(async (client) => {
          const disabled = await client.post<Identity>(`identities/${encodeURIComponent(name)}/disable`);
          cli.output.facts(disabled, () => cli.output.line(`${disabled.name} is disabled`));
        }),
      ),
    );
  identity
    .command('password')
    .description(
      'Sets the password that an identity logs in with. It is read from standard input, and ends sessions opened with the old one.',
    )
    .argument('<name>', 'its name or id')
    .addHelpText('after', examples('gyre identity password bea < password.txt'))
    .action(
      bind<object>((cli, _options, name) =>
        cli.withClient(async (client) => {
          const password = (await cli.host.readStdin()).replace(/\r?\n$/, '');
          if (password === '') throw new GyreError('INVALID_ARGUMENT', 'no password came on standard input');
          const changed = await client.put<Identity>(`identities/${encodeURIComponent(name)}/password`, { password });
          cli.output.facts(changed, () => cli.output.line(`${changed.name} logs in with the new password`));
        }),
      ),
    );
  identity
    .command('token')
    .description('Makes a token for an identity; it is shown this once.')
    .argument('<name>', 'the identity’s name or id')
    .option('--label <text>', 'what it is for', 'made by gyre identity token')
    .option('--expires <duration>', 'such as 90d (default: never)')
    .action(
      bind<{ label: string; expires?: string }>((cli, options, name) =>
        cli.withClient(async (client) => {
          const { parseDuration } = await import('#project');
          const expires = options.expires === undefined ? {} : { expiresInMs: parseDuration(options.expires) };
          const issued = await client.post<IssuedToken>(`identities/${encodeURIComponent(name)}/tokens`, {
            label: options.label,
            ...expires,
          });
          cli.output.facts(issued, () => {
            cli.output.line(issued.secret);
            cli.output.note('keep it: it is shown this once. GYRE_TOKEN hands it to gyre.');
          });
        }),
      ),
    );
  identity
    .command('tokens')
    .description('Lists an identity’s tokens.')
    .argument('<name>', 'the identity’s name or id')
    .action(
      bind<object>((cli, _options, name) =>
        cli.withClient(async (client) => {
          const { items } = await client.get<Page<Token>>(`identities/${encodeURIComponent(name)}/tokens`);
          cli.output.facts(items, () =>
            cli.output.table(items, [
              { title: 'TOKEN', of: ({ id }) => id },
              { title: 'LABEL', of: ({ label }) => label },
              { title: 'SINCE', of: ({ createdAt }) => when(createdAt) },
              { title: 'UNTIL', of: ({ expiresAt }) => when(expiresAt) },
              { title: 'REVOKED', of: ({ revokedAt }) => when(revokedAt) },
            ]),
          );
        }),
      ),
    );
  identity
    .command('revoke')
    .description('Makes a token worthless.')
    .argument('<token>', 'its id')
    .action(
      bind<object>((cli, _options, id) =>
        cli.withClient(async (client) => {
          const token = await client.remove<Token | undefined>(`tokens/${encodeURIComponent(id)}`);
          cli.output.facts(token ?? { id }, () => cli.output.line(`token ${id} is revoked`));
        }),
      ),
    );
};
