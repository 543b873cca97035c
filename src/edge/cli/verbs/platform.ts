import type { PipelineRun } from '#contract';
import type { Cli } from '../cli.ts';
import { exitCodes } from '../exit-codes.ts';
import { followRun } from '../follow-run.ts';
import type { Register, VerbResult } from '../verb.ts';
import { examples, whole } from '../verb.ts';

export const registerPlatform: Register = (program, bind) => {
  program
    .command('demo')
    .summary('the churn example through the whole loop')
    .description(
      'Runs the churn example through the whole loop, drift, alert, retraining and a new release included, and keeps its page up until Ctrl-C.',
    )
    .option('--fresh', 'begin with an empty data folder')
    .option('--exit', 'end after the summary')
    .option('--control', 'shift the population only: shows what retraining cannot cure')
    .option('--seed <n>', 'another seed for the traffic', whole)
    .addHelpText('after', examples('gyre demo', 'gyre demo --fresh --exit', 'gyre demo -C my/changed/churn'))
    .action(bind<DemoOptions>(demo));

  program
    .command('up')
    .summary('run the platform')
    .description('Runs the platform: API, page, pipelines, data planes. On loopback unless told otherwise; Ctrl-C stops it cleanly.')
    .option('--host <address>', 'the address to bind to (default: 127.0.0.1)')
    .option('--port <n>', 'the port; 0 takes a free one (default: 7070)', whole)
    .option('--tls-cert <file>', 'certificate (PEM); needed beyond loopback')
    .option('--tls-key <file>', 'its key (PEM)')
    .option('--host-names <names>', 'names by which callers reach it, with commas between (those of the certificate count anyway)')
    .option('--allow-plaintext', 'bind beyond loopback without TLS, behind a proxy that ends it')
    .addHelpText('after', examples('gyre up', 'gyre up --port 0', 'gyre up --host 0.0.0.0 --tls-cert cert.pem --tls-key key.pem'))
    .action(bind<UpOptions>(up));

  program
    .command('run')
    .summary('run the pipeline of the project')
    .description(
      'Runs the pipeline of gyre.yaml: data, features, training, evaluation, registry. Steps whose inputs have not changed are cached. Exit code 1 when a step fails or a gate is missed.',
    )
    .option('--fresh', 'run every step, whatever is cached')
    .option('--reason <text>', 'why, for the record', 'gyre run')
    .option('--detach', 'do not wait for its end')
    .addHelpText('after', examples('gyre run', 'gyre run --fresh', 'gyre run --detach --json'))
    .action(bind<RunOptions>(run));
};

interface DemoOptions {
  readonly fresh?: boolean;
  readonly exit?: boolean;
  readonly control?: boolean;
  readonly seed?: number;
}

async function demo(cli: Cli, options: DemoOptions): VerbResult {
  const { host } = cli;
  const app = await host.app();
  const reached = await app.demo({
    ...(cli.options.project === undefined ? {} : { projectFolder: cli.projectFolder }),
    flags: cli.flags,
    environment: host.environment,
    fresh: options.fresh ?? false,
    exit: options.exit ?? false,
    control: options.control ?? false,
    ...(options.seed === undefined ? {} : { seed: options.seed }),
    write: (text) => void host.stdout.write(text),
    isTerminal: cli.output.isTerminal,
    signal: host.signal,
  });
  return reached ? exitCodes.ok : exitCodes.failed;
}

interface UpOptions {
  readonly host?: string;
  readonly port?: number;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly hostNames?: string;
  readonly allowPlaintext?: boolean;
}

async function up(cli: Cli, options: UpOptions): VerbResult {
  const { host, output } = cli;
  const app = await host.app();
  await app.up({
    projectFolder: cli.projectFolder,
    flags: { ...cli.flags, ...options },
    environment: host.environment,
    signal: host.signal,
    ready: ({ address, page, dataFolder }) =>
      output.facts({ address, page, dataFolder }, () => {
        output.line(`${output.style('green', 'up')} at ${address}, data in ${dataFolder}`);
        output.line(`page: ${page}`);
        output.line(output.style('dim', 'Ctrl-C stops it'));
      }),
  });
}

interface RunOptions {
  readonly fresh?: boolean;
  readonly reason: string;
  readonly detach?: boolean;
}

function run(cli: Cli, options: RunOptions): VerbResult {
  return cli.withClient(async (client) => {
    const started = await client.post<PipelineRun>('pipeline-runs', { reason: options.reason, fresh: options.fresh ?? false });
    if (options.detach === true) {
      cli.output.facts(started, () => cli.output.line(`pipeline run ${started.id} started; "gyre pipeline show ${started.id}" shows it`));
      return exitCodes.ok;
    }
    const ended = await followRun(cli, client, started);
    if (ended.state === 'cancelled') return exitCodes.interrupted;
    const isGateMissed = ended.steps.some(({ outputs }) => outputs?.['passed'] === false);
    return ended.state === 'succeeded' && !isGateMissed ? exitCodes.ok : exitCodes.failed;
  });
}
