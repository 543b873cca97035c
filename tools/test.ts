/**
 * `./gyre test [--suite NAME]… [--name PATTERN] [--verbose] [FILTER…]`: runs the tests with Node alone.
 * A FILTER is a part of a file's path; without one, all files of the suites run. The last line is `N passed, N failed, N skipped`.
 */
import { globSync } from 'node:fs';
import { connect } from 'node:net';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { joinProgram } from './join-program.ts';
import { endOnInterrupt, runPart } from './test-part.ts';
import type { Part, PartResult } from './test-part.ts';

const root = join(import.meta.dirname, '..');
const defaultPostgres = 'postgres://postgres@127.0.0.1:5432/postgres';

interface SuitePlan {
  readonly name: string;
  readonly patterns: readonly string[];
  /** `shared`: its files are dealt to a few processes. `each`: every file has its own. */
  readonly processes: 'shared' | 'each';
  /** How long one test may take. */
  readonly testTimeoutMs: number;
  /** Runs only when it is named: it needs more than Node. */
  readonly onRequest: boolean;
}

const plans: readonly SuitePlan[] = [
  {
    name: 'unit',
    patterns: ['src/**/*.test.ts', 'ui/**/*.test.ts', 'tools/**/*.test.ts'],
    processes: 'shared',
    testTimeoutMs: 60_000,
    onRequest: false,
  },
  { name: 'e2e', patterns: ['test/e2e/**/*.test.ts'], processes: 'each', testTimeoutMs: 600_000, onRequest: false },
  { name: 'faults', patterns: ['test/faults/**/*.test.ts'], processes: 'each', testTimeoutMs: 600_000, onRequest: false },
  { name: 'interop', patterns: ['test/interop/**/*.test.ts'], processes: 'each', testTimeoutMs: 600_000, onRequest: true },
];

/** Begun first, so that none of them runs on alone when all others have ended. */
const longest = [
  'test/faults/kill-run',
  'test/faults/kill-demo',
  'test/e2e/backends',
  'test/e2e/demo',
  'test/e2e/bad-input',
  'test/e2e/cli',
  'test/interop/api-schemathesis',
  'test/interop/ui.test',
  'test/interop/ui-data',
  'test/interop/ui-runs',
  'test/interop/mlflow-client',
  'test/interop/lfs',
  'test/interop/imports',
  'test/interop/dvc',
  'test/interop/python-models',
];

const usage = `usage: ./gyre test [--suite NAME]… [--name PATTERN] [--processes N] [--verbose] [FILTER…]
  --suite NAME     ${plans.map(({ name }) => name).join(', ')} (default: all but interop, which needs .ci/run's Python peers)
  --name PATTERN   only tests whose title matches
  --processes N    how many test processes run side by side (default: two more than there are cores, since tests wait for disks and processes)
  --verbose        show every test, and how long each process took
  FILTER           only files whose path contains it`;

/** Whether something listens there; a test that needs it is skipped with this reason otherwise. */
function answers(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port === '' ? 5432 : port), timeout: 1000 });
    const settle = (isThere: boolean): void => {
      socket.destroy();
      resolve(isThere);
    };
    socket.once('connect', () => settle(true));
    socket.once('timeout', () => settle(false));
    socket.once('error', () => settle(false));
  });
}

/** The parts of a suite, each for a process. Where files share one, neighbours are apart: what is slow is seldom alone in its folder. */
function partsOf({ name, processes, testTimeoutMs }: SuitePlan, files: readonly string[], count: number): readonly Part[] {
  const shared = Math.min(count, files.length);
  const dealt =
    processes === 'each'
      ? files.map((file) => [file])
      : Array.from({ length: shared }, (_, at) => files.filter((_file, index) => index % shared === at));
  return dealt.map((part) => ({ suite: name, files: part, testTimeoutMs }));
}

/** How early a part begins: what takes longest first, the processes that many files share before all. */
function rank({ files: [first = '', ...others] }: Part): number {
  const known = longest.findIndex((start) => first.startsWith(start));
  return others.length > 0 ? -1 : known < 0 ? longest.length : known;
}

/** Runs the parts, so many side by side. @returns when all have ended */
async function runAll(parts: readonly Part[], processes: number, run: (part: Part) => Promise<void>): Promise<void> {
  const waiting = [...parts];
  const work = async (): Promise<void> => {
    for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) await run(part);
  };
  await Promise.all(Array.from({ length: processes }, work));
}

