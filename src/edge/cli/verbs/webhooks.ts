import type { Webhook, WebhookDelivery } from '#contract';
import { GyreError } from '#core';
import type { WebhookTrial } from '#registry';
import type { Cli } from '../cli.ts';
import type { Client } from '../client.ts';
import { exitCodes } from '../exit-codes.ts';
import type { Page } from '../lists.ts';
import { when } from '../output.ts';
import type { Register } from '../verb.ts';
import { examples, whole } from '../verb.ts';

interface WebhookOptions {
  readonly url?: string;
  readonly topic?: readonly string[];
  readonly description?: string;
  readonly secretEnv?: string;
}

const secretHelp = 'the variable that holds the secret that messages are signed with';

export const registerWebhooks: Register = (program, bind) => {
  const verb = program
    .command('webhook')
    .summary('addresses that are told of what happens in the registry')
    .description(
      'Webhooks: an address is told, by HTTP and signed, of new models and versions, of tags and aliases. GYRE_WEBHOOK_HOSTS says which hosts it may be on.',
    )
    .addHelpText(
      'after',
      examples(
        'gyre webhook add ci https://ci.example/hook --topic model_version.created --secret-env HOOK_SECRET',
        'gyre webhook test ci',
        'gyre webhook deliveries ci',
      ),
    );
  verb
    .command('list')
    .alias('ls')
    .description('Lists webhooks, newest first.')
    .action(
      bind<object>((cli) =>
        cli.withClient(async (client) => {
          const items = await all(client);
          cli.output.facts(items, () =>
            cli.output.table(items, [
              { title: 'WEBHOOK', of: ({ name }) => name },
              { title: 'STATE', of: ({ active }) => (active ? 'active' : 'silent') },
              { title: 'ADDRESS', of: ({ url }) => url },
              { title: 'TOPICS', of: ({ topics }) => topics.join(', ') },
              { title: 'SIGNED', of: ({ hasSecret }) => (hasSecret ? 'yes' : 'no') },
              { title: 'SINCE', of: ({ createdAt }) => when(createdAt) },
              { title: 'ID', of: ({ id }) => id },
            ]),
          );
        }),
      ),
    );
  verb
    .command('add')
    .description('Has an address told of what happens.')
    .argument('<name>', 'letters, digits, ".", "_" and "-"')
    .argument('<url>', 'http or https')
    .requiredOption('--topic <topic...>', 'such as model_version.created, model_version_alias.created, sign_off.wanted')
    .option('--description <text>', 'what it is for')
    .option('--secret-env <variable>', secretHelp)
    .action(
      bind<WebhookOptions>((cli, options, name, url) =>
        cli.withClient(async (client) => {
          const made = await client.post<Webhook>('webhooks', { name, url, ...bodyOf(cli, options) });
          cli.output.facts(made, () =>
            cli.output.line(`${made.name} tells ${made.url}; "gyre webhook test ${made.name}" sends an example`),
          );
        }),
      ),
    );
  verb
    .command('change')
    .description('Changes what is given.')
    .argument('<webhook>', 'its name or id')
    .option('--name <name>', 'its new name')
    .option('--url <url>', 'http or https')
    .option('--topic <topic...>', 'what it is told of, instead of what it was')
    .option('--description <text>', 'what it is for')
    .option('--secret-env <variable>', secretHelp)
    .option('--silence', 'it is told nothing, until --wake')
    .option('--wake', 'it is told again')
    .action(
      bind<WebhookOptions & { name?: string; silence?: true; wake?: true }>((cli, options, webhook) =>
        cli.withClient(async (client) => {
          const { name, url, silence, wake } = options;
          if (silence === true && wake === true) throw new GyreError('INVALID_ARGUMENT', 'one of --silence and --wake, not both');
          const changed = await client.put<Webhook>(await pathOf(client, webhook), {
            ...bodyOf(cli, options),
            ...(name === undefined ? {} : { name }),
            ...(url === undefined ? {} : { url }),
            ...(silence === true ? { active: false } : wake === true ? { active: true } : {}),
          });
          cli.output.facts(changed, () => cli.output.line(`${changed.name} ${changed.active ? `tells ${changed.url}` : 'is silent'}`));
        }),
      ),
    );
  verb
    .command('delete')
    .description('Deletes a webhook; what is on its way to it is not sent any more.')
    .argument('<webhook>', 'its name or id')
    .action(
      bind<object>((cli, _options, webhook) =>
        cli.withClient(async (client) => {
          const deleted = await client.remove(await pathOf(client, webhook));
          cli.output.facts(deleted, () => cli.output.line(`webhook ${webhook} is deleted`));
        }),
      ),
    );
  verb
    .command('test')
    .description('Sends an example at once. The exit code is 1 when it was not taken.')
    .argument('<webhook>', 'its name or id')
    .option('--topic <topic>', 'of what (default: its first)')
    .action(
      bind<{ topic?: string }>((cli, { topic }, webhook) =>
        cli.withClient(async (client) => {
          const trial = await client.post<WebhookTrial>(`${await pathOf(client, webhook)}/test`, topic === undefined ? {} : { topic });
          cli.output.facts(trial, () =>
            cli.output.line(
              trial.success
                ? `taken, with status ${trial.status ?? 'unknown'}`
                : `not taken: ${trial.error ?? `the answer was ${trial.status ?? 'none'} ${trial.body ?? ''}`.trim()}`,
            ),
          );
          return trial.success ? exitCodes.ok : exitCodes.failed;
        }),
      ),
    );
  verb
    .command('deliveries')
    .description('Lists what was sent to a webhook, or is on its way, newest first.')
    .argument('<webhook>', 'its name or id')
    .option('--limit <n>', 'at most so many', whole, 50)
    .action(
      bind<{ limit: number }>((cli, { limit }, webhook) =>
        cli.withClient(async (client) => {
          const { items } = await client.get<Page<WebhookDelivery>>(`${await pathOf(client, webhook)}/deliveries`, { limit });
          cli.output.facts(items, () =>
            cli.output.table(items, [
              { title: 'TOPIC', of: ({ topic }) => topic },
              { title: 'STATE', of: ({ state }) => state },
              { title: 'TRIES', of: ({ tries }) => tries, align: 'right' },
              { title: 'ANSWER', of: ({ status, error }) => error ?? status ?? '' },
              { title: 'SINCE', of: ({ createdAt }) => when(createdAt) },
              { title: 'NEXT TRY', of: ({ dueAt }) => when(dueAt) },
            ]),
          );
        }),
      ),
    );
};

function bodyOf({ host }: Cli, { topic, description, secretEnv }: WebhookOptions): object {
  const secret = secretEnv === undefined ? undefined : host.environment[secretEnv];
  if (secretEnv !== undefined && (secret === undefined || secret === ''))
    throw new GyreError('INVALID_ARGUMENT', `the variable ${secretEnv} holds no secret`);
  return {
    ...(topic === undefined ? {} : { topics: topic }),
    ...(description === undefined ? {} : { description }),
    ...(secret === undefined ? {} : { secret }),
  };
}

async function all(client: Client): Promise<readonly Webhook[]> {
  const found: Webhook[] = [];
  let after: string | undefined;
  do {
    const page: Page<Webhook> = await client.get('webhooks', { limit: 1000, after });
    found.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return found;
}

async function pathOf(client: Client, nameOrId: string): Promise<string> {
  const items = await all(client);
  const found = items.find(({ id }) => id === nameOrId) ?? items.find(({ name }) => name === nameOrId);
  if (found !== undefined) return `webhooks/${found.id}`;
  const names = items.map(({ name }) => name).join(', ');
  throw new GyreError('NOT_FOUND', `there is no webhook "${nameOrId}"; there are: ${names || 'none'}`, { webhook: nameOrId });
}
