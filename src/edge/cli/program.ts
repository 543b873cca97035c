import { Command, CommanderError } from 'commander';
import { isGyreError, messageOf } from '#core';
import { called, fromVerbOn } from './choice.ts';
import type { VerbModule } from './choice.ts';
import type { CliHost, GlobalOptions } from './cli.ts';
import { exitCodeHelp, exitCodeOf, exitCodes } from './exit-codes.ts';
import { Output } from './output.ts';
import { binder } from './verb.ts';
import type { Register } from './verb.ts';

/** What is not called is not loaded: that takes longer than many a verb. */
const groups: readonly (VerbModule<Register> & { readonly title: string })[] = [
  {
    title: 'Project',
    names: ['init', 'check', 'config', 'schema'],
    load: async () => (await import('./verbs/project.ts')).registerProject,
  },
  { title: 'Project', names: ['charter'], load: async () => (await import('./verbs/charter.ts')).registerCharter },
  { title: 'Platform', names: ['demo', 'up', 'run'], load: async () => (await import('./verbs/platform.ts')).registerPlatform },
  { title: 'Build', names: ['ci'], load: async () => (await import('./verbs/ci.ts')).registerCi },
  {
    title: 'Build',
    names: ['pipeline', 'runs', 'experiments', 'studies'],
    load: async () => (await import('./verbs/runs.ts')).registerRuns,
  },
  { title: 'Build', names: ['checkout'], load: async () => (await import('./verbs/checkout.ts')).registerCheckout },
  { title: 'Build', names: ['logged-models'], load: async () => (await import('./verbs/logged-models.ts')).registerLoggedModels },
  { title: 'Build', names: ['views'], load: async () => (await import('./verbs/shared.ts')).registerViews },
  { title: 'Build', names: ['reports'], load: async () => (await import('./verbs/shared.ts')).registerReports },
  { title: 'Build', names: ['schedule'], load: async () => (await import('./verbs/schedules.ts')).registerSchedules },
  { title: 'Build', names: ['data'], load: async () => (await import('./verbs/data/data.ts')).registerData },
  { title: 'Build', names: ['lfs'], load: async () => (await import('./verbs/data/lfs.ts')).registerLfs },
  { title: 'Build', names: ['import'], load: async () => (await import('./verbs/imports.ts')).registerImports },
  { title: 'Build', names: ['export'], load: async () => (await import('./verbs/imports.ts')).registerExport },
  { title: 'Build', names: ['relay'], load: async () => (await import('./verbs/relay.ts')).registerRelay },
  { title: 'Build', names: ['model'], load: async () => (await import('./verbs/models.ts')).registerModels },
  { title: 'Build', names: ['convert'], load: async () => (await import('./verbs/convert.ts')).registerConvert },
  { title: 'Deploy', names: ['release'], load: async () => (await import('./verbs/release.ts')).registerRelease },
  { title: 'Deploy', names: ['cd'], load: async () => (await import('./verbs/cd.ts')).registerCd },
  { title: 'Deploy', names: ['policy'], load: async () => (await import('./verbs/policies.ts')).registerPolicies },
  { title: 'Deploy', names: ['agent'], load: async () => (await import('./verbs/agents.ts')).registerAgents },
  { title: 'Deploy', names: ['endpoint'], load: async () => (await import('./verbs/endpoint.ts')).registerEndpoint },
  { title: 'Deploy', names: ['explain'], load: async () => (await import('./verbs/explain.ts')).registerExplain },
  { title: 'Deploy', names: ['deploy'], load: async () => (await import('./verbs/deploy.ts')).registerDeploy },
  { title: 'Deploy', names: ['package'], load: async () => (await import('./verbs/package.ts')).registerPackage },
  { title: 'Deploy', names: ['serve', 'predict', 'label'], load: async () => (await import('./verbs/serving.ts')).registerServing },
  { title: 'Deploy', names: ['stream'], load: async () => (await import('./verbs/stream.ts')).registerStream },
  { title: 'Deploy', names: ['batch'], load: async () => (await import('./verbs/batch-predictions.ts')).registerBatchPredictions },
  {
    title: 'Deploy',
    names: ['stream-predictions'],
    load: async () => (await import('./verbs/stream-predictions.ts')).registerStreamPredictions,
  },
  { title: 'Monitor', names: ['monitor'], load: async () => (await import('./verbs/monitor.ts')).registerMonitor },
  { title: 'Monitor', names: ['prediction'], load: async () => (await import('./verbs/predictions.ts')).registerPredictions },
  {
    title: 'Govern',
    names: ['trace', 'reproduce', 'audit', 'events'],
    load: async () => (await import('./verbs/governance.ts')).registerGovernance,
  },
  { title: 'Govern', names: ['gc'], load: async () => (await import('./verbs/garbage.ts')).registerGarbage },
  { title: 'Govern', names: ['backup', 'restore', 'backups'], load: async () => (await import('./verbs/backup.ts')).registerBackup },
  { title: 'Govern', names: ['blobs'], load: async () => (await import('./verbs/blobs.ts')).registerBlobs },
  { title: 'Govern', names: ['webhook'], load: async () => (await import('./verbs/webhooks.ts')).registerWebhooks },
  { title: 'Govern', names: ['mail'], load: async () => (await import('./verbs/mail.ts')).registerMail },
  { title: 'Govern', names: ['access'], load: async () => (await import('./verbs/grants.ts')).registerGrants },
  { title: 'Govern', names: ['whoami', 'open', 'identity'], load: async () => (await import('./verbs/access.ts')).registerAccess },
];

