import type { Command } from 'commander';
import type { ApplicationTestReport, ApplicationTestRequest, ApplicationTestRun } from '#contract';
import { errorCodes, GyreError } from '#core';
import type { Cli } from '../cli.ts';
import type { Client } from '../client.ts';
import { exitCodes } from '../exit-codes.ts';
import { followWork } from '../follow-work.ts';
import { listFlags, listQuery, pageNote } from '../lists.ts';
import type { ListFlags, Page } from '../lists.ts';
import { when } from '../output.ts';
import { examples, type Bind } from '../verb.ts';

/** The verbs that run application tests, and that show how that goes. */
export function registerReleaseTest(release: Command, bind: Bind): void {
  release
    .command('test')
    .description(
      'Runs the application tests over HTTP against what runs in an environment, and says what they are at; Ctrl-C stops them. Exit code 1 when one fails.',
    )
    .argument('[environment]', 'the environment', 'test')
    .option('--profile <profile>', 'quick, or full: saturation, soak, memory, start-up and production compared, on planes beside', 'quick')
    .action(
      bind<{ profile: ApplicationTestRequest['profile'] }>((cli, { profile }, environment = 'test') =>
        cli.withClient(async (client) => {
          const begun = await client.post<ApplicationTestRun>('application-test-runs', { environment, profile });
          const report = await reportOf(cli, client, begun);
          cli.output.facts(report, () => show(cli, report));
          return report.passed ? exitCodes.ok : exitCodes.failed;
        }),
      ),
    );
  listFlags(release.command('test-runs').description('Lists runs of application tests, newest first; with an id shows one.'))
    .argument('[id]', 'the id of one')
    .option('--stop', 'stops the one: it leaves no report')
    .addHelpText('after', examples('gyre release test-runs', 'gyre release test-runs 0193… --stop'))
    .action(
      bind<ListFlags & { stop?: boolean }>((cli, { stop, ...flags }, id) =>
        cli.withClient(async (client) => {
          if (id === undefined && stop === true)
            throw new GyreError('INVALID_ARGUMENT', 'name the run to stop by its id: gyre release test-runs ID --stop');
          if (id !== undefined) {
            const path = pathOf(id);
            const one = stop === true ? await client.remove<ApplicationTestRun>(path) : await client.get<ApplicationTestRun>(path);
            cli.output.facts(one, () =>
              cli.output.pairs([
                ['run', one.id],
                ['in', `${one.environment}, ${one.profile}`],
                ['state', one.stage ?? one.state],
                ['report', one.report],
                ['why', one.error],
                ['begun', when(one.queuedAt)],
                ['ended', one.finishedAt === undefined ? undefined : when(one.finishedAt)],
              ]),
            );
            return;
          }
          const page = await client.get<Page<ApplicationTestRun>>('application-test-runs', { ...listQuery(flags) });
          cli.output.facts(page, () => {
            cli.output.table(page.items, [
              { title: 'ID', of: (one) => one.id },
              { title: 'WHEN', of: ({ queuedAt }) => when(queuedAt) },
              { title: 'IN', of: ({ environment, profile }) => `${environment}, ${profile}` },
              { title: 'STATE', of: ({ state, stage }) => stage ?? state },
              {
                title: 'WHAT CAME OF IT',
                of: ({ passed, report = '', error }) => error ?? (passed === undefined ? '' : `${passed ? 'passed' : 'failed'}: ${report}`),
              },
            ]);
            pageNote(cli, page);
          });
        }),
      ),
    );
}

function pathOf(id: string): string {
  return `application-test-runs/${encodeURIComponent(id)}`;
}

/** Waits for the report. @throws GyreError why there is none */
async function reportOf(cli: Cli, client: Client, begun: ApplicationTestRun): Promise<ApplicationTestReport> {
  const run = await followWork(cli, client, begun, {
    path: pathOf(begun.id),
    says: ({ stage, state }) => stage ?? state,
    stopped: 'stopped: the application tests left no report',
  });
  if (run.report !== undefined) return client.get<ApplicationTestReport>(`application-tests/${encodeURIComponent(run.report)}`);
  const code = errorCodes.find((known) => known === run.code) ?? 'INTERNAL';
  throw new GyreError(code, run.error ?? `they were ${run.state}`, { run: run.id });
}

function show({ output }: Cli, { checks, load, requirements = [], id, passed }: ApplicationTestReport): void {
  for (const check of checks)
    output.line(`${output.style(check.passed ? 'green' : 'red', check.passed ? 'passed' : 'failed')} ${check.name}: ${check.message}`);
  if (load !== undefined) output.line(`load: ${load.requests} requests, p50 ${load.p50Ms.toFixed(2)} ms, p99 ${load.p99Ms.toFixed(2)} ms`);
  for (const { verdict, title, says } of requirements) {
    const style = verdict === 'passed' ? 'green' : verdict === 'failed' ? 'red' : 'dim';
    output.line(`${output.style(style, verdict.replace('_', ' '))} ${title}: ${says}`);
  }
  output.line(`report ${id}: ${passed ? 'passed' : 'failed'}`);
}
