/*
 * The data plane beside what people run today: a hand-written FastAPI service, MLServer, and Triton core with its Python backend, all on
 * ONNX Runtime and all started here, in one run, rounds interleaved. Ours is `gyre serve` as it is shipped: signed manifest, validation, ids,
 * metrics, every prediction logged. Each peer is tried at a few settings, and the best for each number of connections is compared. Where a
 * version of uvicorn stalls on kept connections (TCP_NODELAY, serving/peers/nodelay) that is taken away; as shipped it stands beside it. The load generator is a
 * process of its own on the same machine, and looks at each answer. The floor is a bare node:http server that answers as many bytes; the
 * limit is ONNX Runtime called in a loop.
 * Usage: ./gyre bench serving [--only PART-OF-NAME] [--quick] [--alone] [--json]
 * --quick with short rounds, and each peer at the setting that mostly is its best; --alone without the peers; --json prints all figures once more as JSON. The peers' versions stand in
 * bench/serving/requirements-*.txt; they are installed at the first run, into GYRE_BENCH_SERVING (default: node_modules/.cache).
 * GYRE_BENCH_PROFILE names a folder for V8's profiles of ours.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Case, casesOf, type Environments, judged, type Peer } from './serving/cases.ts';
import { pythonEnvironment } from './serving/environments.ts';
import type { LimitAsked } from './serving/limit.ts';
import { type Contender, type Figures, Generator, measure } from './serving/measure.ts';
import type { BenchModel } from './serving/models.ts';
import { type Server, startFloor, startGyre } from './serving/servers.ts';
import onnxruntime from '../node_modules/onnxruntime-node/package.json' with { type: 'json' };

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    quick: { type: 'boolean', default: false },
    alone: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const times = options.quick
  ? { rounds: 3, durationMs: 1000, tryMs: 500, warmAnswers: 5000, warmMs: 6000, limitMs: 500 }
  : { rounds: 3, durationMs: 5000, tryMs: 2000, warmAnswers: 50_000, warmMs: 30_000, limitMs: 3000 };
const connectionCounts = [8, 64] as const;
let missed = 0;
const named = ['fastapi', 'uvicorn', 'uvloop', 'pydantic', 'mlserver', 'nvidia-pytriton', 'onnxruntime', 'numpy'];

const ms = (value: number): string => `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ms`;

/** For each number of connections, the best of a peer's settings, still running. */
async function bestOf(peer: Peer, setUp: SetUp): Promise<ReadonlyMap<number, Contender>> {
  if (options.quick) {
    const server = setUp.stack.use(await peer.settings[peer.usual].start(setUp.newFolder(), setUp.modelFile));
    return new Map(connectionCounts.map((connections) => [connections, { name: peer.name, server, target: peer.target(server) }]));
  }
  const tried: { readonly setting: Peer['settings'][number]; readonly perSecond: ReadonlyMap<number, number> }[] = [];
  for (const setting of peer.settings) {
    await using server = await setting.start(setUp.newFolder(), setUp.modelFile);
    const contender = { name: peer.name, server, target: peer.target(server) };
    const perSecond = new Map<number, number>();
    for (const connections of connectionCounts) {
      const [figures] = await measure(setUp.generator, [contender], { connections, rounds: 1, durationMs: times.tryMs });
      perSecond.set(connections, figures.failures > 0 ? 0 : figures.perSecond);
      const said = figures.failures > 0 ? `${figures.failures} failures (${figures.reason})` : `${figures.perSecond.toFixed(0)}/s`;
      console.log(
        `      tried ${peer.name.padEnd(9)} ${String(connections).padStart(2)} connections  ${said.padStart(9)}  ${server.setting}`,
      );
    }
    tried.push({ setting, perSecond });
  }
  const running = new Map<Peer['settings'][number], Server>();
  const best = new Map<number, Contender>();
  for (const connections of connectionCounts) {
    const { setting } = tried.toSorted((one, other) => (other.perSecond.get(connections) ?? 0) - (one.perSecond.get(connections) ?? 0))[0];
    const server = running.get(setting) ?? setUp.stack.use(await setting.start(setUp.newFolder(), setUp.modelFile));
    running.set(setting, server);
    best.set(connections, { name: peer.name, server, target: peer.target(server) });
  }
  return best;
}

interface SetUp {
  readonly generator: Generator;
  readonly stack: AsyncDisposableStack;
  readonly modelFile: string;
  readonly newFolder: () => string;
}

interface Measured {
  readonly name: string;
  readonly connections: number;
  readonly figures: readonly Figures[];
}

/** What is open while a case is measured. */
let opened: AsyncDisposableStack | undefined;