/** Runs one command line. @param words what follows `gyre` @returns the exit code */
export async function runCli(words: readonly string[], host: CliHost): Promise<number> {
  let code: number = exitCodes.ok;
  const program = await newProgram(words, host, (result) => {
    code = result;
  });
  try {
    await program.parseAsync([...words], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    return report(error, host, program.opts<GlobalOptions>());
  }
}

async function newProgram(words: readonly string[], host: CliHost, done: (code: number) => void): Promise<Command> {
  const program = new Command('gyre')
    .description('One control loop for machine learning: build, deploy, monitor, and build again, every claim with its evidence.')
    .version(host.version, '-V, --version', 'print the version')
    .option('--json', 'print facts as JSON')
    .option('-C, --project <folder>', 'the project folder (default: this one)')
    .option('--data <folder>', 'the data folder (default: .gyre in the project folder; GYRE_DATA)')
    .option('--server <url>', 'a server elsewhere (GYRE_SERVER; GYRE_TOKEN says who calls)')
    .option('--debug', 'with stack traces')
    .helpOption('-h, --help', 'explain a verb')
    .helpCommand(false)
    .showHelpAfterError('(add --help for the usage)')
    .showSuggestionAfterError(true)
    .configureHelp({ showGlobalOptions: false, sortSubcommands: false })
    .configureOutput({ writeOut: (text) => void host.stdout.write(text), writeErr: (text) => void host.stderr.write(text) })
    .exitOverride()
    .addHelpText(
      'after',
      `\n${exitCodeHelp}\n\nA first turn of the loop:\n  $ gyre demo\nA project of your own:\n  $ gyre init customers --from customers.csv\n  $ cd customers && gyre check && gyre run`,
    );
  const bind = binder(host, done);
  const [verb, second] = fromVerbOn(words);
  for (const { title, load } of called(groups, verb)) {
    program.commandsGroup(`${title}:`);
    await (
      await load()
    )(program, bind, second);
  }
  return program;
}

function report(error: unknown, host: CliHost, options: GlobalOptions): number {
  const output = new Output(host.stderr, host.stderr, { json: options.json === true, environment: host.environment });
  if (options.json === true) {
    const details = isGyreError(error) ? { code: error.code, details: error.details } : { code: 'INTERNAL' };
    host.stderr.write(`${JSON.stringify({ error: { message: messageOf(error), ...details } })}\n`);
  } else host.stderr.write(`${output.style('red', 'error:')} ${messageOf(error)}\n`);
  const hint = hintOf(error, options);
  if (hint !== undefined && options.json !== true) host.stderr.write(`${output.style('dim', hint)}\n`);
  if (options.debug === true && error instanceof Error)
    host.stderr.write(`${error.stack ?? ''}\n${error.cause instanceof Error ? `caused by ${error.cause.stack ?? ''}\n` : ''}`);
  return exitCodeOf(error);
}

function hintOf(error: unknown, options: GlobalOptions): string | undefined {
  if (!isGyreError(error)) return options.debug === true ? undefined : 'This is a fault of Gyre’s own; --debug shows where.';
  // What an ingestion failed with is about its source.
  if ('ingestion' in error.details || 'database' in error.details) return undefined;
  if (error.code === 'UNAVAILABLE') return 'Is the platform up? "gyre up" starts it; --server or GYRE_SERVER names one elsewhere.';
  if (error.code === 'UNAUTHENTICATED') return 'GYRE_TOKEN holds your token; an admin makes one with "gyre identity token NAME".';
  return undefined;
}
