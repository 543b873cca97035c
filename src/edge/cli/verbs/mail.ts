import type { Identity, Mail, MailAddress } from '#contract';
import type { Cli } from '../cli.ts';
import type { Client } from '../client.ts';
import type { Page } from '../lists.ts';
import { listFlags, listQuery, pageNote } from '../lists.ts';
import type { ListFlags } from '../lists.ts';
import { when } from '../output.ts';
import type { Register } from '../verb.ts';
import { examples } from '../verb.ts';

interface OfFlags {
  readonly identity?: string;
}

/** Where people are told by e-mail of what waits for them. */
export const registerMail: Register = (program, bind) => {
  const mail = program
    .command('mail')
    .summary('be told by e-mail of what waits for you')
    .description('Where people are told by e-mail of what waits for them. An address is seen by its owner and by admins.')
    .addHelpText(
      'after',
      examples('gyre mail set ada@example.org', 'gyre mail set ada@example.org --topic sign_off.wanted', 'gyre mail list'),
    );
  const identity = ['--identity <name>', 'of somebody else, as admin (default: yours)'] as const;
  mail
    .command('show')
    .description('Shows an address, and of what it is told.')
    .option(...identity)
    .action(
      bind<OfFlags>((cli, options) =>
        cli.withClient(async (client) => show(cli, await client.get<MailAddress>(await pathOf(client, options)))),
      ),
    );
  mail
    .command('set')
    .description('Says where somebody is told, and of what.')
    .argument('<address>', 'such as ada@example.org')
    .option(...identity)
    .option('--topic <topic...>', 'sign_off.wanted, sign_off.expired, finding.overdue (default: all)')
    .action(
      bind<OfFlags & { topic?: readonly string[] }>((cli, { topic, ...options }, address) =>
        cli.withClient(async (client) =>
          show(
            cli,
            await client.put<MailAddress>(await pathOf(client, options), { address, ...(topic === undefined ? {} : { topics: topic }) }),
          ),
        ),
      ),
    );
  mail
    .command('remove')
    .description('Erases an address, and what is on its way to it.')
    .option(...identity)
    .action(
      bind<OfFlags>((cli, options) =>
        cli.withClient(async (client) => show(cli, await client.remove<MailAddress>(await pathOf(client, options)))),
      ),
    );
  listFlags(mail.command('list').alias('ls').description('Lists messages of the last 30 days and what became of them, as admin.')).action(
    bind<ListFlags>((cli, options) =>
      cli.withClient(async (client) => {
        const page = await client.get<Page<Mail>>('mails', listQuery(options));
        cli.output.facts(page, () => {
          cli.output.table(page.items, [
            { title: 'WHEN', of: ({ createdAt }) => when(createdAt) },
            { title: 'TO', of: (one) => one.identity },
            { title: 'SUBJECT', of: ({ subject }) => subject },
            { title: 'STATE', of: ({ state }) => state },
            { title: 'TRIES', of: ({ tries }) => tries, align: 'right' },
            { title: 'ERROR', of: ({ error }) => error },
          ]);
          pageNote(cli, page);
        });
      }),
    ),
  );
};

async function pathOf(client: Client, { identity }: OfFlags): Promise<string> {
  const name = identity ?? (await client.get<{ readonly identity: Identity }>('whoami')).identity.id;
  return `mail-addresses/${encodeURIComponent(name)}`;
}

function show({ output }: Cli, told: MailAddress): void {
  output.facts(told, () => {
    output.line(
      told.address === undefined
        ? `${told.name} is not told by e-mail`
        : `${told.name} is told at ${told.address} of ${told.topics.join(', ')}`,
    );
    if (!told.configured) output.line(output.style('yellow', 'this platform sends no e-mail: GYRE_SMTP_HOST is not set'));
  });
}
