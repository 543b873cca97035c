import type { Command } from 'commander';
import type { Decision, Revocation, RevokedFrom, WantedSignOff } from '#contract';
import type { Client } from '../client.ts';
import type { Page } from '../lists.ts';
import { listFlags, listQuery, pageNote } from '../lists.ts';
import type { ListFlags } from '../lists.ts';
import { exitCodes } from '../exit-codes.ts';
import { short, when } from '../output.ts';
import type { Bind } from '../verb.ts';
import { modelVersion, versionNames } from './model-reference.ts';

/** The verbs that look at decisions about a version, and that take one out for good. */
export function registerReleaseDecisions(release: Command, bind: Bind): void {
  release
    .command('revoke')
    .description('Takes a version out for good: no environment accepts it any more, and where it is live the one before comes back.')
    .argument('<version>', 'such as churn/2')
    .requiredOption('--reason <text>', 'why, for the record')
    .action(
      bind<{ reason: string }>((cli, { reason }, reference) =>
        cli.withClient(async (client) => {
          const version = await modelVersion(client, reference);
          const answer = await client.post<{ revocation: Revocation; environments: readonly RevokedFrom[] }>('revocations', {
            modelVersion: version.id,
            reason,
          });
          const nameOf = await versionNames(
            client,
            answer.environments.map((one) => one.modelVersion),
          );
          cli.output.facts(answer, () => {
            cli.output.line(`${version.model}/${version.version} is revoked: revocation ${answer.revocation.id}`);
            for (const { environment, outcome, modelVersion: instead, reason: why } of answer.environments) {
              if (outcome === 'rolled_back') cli.output.line(`${environment} is back on ${nameOf(instead)}`);
              else cli.output.line(`${cli.output.style('red', `${environment} still serves it`)}: ${why}; release another version there`);
            }
          });
          return answer.environments.every(({ outcome }) => outcome === 'rolled_back') ? exitCodes.ok : exitCodes.failed;
        }),
      ),
    );
  listFlags(release.command('queue').description('Lists what waits for you: to certify, to approve, to answer, findings to resolve.'))
    .option('--all', 'what waits for anybody')
    .action(
      bind<ListFlags & { all?: boolean }>((cli, options) =>
        cli.withClient(async (client) => {
          const page = await client.get<Page<WantedSignOff>>('release/queue', { ...listQuery(options), all: options.all });
          cli.output.facts(page, () => {
            if (page.items.length === 0) return cli.output.line('nothing waits');
            cli.output.table(page.items, [
              { title: 'TO DO', of: ({ what }) => what },
              { title: 'WHAT', of: ({ text }) => text },
              { title: 'FOR', of: ({ environment }) => environment },
              {
                title: 'DUE',
                of: ({ dueAt, overdue }) => (overdue === true ? `overdue, ${when(dueAt)}` : dueAt === undefined ? '' : when(dueAt)),
              },
              { title: 'WAITS FOR', of: ({ role, owner }) => owner?.name ?? role },
              { title: 'REPORT', of: ({ report }) => report },
              { title: 'SINCE', of: ({ since }) => when(since) },
            ]);
            return pageNote(cli, page);
          });
        }),
      ),
    );
  listFlags(
    release
      .command('decisions')
      .description(
        'Lists who certified, approved, refused or revoked a version, and whether each signature holds; exit code 1 when one does not.',
      )
      .argument('<version>', 'such as churn/2'),
  ).action(
    bind<ListFlags>((cli, options, reference) =>
      cli.withClient(async (client) => {
        const version = await modelVersion(client, reference);
        const page = await client.get<Page<Decision>>('decisions', { ...listQuery(options), modelVersion: version.id });
        cli.output.facts(page, () => {
          cli.output.table(page.items, [
            { title: 'DECISION', of: ({ kind }) => kind },
            { title: 'VERDICT', of: ({ verdict }) => verdict },
            { title: 'FOR', of: ({ environment }) => environment },
            { title: 'PACKAGE', of: (one) => short(one.package) },
            { title: 'BY', of: ({ by }) => by.name },
            { title: 'WHEN', of: ({ at }) => when(at) },
            { title: 'SIGNATURE', of: ({ signature }) => signature },
            { title: 'STATEMENT', of: ({ statement }) => statement },
          ]);
          for (const { kind, id, invalid } of page.items) {
            if (invalid !== undefined) cli.output.line(`${cli.output.style('red', 'not accepted')}: ${kind} ${id}: ${invalid}`);
          }
          pageNote(cli, page);
        });
        return (await allHold(client, version.id)) ? exitCodes.ok : exitCodes.failed;
      }),
    ),
  );
}

/** Of all decisions about a version, not of those alone that are shown. */
async function allHold(client: Client, modelVersion: string): Promise<boolean> {
  for (let after: string | undefined; ;) {
    const { items, next } = await client.get<Page<Decision>>('decisions', { modelVersion, limit: 500, after });
    if (items.some(({ signature }) => signature === 'invalid')) return false;
    if (next === undefined) return true;
    after = next;
  }
}