/** What a test may be skipped for even there where nothing else is: its reason begins so. */
const excuses = ['data that may not be passed on', 'packages of gigabytes'];

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      suite: { type: 'string', multiple: true },
      name: { type: 'string' },
      processes: { type: 'string' },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
    allowPositionals: true,
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const unknown = values.suite?.find((wanted) => !plans.some(({ name }) => name === wanted));
  if (unknown !== undefined) {
    console.error(`no suite "${unknown}"\n${usage}`);
    return 2;
  }
  const processes = Number(values.processes ?? availableParallelism() + 2);
  if (!Number.isInteger(processes) || processes < 1) {
    console.error(`--processes is a whole number of at least 1, not "${values.processes}"\n${usage}`);
    return 2;
  }

  const postgres = process.env.GYRE_TEST_POSTGRES ?? defaultPostgres;
  const hasPostgres = postgres !== '' && (await answers(postgres));
  const requireAll = process.env.GYRE_REQUIRE_ALL === '1';
  // Empty means: there is none. The tests that need one skip themselves and say so.
  const environment = { GYRE_TEST_POSTGRES: hasPostgres ? postgres : '', NO_COLOR: '1' };
  if (!hasPostgres) console.log(`PostgreSQL: nothing answers at ${postgres || '(switched off)'}; set GYRE_TEST_POSTGRES to test on it`);

  let passed = 0;
  let failed = 0;
  const skipped = new Map<string, readonly string[]>();
  const chosen = plans
    .filter(({ name, onRequest }) => (values.suite === undefined ? !onRequest : values.suite.includes(name)))
    .map((plan) => {
      const files = globSync([...plan.patterns], { cwd: root, exclude: (name) => name.includes('node_modules') })
        .filter((file) => positionals.length === 0 || positionals.some((filter) => file.includes(filter)))
        .sort();
      return { plan, parts: partsOf(plan, files, processes), files: files.length };
    });
  // What these start as `gyre`: the program as the launcher does, from the same files to the end, whatever is edited meanwhile.
  const starting = new Set(chosen.filter(({ plan, files }) => plan.processes === 'each' && files > 0).map(({ plan }) => plan.name));
  const program = starting.size === 0 ? {} : { GYRE_TEST_PROGRAM: join((await joinProgram(root)).folder, 'main.mjs') };

  endOnInterrupt();
  const started = performance.now();
  const secondsSince = (start: number): string => ((performance.now() - start) / 1000).toFixed(1);
  const ended = new Map<string, PartResult[]>();
  const run = async (part: Part): Promise<void> => {
    const begun = performance.now();
    const { suite, files } = part;
    const result = await runPart(part, {
      root,
      namePattern: values.name,
      environment: starting.has(suite) ? { ...environment, ...program } : environment,
      verbose: values.verbose,
    });
    if (values.verbose)
      console.log(`  took  ${secondsSince(begun)} s  ${files.length === 1 ? files[0] : `${files.length} files of ${suite}`}`);
    const results = [...(ended.get(suite) ?? []), result];
    ended.set(suite, results);
    const whole = chosen.find(({ plan, parts }) => plan.name === suite && parts.length === results.length);
    if (whole === undefined) return;
    const sum = (of: (result: PartResult) => number): number => results.reduce((total, one) => total + of(one), 0);
    const counts = { passed: sum((one) => one.passed), failed: sum((one) => one.failed) };
    const count = sum((one) => [...one.skipped.values()].flat().length);
    console.log(
      `${suite}: ${counts.passed} passed, ${counts.failed} failed, ${count} skipped after ${secondsSince(started)} s (${whole.files} files)`,
    );
    passed += counts.passed;
    failed += counts.failed;
    for (const [reason, titles] of results.flatMap((one) => [...one.skipped]))
      skipped.set(reason, [...(skipped.get(reason) ?? []), ...titles]);
  };
  const parts = chosen.flatMap((one) => one.parts);
  await runAll(
    parts.toSorted((a, b) => rank(a) - rank(b)),
    processes,
    run,
  );

  const skips = [...skipped.values()].flat().length;
  for (const [reason, titles] of skipped)
    console.log(`skipped: ${titles.length} (${reason}): ${titles.slice(0, 3).join('; ')}${titles.length > 3 ? '; …' : ''}`);
  if (passed + failed + skips === 0) {
    console.log(`no test matches ${positionals.join(' ') || 'that'}`);
    failed = 1;
  }
  const excused = [...skipped]
    .filter(([reason]) => excuses.some((excuse) => reason.startsWith(excuse)))
    .flatMap(([, titles]) => titles).length;
  if (requireAll && skips > excused) {
    console.log(
      'GYRE_REQUIRE_ALL is set: what was skipped counts as failed, but for want of data that may not be passed on, or of packages of gigabytes',
    );
    failed += skips - excused;
  }
  console.log(`${passed} passed, ${failed} failed, ${requireAll ? 0 : skips} skipped`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main();
