import type { Command } from 'commander';
import type { Finding } from '#contract';
import { GyreError } from '#core';
import type { Cli } from '../cli.ts';
import type { Page } from '../lists.ts';
import { listFlags, listQuery, pageNote } from '../lists.ts';
import type { ListFlags } from '../lists.ts';
import { when } from '../output.ts';
import type { Bind } from '../verb.ts';
import { modelVersion, versionNames } from './model-reference.ts';

interface AddFlags {
  readonly severity: string;
  readonly statement: string;
  readonly owner?: string;
  readonly due?: string;
}

/** What people find wrong with versions on their way to production. */
export function registerReleaseFindings(release: Command, bind: Bind): void {
  const finding = release
    .command('finding')
    .description(
      'Findings: what is wrong with a version, how bad it is, who sees to it, by when. The policy says from which severity on they keep it back.',
    );
  finding
    .command('add')
    .description('Records a finding as QA expert.')
    .argument('<version>', 'such as churn/2')
    .requiredOption('--severity <severity>', 'low, medium, high or critical')
    .requiredOption('--statement <text>', 'what is wrong')
    .option('--owner <name>', 'who sees to it (default: who registered the version)')
    .option('--due <day>', 'by when, such as 2027-01-31')
    .action(
      bind<AddFlags>((cli, { severity, statement, owner, due }, reference) =>
        cli.withClient(async (client) => {
          const version = await modelVersion(client, reference);
          const added = await client.post<Finding>('findings', {
            modelVersion: version.id,
            severity,
            statement,
            ...(owner === undefined ? {} : { owner }),
            ...(due === undefined ? {} : { dueAt: instantOf(due) }),
          });
          cli.output.facts(added, () => cli.output.line(`finding ${added.id} (${added.severity}): ${added.owner.name} sees to it`));
        }),
      ),
    );
  listFlags(finding.command('list').alias('ls').description('Lists findings, newest first.'))
    .argument('[version]', 'such as churn/2; default: all')
    .option('--state <state>', 'open, resolved or accepted')
    .action(
      bind<ListFlags & { state?: string }>((cli, options, reference) =>
        cli.withClient(async (client) => {
          const of = reference === undefined ? undefined : (await modelVersion(client, reference)).id;
          const page = await client.get<Page<Finding>>('findings', { ...listQuery(options), modelVersion: of, state: options.state });
          const nameOf = await versionNames(
            client,
            page.items.map((one) => one.modelVersion),
          );
          cli.output.facts(page, () => {
            cli.output.table(page.items, [
              { title: 'FINDING', of: ({ id }) => id },
              { title: 'MODEL VERSION', of: (one) => nameOf(one.modelVersion) },
              { title: 'SEVERITY', of: ({ severity }) => severity },
              { title: 'STATE', of: ({ state, overdue }) => (overdue === true ? 'overdue' : state) },
              { title: 'OWNER', of: ({ owner }) => owner.name },
              { title: 'DUE', of: ({ dueAt }) => when(dueAt) },
              { title: 'STATEMENT', of: ({ statement }) => statement },
              { title: 'ENDED', of: ({ ending }) => (ending === undefined ? '' : `${ending.by.name}: ${ending.statement}`) },
            ]);
            pageNote(cli, page);
          });
        }),
      ),
    );
  for (const [verb, words, hint] of [
    ['resolve', 'Says, as QA expert, that what was wrong is put right.', 'what was done'],
    ['accept', 'Says, as approver, that the version may go in spite of it.', 'why it may'],
  ] as const) {
    finding
      .command(verb)
      .description(words)
      .argument('<finding>', 'its id')
      .requiredOption('--statement <text>', hint)
      .action(
        bind<{ statement: string }>((cli, { statement }, id) =>
          cli.withClient(async (client) =>
            showEnding(cli, await client.post<Finding>(`findings/${encodeURIComponent(id)}/${verb}`, { statement })),
          ),
        ),
      );
  }
}

function showEnding(cli: Cli, finding: Finding): void {
  cli.output.facts(finding, () => cli.output.line(`finding ${finding.id} is ${finding.state}`));
}

/** The end of a day in UTC, or an instant. */
function instantOf(text: string): string {
  const ms = Date.parse(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T23:59:59.999Z` : text);
  if (Number.isNaN(ms)) throw new GyreError('INVALID_ARGUMENT', `"${text}" is no day: one such as 2027-01-31 is needed`);
  return new Date(ms).toISOString();
}
