import { Command, CommanderError } from 'commander';
import { isGyreError, messageOf } from '#core';
import type { CliHost, GlobalOptions } from './cli.ts';
import { exitCodeHelp, exitCodeOf, exitCodes } from './exit-codes.ts';
import { Output } from './output.ts';
import { binder } from './verb.ts';
import { registerAccess } from './verbs/access.ts';
import { registerCharter } from './verbs/charter.ts';
import { registerData } from './verbs/data/data.ts';
import { registerLfs } from './verbs/data/lfs.ts';
import { registerBlobs } from './verbs/blobs.ts';
import { registerGarbage } from './verbs/garbage.ts';
import { registerGovernance } from './verbs/governance.ts';
import { registerModels } from './verbs/models.ts';
import { registerMonitor } from './verbs/monitor.ts';
import { registerPredictions } from './verbs/predictions.ts';
import { registerPlatform } from './verbs/platform.ts';
import { registerProject } from './verbs/project.ts';
import { registerRelease } from './verbs/release.ts';
import { registerRuns } from './verbs/runs.ts';
import { registerSchedules } from './verbs/schedules.ts';
import { registerServing } from './verbs/serving.ts';

/** Runs one command line. @param words what follows `gyre` @returns the exit code */
export async function runCli(words: readonly string[], host: CliHost): Promise<number> {
  let code: number = exitCodes.ok;
  const program = newProgram(host, (result) => {
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

function newProgram(host: CliHost, done: (code: number) => void): Command {
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
  const groups = [
    ['Project', registerProject],
    ['Project', registerCharter],
    ['Platform', registerPlatform],
    ['Build', registerRuns],
    ['Build', registerSchedules],
    ['Build', registerData],
    ['Build', registerLfs],
    ['Build', registerModels],
    ['Deploy', registerRelease],
    ['Deploy', registerServing],
    ['Monitor', registerMonitor],
    ['Monitor', registerPredictions],
    ['Govern', registerGovernance],
    ['Govern', registerGarbage],
    ['Govern', registerBlobs],
    ['Govern', registerAccess],
  ] as const;
  for (const [title, register] of groups) {
    program.commandsGroup(`${title}:`);
    register(program, bind);
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
  if (error.code === 'UNAVAILABLE') return 'Is the platform up? "gyre up" starts it; --server or GYRE_SERVER names one elsewhere.';
  if (error.code === 'UNAUTHENTICATED') return 'GYRE_TOKEN holds your token; an admin makes one with "gyre identity token NAME".';
  return undefined;
}
