/**
 * `./gyre test [--suite NAME]… [--name PATTERN] [--verbose] [FILTER…]`: runs the tests with Node alone.
 * A FILTER is a part of a file's path; without one, all files of the suites run. The last line is `N passed, N failed, N skipped`.
 */
import { globSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { joinProgram } from './join-program.ts';
import { runSuite } from './test-suite.ts';
import type { Suite, SuiteResult } from './test-suite.ts';

const root = join(import.meta.dirname, '..');
const defaultPostgres = 'postgres://postgres@127.0.0.1:5432/postgres';

interface SuitePlan extends Omit<Suite, 'files'> {
  readonly patterns: readonly string[];
  /** Runs only when it is named: it needs more than Node. */
  readonly onRequest: boolean;
}

const plans: readonly SuitePlan[] = [
  {
    name: 'unit',
    patterns: ['src/**/*.test.ts', 'ui/**/*.test.ts', 'tools/**/*.test.ts'],
    isolation: 'none',
    concurrency: 2,
    testTimeoutMs: 60_000,
    onRequest: false,
  },
  { name: 'e2e', patterns: ['test/e2e/**/*.test.ts'], isolation: 'process', concurrency: 2, testTimeoutMs: 300_000, onRequest: false },
  {
    name: 'faults',
    patterns: ['test/faults/**/*.test.ts'],
    isolation: 'process',
    concurrency: 2,
    testTimeoutMs: 300_000,
    onRequest: false,
  },
  {
    name: 'interop',
    patterns: ['test/interop/**/*.test.ts'],
    isolation: 'process',
    concurrency: 2,
    testTimeoutMs: 300_000,
    onRequest: true,
  },
];

const usage = `usage: ./gyre test [--suite NAME]… [--name PATTERN] [--verbose] [FILTER…]
  --suite NAME     ${plans.map(({ name }) => name).join(', ')} (default: all but interop, which needs .ci/run's Python peers)
  --name PATTERN   only tests whose title matches
  --verbose        show every test
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

/** Which files run in which process. Where several files share one, neighbours are apart: what is slow is seldom alone in its folder. */
function processesOf({ isolation, concurrency }: Omit<Suite, 'files'>, files: readonly string[]): readonly (readonly string[])[] {
  if (isolation === 'process') return [files];
  return Array.from({ length: Math.min(concurrency, files.length) }, (_, at) => files.filter((_file, index) => index % concurrency === at));
}

/** What tests start as `gyre`: the program as the launcher does, from the same files to the end, whatever is edited meanwhile. */
async function programOf({ isolation }: Omit<Suite, 'files'>): Promise<{ readonly GYRE_TEST_PROGRAM?: string }> {
  return isolation === 'none' ? {} : { GYRE_TEST_PROGRAM: join((await joinProgram(root)).folder, 'main.mjs') };
}

/** A test that needs such data says so in the reason that it is skipped for: no machine can be made to have it. */
const excuse = 'data that may not be passed on';

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      suite: { type: 'string', multiple: true },
      name: { type: 'string' },
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

  const postgres = process.env.GYRE_TEST_POSTGRES ?? defaultPostgres;
  const hasPostgres = postgres !== '' && (await answers(postgres));
  const requireAll = process.env.GYRE_REQUIRE_ALL === '1';
  // Empty means: there is none. The tests that need one skip themselves and say so.
  const environment = { GYRE_TEST_POSTGRES: hasPostgres ? postgres : '', NO_COLOR: '1' };
  if (!hasPostgres) console.log(`PostgreSQL: nothing answers at ${postgres || '(switched off)'}; set GYRE_TEST_POSTGRES to test on it`);

  let passed = 0;
  let failed = 0;
  const skipped = new Map<string, readonly string[]>();
  for (const { patterns, onRequest, ...plan } of plans) {
    if (values.suite === undefined ? onRequest : !values.suite.includes(plan.name)) continue;
    const files = globSync([...patterns], { cwd: root, exclude: (name) => name.includes('node_modules') })
      .filter((file) => positionals.length === 0 || positionals.some((filter) => file.includes(filter)))
      .sort();
    if (files.length === 0) continue;
    const started = performance.now();
    const options = {
      root,
      namePattern: values.name,
      environment: { ...environment, ...(await programOf(plan)) },
      verbose: values.verbose,
    };
    const results = await Promise.all(processesOf(plan, files).map((part) => runSuite({ ...plan, files: part }, options)));
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const sum = (of: (result: SuiteResult) => number): number => results.reduce((total, result) => total + of(result), 0);
    const counts = { passed: sum((result) => result.passed), failed: sum((result) => result.failed) };
    const count = sum((result) => [...result.skipped.values()].flat().length);
    console.log(`${plan.name}: ${counts.passed} passed, ${counts.failed} failed, ${count} skipped in ${seconds} s (${files.length} files)`);
    passed += counts.passed;
    failed += counts.failed;
    for (const [reason, titles] of results.flatMap((result) => [...result.skipped]))
      skipped.set(reason, [...(skipped.get(reason) ?? []), ...titles]);
  }

  const skips = [...skipped.values()].flat().length;
  for (const [reason, titles] of skipped)
    console.log(`skipped: ${titles.length} (${reason}): ${titles.slice(0, 3).join('; ')}${titles.length > 3 ? '; …' : ''}`);
  if (passed + failed + skips === 0) {
    console.log(`no test matches ${positionals.join(' ') || 'that'}`);
    failed = 1;
  }
  const excused = [...skipped].filter(([reason]) => reason.startsWith(excuse)).flatMap(([, titles]) => titles).length;
  if (requireAll && skips > excused) {
    console.log('GYRE_REQUIRE_ALL is set: what was skipped counts as failed, but for want of data that may not be passed on');
    failed += skips - excused;
  }
  console.log(`${passed} passed, ${failed} failed, ${requireAll ? 0 : skips} skipped`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main();
