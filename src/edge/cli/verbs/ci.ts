import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CiRequest, CiRun, EnvironmentState, PipelineRun } from '#contract';
import { GyreError, messageOf } from '#core';
import { printedReport } from '../pull-requests/comment-body.ts';
import { gitFacts } from '../pull-requests/git-facts.ts';
import type { GitFacts } from '../pull-requests/git-facts.ts';
import { addToStepSummary, postPlaces, postToGithub, postToGitlab } from '../pull-requests/post-report.ts';
import type { PostPlace, Posted, Report } from '../pull-requests/post-report.ts';
import { surroundings } from '../pull-requests/surroundings.ts';
import type { Cli } from '../cli.ts';
import type { Client } from '../client.ts';
import { exitCodes } from '../exit-codes.ts';
import { stepLine } from '../follow-run.ts';
import type { Page } from '../lists.ts';
import type { Register, VerbResult } from '../verb.ts';
import { examples } from '../verb.ts';

const pollMs = 400;

export const registerCi: Register = (program, bind) => {
  program
    .command('ci')
    .summary('check a commit: data, steps, gates, comparison with the base branch')
    .description(
      'Checks the commit that is checked out: validates its data, runs its pipeline, judges its gates, compares it with the run of the base branch, and reports to the pull request. With --server the commit is run there, from its repository. Exit code 1 when a check fails.',
    )
    .option('--base <branch>', 'the branch to compare with (default: that of the pull request, "ci.base" of gyre.yaml, main)')
    .option('--train-base', 'where no commit of the base branch has a run on record, run its newest one')
    .option('--fresh', 'run every step, whatever is cached')
    .option('--junit <file>', 'write every check as JUnit XML')
    .option('--report <file>', 'write the report as Markdown')
    .option('--env <file>', 'write GYRE_MODEL_VERSION and more for the next steps, one NAME=value a line')
    .option('--post <place>', `${postPlaces.join(', ')}; auto: where the job runs, where it has a token`, 'auto')
    .option('--reason <text>', 'why, for the record')
    .addHelpText(
      'after',
      examples(
        'gyre ci',
        'gyre ci --base main --junit junit.xml --report report.md',
        'gyre ci --server https://gyre.example.org --env ci.env',
      ),
    )
    .action(bind<CiOptions>(ci));
};

interface CiOptions {
  readonly base?: string;
  readonly trainBase?: boolean;
  readonly fresh?: boolean;
  readonly junit?: string;
  readonly report?: string;
  readonly env?: string;
  readonly post: string;
  readonly reason?: string;
}

type Outcome = { readonly posted: Posted } | { readonly notPosted: string } | Record<string, never>;

async function ci(cli: Cli, options: CiOptions): VerbResult {
  const { host, output } = cli;
  const place = postPlaces.find((known) => known === options.post);
  if (place === undefined) throw new GyreError('INVALID_ARGUMENT', `--post "${options.post}" is none of ${postPlaces.join(', ')}`);
  const around = surroundings(host.environment);
  const base = options.base ?? around.base ?? (await baseOfProject(cli));
  const facts = await gitFacts(cli.projectFolder, base, around.branch);
  for (const note of facts?.notes ?? []) output.note(`note: ${note}`);
  refuseChangesElsewhere(cli, facts);
  return cli.withClient(async (client) => {
    const started = await client.post<CiRun>('ci-runs', requestOf(options, base, facts));
    output.line(`CI run ${started.id}${started.commit === undefined ? '' : ` of ${started.commit.slice(0, 12)}`}`);
    const run = await follow(cli, client, started);
    const at = `ci-runs/${encodeURIComponent(run.id)}`;
    const markdown = `${text(await client.bytes(`${at}/report`))}${linkTo(cli, client, run)}`;
    if (options.report !== undefined) await write(cli, options.report, markdown);
    if (options.junit !== undefined) await write(cli, options.junit, text(await client.bytes(`${at}/junit`)));
    if (options.env !== undefined) await write(cli, options.env, variablesOf(run, await isLive(client, run)));
    const report: Report = {
      markdown,
      marker: `<!-- gyre ci: ${run.project} -->`,
      whole: isElsewhere(cli) ? `All of it: ${client.address}/ci/${run.id}` : 'All of it is what the job wrote by --report.',
    };
    const outcome = await post(cli, place, report);
    output.facts({ ...run, ...outcome }, () => say(cli, run, outcome, { place, markdown }));
    if (run.state !== 'passed') return exitCodes.failed;
    return 'notPosted' in outcome && place !== 'auto' ? exitCodes.unavailable : exitCodes.ok;
  });
}

async function baseOfProject(cli: Cli): Promise<string> {
  const { checkProject } = await import('#project');
  const { project } = await checkProject(cli.projectFolder, { environment: cli.host.environment });
  return project?.resolved.ci.base ?? 'main';
}

function isElsewhere({ options, host }: Cli): boolean {
  return (options.server ?? host.environment['GYRE_SERVER'] ?? '') !== '';
}

