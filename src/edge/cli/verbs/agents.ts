import { open, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { Agent, AgentDetail, EnrolledAgent, Enrolment } from '#contract';
import { GyreError } from '#core';
import { exitCodes } from '../exit-codes.ts';
import type { Cli } from '../cli.ts';
import { listFlags, listQuery, pageNote } from '../lists.ts';
import type { ListFlags, Page } from '../lists.ts';
import { short, when } from '../output.ts';
import type { Bind, Register } from '../verb.ts';
import { atLeastOne, examples, whole } from '../verb.ts';

const usualPort = 7080;

interface PlaceFlags {
  readonly folder?: string;
  readonly enrolment?: string;
  readonly ca?: string;
  readonly host: string;
  readonly port: number;
  readonly grpcPort?: number;
}

interface RunFlags extends PlaceFlags {
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly insecureHttp?: boolean;
  readonly allowedHost?: string[];
  readonly reportEvery: number;
  readonly longestPause: number;
}

/** `gyre agent`: other machines that serve an environment. */
export const registerAgents: Register = (program, bind) => {
  const agent = program
    .command('agent')
    .summary('other machines that serve an environment: enrol, run, look')
    .description(
      'An agent makes an environment’s desired state true on its own machine: it fetches the signed manifest and its files, has them served, reports, and sends the prediction log. It only calls out. The environment says "agents: true" in gyre.yaml.',
    );
  registerRecords(agent, bind);
  registerRun(agent, bind);
};

function registerRecords(agent: Command, bind: Bind): void {
  agent
    .command('enrol')
    .description(
      'Enrols an agent for one environment, and writes the file that is carried to its machine: a token, and the key that it is to believe.',
    )
    .argument('<name>', 'such as field-1')
    .requiredOption('--environment <name>', 'the environment that it serves')
    .option('--to <file>', 'where the enrolment is written (default: NAME.enrolment.json)')
    .option('--at <url>', 'where the agent reaches the platform (default: where this command does)')
    .addHelpText('after', examples('gyre agent enrol field-1 --environment field --at https://gyre.example.org:7070 --to field-1.json'))
    .action(
      bind<{ environment: string; to?: string; at?: string }>(async (cli, { environment, to, at }, name = '') => {
        if (at === undefined && (await cli.server()) === undefined)
          throw new GyreError(
            'FAILED_PRECONDITION',
            'no platform runs here: say where the agent reaches it (--at https://gyre.example.org:7070)',
          );
        if (at !== undefined && !isAddress(at))
          throw new GyreError('INVALID_ARGUMENT', `--at takes an address such as https://gyre.example.org:7070, not "${at}"`);
        return cli.withClient(async (client) => {
          const file = resolve(cli.host.folder, to ?? `${name}.enrolment.json`);
          // Before anybody is enrolled: the token is given once.
          const handle = await open(file, 'wx', 0o600).catch((error: unknown) => {
            throw new GyreError(
              'FAILED_PRECONDITION',
              `${file} cannot be written (is it there already?): nobody is enrolled`,
              {},
              { cause: error },
            );
          });
          await using emptied = new AsyncDisposableStack();
          emptied.defer(() => rm(file, { force: true }));
          await using written = new AsyncDisposableStack();
          written.defer(() => handle.close());
          const { agent: enrolled, token, key } = await client.post<EnrolledAgent>('agents', { name, environment });
          const enrolment: Enrolment = { format: 'gyre.enrolment.v1', agent: name, environment, server: at ?? client.address, token, key };
          await handle.writeFile(`${JSON.stringify(enrolment, undefined, 2)}\n`).catch(async (error: unknown) => {
            // Nobody else has the token: what cannot be kept is of no use.
            await client.post(`agents/${enrolled.id}/revoke`);
            throw new GyreError('FAILED_PRECONDITION', `${file} could not be written: the agent is revoked again`, {}, { cause: error });
          });
          emptied.move();
          cli.output.facts({ agent: enrolled, file }, () => {
            cli.output.line(`agent ${name} is enrolled for ${environment}; ${file} has its token: carry it to the machine, then there:`);
            cli.output.line(`  gyre agent run --enrolment ${file.split('/').at(-1) ?? file} --folder agent`);
          });
        });
      }),
    );
  listFlags(agent.command('list').alias('ls').description('Lists agents with what each serves, by environment.'))
    .option('--environment <name>', 'of one environment')
    .action(
      bind<ListFlags & { environment?: string }>((cli, { environment, ...options }) =>
        cli.withClient(async (client) => {
          const page = await client.get<Page<Agent>>('agents', { ...listQuery(options), environment });
          cli.output.facts(page, () => {
            cli.output.table(page.items, [
              { title: 'AGENT', of: ({ name }) => name },
              { title: 'ENVIRONMENT', of: (one) => one.environment },
              { title: 'STATE', of: ({ state }) => state },
              { title: 'SERVES', of: ({ report }) => report?.serving?.models.join(', ') },
              { title: 'GENERATION', of: ({ report }) => report?.serving?.generation, align: 'right' },
              { title: 'MANIFEST', of: ({ report }) => short(report?.serving?.manifest) },
              { title: 'SINCE', of: ({ report }) => when(report?.serving?.since) },
              { title: 'LAST SEEN', of: ({ lastSeenAt }) => when(lastSeenAt) },
              { title: 'WHY', of: ({ why }) => why ?? '' },
            ]);
            pageNote(cli, page);
          });
        }),
      ),
    );
  agent
    .command('show')
    .description(
      'Shows an agent: what it serves, what was found of its machine, how its state changed. The exit code is 1 while it is not in step.',
    )
    .argument('<agent>', 'its name or id')
    .action(
      bind<object>((cli, _options, name = '') =>
        cli.withClient(async (client) => {
          const found = await client.get<AgentDetail>(`agents/${encodeURIComponent(name)}`);
          cli.output.facts(found, () => show(cli, found));
          return found.state === 'in step' ? exitCodes.ok : exitCodes.failed;
        }),
      ),
    );
  agent
    .command('revoke')
    .description(
      'Ends an agent’s token, for good. What it serves it goes on serving until somebody stops it there; its name is not given again.',
    )
    .argument('<agent>', 'its name or id')
    .action(
      bind<object>((cli, _options, name = '') =>
        cli.withClient(async (client) => {
          const { id } = await client.get<Agent>(`agents/${encodeURIComponent(name)}`);
          const revoked = await client.post<Agent>(`agents/${id}/revoke`);
          cli.output.facts(revoked, () => cli.output.line(`agent ${revoked.name} is revoked`));
        }),
      ),
    );
}

function isAddress(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

function registerRun(agent: Command, bind: Bind): void {
  const placed = (command: Command): Command =>
    command
      .option('--enrolment <file>', 'what gyre agent enrol wrote (default: what the folder keeps of the first time)')
      .option('--folder <folder>', 'where it keeps what it has (default: ~/.local/state/gyre/agent)')
      .option('--ca <file>', 'a certificate that the platform’s is believed by, beside the system’s')
      .option('--host <address>', 'where its data plane listens', '127.0.0.1')
      .option('--port <n>', 'REST port of its data plane; 0: any free one', whole, usualPort)
      .option('--grpc-port <n>', 'its gRPC port (default: the one after; 0: any free one)', whole);
  placed(agent.command('run'))
    .description(
      'Runs an agent until it is stopped. Started while the platform is away it serves what it served last. SIGTERM lets requests under way finish.',
    )
    .option('--tls-cert <file>', 'certificate of its data plane, for HTTPS')
    .option('--tls-key <file>', 'its key')
    .option('--insecure-http', 'plain HTTP beyond this machine')
    .option<string[]>(
      '--allowed-host <name>',
      'a name that callers may use beside localhost and addresses; may come several times',
      (name, names) => [...names, name],
      [],
    )
    .option('--report-every <seconds>', 'how often it reports', atLeastOne, 10)
    .option('--longest-pause <seconds>', 'how long it waits at most before it calls a platform again that is away', atLeastOne, 30)
    .addHelpText('after', examples('gyre agent run --enrolment field-1.json --folder agent', 'gyre agent run --folder agent --port 7080'))
    .action(
      bind<RunFlags>(async (cli, { reportEvery, longestPause, tlsCert, tlsKey, ...options }) => {
        const { host, output } = cli;
        const app = await host.app();
        await app.agent({
          ...placeOf(cli, options),
          ...(tlsCert === undefined ? {} : { tlsCert: resolve(host.folder, tlsCert) }),
          ...(tlsKey === undefined ? {} : { tlsKey: resolve(host.folder, tlsKey) }),
          ...(options.insecureHttp === undefined ? {} : { insecureHttp: options.insecureHttp }),
          ...(options.allowedHost === undefined ? {} : { allowedHost: options.allowedHost }),
          reportEvery,
          longestPause,
          say: (line) => output.note(line),
          serving: ({ address, generation }) => output.line(`serves generation ${generation} at ${address}`),
        });
      }),
    );
  placed(agent.command('check'))
    .description(
      'Looks whether this machine can serve what its environment is to serve: memory, disk, and what "requires" in gyre.yaml names. The exit code is 1 when it cannot.',
    )
    .action(
      bind<PlaceFlags>(async (cli, options) => {
        const app = await cli.host.app();
        const found = await app.agentCheck(placeOf(cli, options));
        if (found === undefined) {
          cli.output.facts({ checks: [] }, () => cli.output.line('nothing is to be served'));
          return exitCodes.ok;
        }
        cli.output.facts(found, () =>
          cli.output.table(found.checks, [
            { title: 'CHECK', of: ({ name }) => name },
            { title: '', of: ({ passed }) => cli.output.style(passed ? 'green' : 'red', passed ? 'passed' : 'failed') },
            { title: 'FOUND', of: ({ observed }) => observed },
            { title: 'ASKED', of: ({ wanted }) => wanted },
          ]),
        );
        return found.checks.every(({ passed }) => passed) ? exitCodes.ok : exitCodes.failed;
      }),
    );
}

function placeOf({ host, options: { server } }: Cli, { folder, enrolment, ca, host: address, port, grpcPort }: PlaceFlags) {
  const state = host.environment['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state');
  return {
    folder: folder === undefined ? join(state, 'gyre', 'agent') : resolve(host.folder, folder),
    ...(enrolment === undefined ? {} : { enrolment: resolve(host.folder, enrolment) }),
    ...(server === undefined ? {} : { server }),
    ...(ca === undefined ? {} : { ca: resolve(host.folder, ca) }),
    host: address,
    port,
    grpcPort: grpcPort ?? (port === 0 ? 0 : port + 1),
    environment: host.environment,
    signal: host.signal,
  };
}

function show({ output }: Cli, agent: AgentDetail): void {
  const { report } = agent;
  const { serving, plane, host, checks = [] } = report ?? {};
  output.pairs([
    ['agent', agent.name],
    ['environment', agent.environment],
    ['state', agent.why === undefined ? agent.state : `${agent.state}: ${agent.why}`],
    ['serves', serving?.models.join(', ')],
    ['generation', serving?.generation],
    ['manifest', serving?.manifest],
    ['since', serving === undefined ? undefined : when(serving.since)],
    ['address there', plane?.address],
    ['requests', plane === undefined ? undefined : `${plane.requests}, ${plane.errors} failed`],
    ['log to be sent', plane?.segments === undefined ? undefined : `${plane.segments} segments`],
    ['machine', host === undefined ? undefined : `${host.name}: ${host.platform}, ${host.cpus} processors, ${host.memoryMiB} MiB`],
    ['gyre', host === undefined ? undefined : `${host.gyre}, ONNX Runtime ${host.onnxruntime}`],
    ['last seen', agent.lastSeenAt === undefined ? undefined : when(agent.lastSeenAt)],
    ['its own time', report === undefined ? undefined : when(report.at)],
    ['enrolled', `${when(agent.enrolledAt)} by ${agent.enrolledBy.name}`],
  ]);
  for (const { message, passed } of checks) if (!passed) output.line(`${output.style('red', 'failed')} ${message}`);
  if (agent.changes.length === 0) return;
  output.line();
  output.table(agent.changes.slice(0, 20), [
    { title: 'WHEN', of: ({ at }) => when(at) },
    { title: 'STATE', of: ({ state }) => state },
    { title: 'WHY', of: ({ why }) => why ?? '' },
  ]);
}