async function run(one: Case, generator: Generator): Promise<readonly Measured[]> {
  await using stack = new AsyncDisposableStack();
  opened = stack;
  const folder = mkdtempSync(join(tmpdir(), 'gyre-bench-serving-'));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  let folders = 0;
  const newFolder = (): string => {
    const name = join(folder, String(folders++));
    mkdirSync(name);
    return name;
  };
  const model = await one.model();
  const modelFile = join(folder, 'model.onnx');
  writeFileSync(modelFile, model.graph);
  console.log(`\n${one.name}: ${one.title} (${(model.graph.byteLength / 1e6).toFixed(1)} MB)`);
  const setUp: SetUp = { generator, stack, modelFile, newFolder };
  const ours = stack.use(await startGyre(newFolder(), model));
  const floor = stack.use(await startFloor(newFolder(), one.floorBytes));
  const own = one.ours(model, ours).map((contender): Contender => ({ ...contender, server: ours }));
  const floorTarget = { ...own[0].target, port: floor.port, check: 'none' } as const;
  const best: ReadonlyMap<number, Contender>[] = [];
  const shown: Contender[] = [];
  for (const peer of one.peers(model)) {
    best.push(await bestOf(peer, setUp));
    for (const setting of peer.shown ?? []) {
      const server = stack.use(await setting.start(newFolder(), modelFile));
      shown.push({ name: `${peer.name} *`, server, target: peer.target(server) });
    }
  }
  for (const contender of [{ name: 'floor', server: floor, target: floorTarget }, ...own]) await warmUp(generator, contender);
  const measured: Measured[] = [];
  for (const connections of connectionCounts) {
    const theirs = best.flatMap((settings) => settings.get(connections) ?? []);
    const contenders = [{ name: 'floor', server: floor, target: floorTarget }, ...own, ...theirs, ...shown];
    const figures = await measure(generator, contenders, { connections, rounds: times.rounds, durationMs: times.durationMs });
    measured.push({ name: one.name, connections, figures });
    report(one, connections, figures);
  }
  reportLimit(one, model, modelFile, measured);
  return measured;
}

/** What was just loaded is slower, the more so where code is compiled as it runs: it is asked until that is done, or for so long. */
async function warmUp(generator: Generator, contender: Contender): Promise<void> {
  const untilMs = performance.now() + times.warmMs;
  for (let answers = 0; answers < times.warmAnswers && performance.now() < untilMs;) {
    const [figures] = await measure(generator, [contender], { connections: 64, rounds: 1, durationMs: 1000 });
    answers += figures.perSecond;
  }
}

function report(one: Case, connections: number, figures: readonly Figures[]): void {
  for (const { name, setting, perSecond, p50Ms, p99Ms, failures, reason, serverCores, generatorCores } of figures) {
    const told = `${perSecond.toFixed(0).padStart(6)}/s  p50 ${ms(p50Ms).padStart(8)}  p99 ${ms(p99Ms).padStart(8)}`;
    const used = `CPU ${serverCores.toFixed(2)} + ${generatorCores.toFixed(2)}, ${ms((serverCores * 1000) / perSecond)} a request`;
    const wrong = failures === 0 ? '' : `  ${failures} FAILURES (${reason?.slice(0, 200)})`;
    console.log(`      ${String(connections).padStart(2)} connections  ${name.padEnd(10)} ${told}  ${used}  ${setting}${wrong}`);
  }
  for (const aim of one.aims.filter((candidate) => candidate.connections === connections)) {
    const found = judged(aim, figures);
    if (found === undefined) continue;
    if (!found.isReached) missed += 1;
    const limit = aim.figure === 'p99Ms' ? `at most ${aim.ratio}x` : `at least ${aim.ratio}x`;
    const what = `${one.name}, ${connections} connections: ${aim.what} of ${aim.ours} to ${aim.theirs}`;
    console.log(`${found.isReached ? 'PASS' : 'MISS'}  ${what.padEnd(72)} ${found.ratio.toFixed(2)}x, target ${limit}`);
  }
}

/** How near ours is to ONNX Runtime called in a loop by itself, on the same processors. */
function reportLimit(one: Case, model: BenchModel, modelFile: string, measured: readonly Measured[]): void {
  const threads = availableParallelism();
  const fastest = Math.max(
    ...measured.flatMap(({ figures }) => figures.filter(({ name }) => name === 'gyre').map(({ perSecond }) => perSecond)),
  );
  for (const rows of one.limitRows) {
    for (const count of new Set([1, threads])) {
      const asked: LimitAsked = {
        model: modelFile,
        input: model.input.name,
        shape: model.input.shape,
        rows,
        threads: count,
        ms: times.limitMs,
      };
      const told = execFileSync(process.execPath, [join(import.meta.dirname, 'serving/limit.ts'), JSON.stringify(asked)], {
        encoding: 'utf8',
      });
      const { runsPerSecond } = JSON.parse(told) as { readonly runsPerSecond: number };
      const share = fastest / (runsPerSecond * rows);
      const how = `ONNX Runtime in a loop, ${count} ${count === 1 ? 'thread' : 'threads'}, ${rows} ${rows === 1 ? 'row' : 'rows'} a run`;
      console.log(
        `      ${how.padEnd(56)} ${(runsPerSecond * rows).toFixed(0).padStart(7)} rows/s; gyre at its best is ${share.toFixed(3)} of it`,
      );
    }
  }
}

let stopping: Promise<void> | undefined;
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => (stopping ??= opened?.disposeAsync()));
try {
  using generator = new Generator();
  const environments: Environments | undefined = options.alone
    ? undefined
    : { http: pythonEnvironment('fastapi-triton'), mlserver: pythonEnvironment('mlserver') };
  console.log(
    `      ${availableParallelism()} processors (${cpus()[0].model.trim()}), Node ${process.version}, ONNX Runtime ${onnxruntime.version}`,
  );
  for (const { python, versionOf } of environments === undefined ? [] : [environments.http, environments.mlserver]) {
    const versions = named.flatMap((name) => versionOf(name)?.replace(/^/, `${name} `) ?? []);
    console.log(`      Python ${python.version}: ${versions.join(', ')}`);
  }
  console.log('      CPU: processors used by the server and by the load generator');
  const measured: Measured[] = [];
  for (const one of casesOf(environments)) if (one.name.includes(options.only)) measured.push(...(await run(one, generator)));
  if (options.json) console.log(JSON.stringify(measured));
  console.log(missed === 0 ? '\nnothing was missed' : `\n${missed} missed`);
} finally {
  await stopping;
}