function refuseChangesElsewhere(cli: Cli, facts: GitFacts | undefined): void {
  if (!isElsewhere(cli)) return;
  if (facts === undefined)
    throw new GyreError('FAILED_PRECONDITION', `${cli.projectFolder} has no commit: a server runs commits of its repository`);
  if (facts.dirty)
    throw new GyreError('FAILED_PRECONDITION', 'files differ from the commit, and the server would not see that: commit them first');
}

function requestOf(options: CiOptions, base: string, facts: GitFacts | undefined): CiRequest {
  return {
    ...(facts === undefined ? {} : { commit: facts.commit, dirty: facts.dirty, base: { branch: base, commits: [...facts.base] } }),
    ...(facts?.branch === undefined ? {} : { branch: facts.branch }),
    ...(options.trainBase === undefined ? {} : { trainBase: true }),
    ...(options.fresh === undefined ? {} : { fresh: true }),
    ...(options.reason === undefined ? {} : { reason: options.reason }),
  };
}

/** Shows the steps as they end, until the commit is judged. Ctrl-C cancels its pipeline. */
async function follow({ host, output, ...cli }: Cli, client: Client, started: CiRun): Promise<CiRun> {
  const shown = new Set<string>();
  for (let run = started; ; run = await client.get<CiRun>(`ci-runs/${encodeURIComponent(started.id)}`)) {
    if (run.pipelineRun !== undefined) {
      const pipeline = await client.get<PipelineRun>(`pipeline-runs/${encodeURIComponent(run.pipelineRun)}`);
      for (const step of pipeline.steps.filter(
        ({ id, endedAt, state }) => !shown.has(id) && (endedAt !== undefined || state === 'cached'),
      )) {
        shown.add(step.id);
        output.line(stepLine({ host, output, ...cli }, step));
      }
    }
    if (run.state !== 'running') return run;
    await sleep(pollMs, undefined, { signal: host.signal }).catch(() => undefined);
    if (host.signal.aborted) {
      output.note('cancelling');
      const { openClient } = await import('../client.ts');
      const fresh = openClient({ ...client.options, signal: AbortSignal.timeout(30_000) });
      if (run.pipelineRun !== undefined) await fresh.post(`pipeline-runs/${encodeURIComponent(run.pipelineRun)}/cancel`);
      throw new GyreError('CANCELLED', 'stopped');
    }
  }
}

function linkTo(cli: Cli, client: Client, run: CiRun): string {
  return isElsewhere(cli) ? `\n[All of it](${client.address}/ci/${run.id})\n` : '';
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

async function write({ host }: Cli, name: string, content: string): Promise<void> {
  const file = resolve(host.folder, name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
}

/** Whether the last environment serves what was registered: a commit that changes nothing is not to be tested and signed off again. */
async function isLive(client: Client, { report }: CiRun): Promise<boolean> {
  if (report?.modelVersion === undefined) return false;
  const { items } = await client.get<Page<EnvironmentState>>('environments');
  return items.at(-1)?.live?.modelVersion === report.modelVersion.id;
}

/** For the steps after this one: what was registered, so that each of them speaks of the same, and whether it is to be released. */
function variablesOf({ id, state, report }: CiRun, live: boolean): string {
  const version = report?.modelVersion;
  const lines = [
    ['GYRE_CI_RUN', id],
    ['GYRE_CI_STATE', state],
    ['GYRE_RELEASE', version === undefined ? 'none' : live ? 'live' : 'needed'],
    ...(version === undefined ? [] : [['GYRE_MODEL_VERSION', `${version.model}/${version.version}`]]),
    ...(version?.package === undefined ? [] : [['GYRE_MODEL_PACKAGE', version.package]]),
  ];
  return lines.map(([name, value]) => `${name}=${value}\n`).join('');
}

async function post({ host }: Cli, place: PostPlace, report: Report): Promise<Outcome> {
  const { environment, signal } = host;
  const { service } = surroundings(environment);
  const to = place === 'auto' ? service : place;
  if (to !== 'github' && to !== 'gitlab') return {};
  try {
    if (to === 'github') await addToStepSummary(report, environment);
    return { posted: await (to === 'github' ? postToGithub : postToGitlab)(report, environment, signal) };
  } catch (error) {
    // The verdict is what the job is about: whether it could be posted is said beside.
    if (signal.aborted) throw error;
    return { notPosted: messageOf(error) };
  }
}

function say({ output }: Cli, run: CiRun, outcome: Outcome, { place, markdown }: { place: PostPlace; markdown: string }): void {
  if (place !== 'none' && !('posted' in outcome)) output.line(`\n${printedReport(markdown)}\n`);
  if ('notPosted' in outcome) output.note(`not posted to the pull request: ${String(outcome.notPosted)}`);
  if ('posted' in outcome) output.line(`report ${outcome.posted.how}: ${outcome.posted.where}`);
  const failed = run.report?.checks.filter(({ verdict }) => verdict === 'failed') ?? [];
  for (const { part, name, message } of failed) output.line(`${output.style('red', 'failed')} ${part}: ${name}: ${message}`);
  if (run.problem !== undefined) output.line(`${output.style('red', 'failed')} ${run.problem}`);
  output.line(output.style(run.state === 'passed' ? 'green' : 'red', run.state));
}
