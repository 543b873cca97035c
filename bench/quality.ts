/*
 * Profile and checks of a table of 1 million rows and 20 columns, as Gyre keeps it (Parquet): first the profile of every column, then the
 * same 28 checks with failing examples by us, Great Expectations and pandera, by turns in one run, each from the file on. Stops when the
 * three do not find the same rows.
 * Usage: ./gyre bench quality [--rows N] [--alone], without the peers when alone. Their versions stand in bench/requirements.txt;
 * GYRE_BENCH_VENV names the Python environment that has them (default: .venv of the checkout).
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import type { ColumnSchema, TableSchema } from '#contract';
import { profileParquet, validateParquet } from '#data';
import { writeParquetQuery } from '#tables';

const { values: options } = parseArgs({
  options: { rows: { type: 'string', default: '1000000' }, alone: { type: 'boolean', default: false } },
});
const rows = Number(options.rows);
const rounds = 5;
const python = join(process.env.GYRE_BENCH_VENV ?? resolve(import.meta.dirname, '../.venv'), 'bin/python');

interface Answer {
  readonly seconds: number;
  readonly checks: number;
  /** Check → rows that fail it. */
  readonly failed: Readonly<Record<string, number>>;
  readonly version: string;
  /** MiB that the process had at most. */
  readonly peak: number;
}

interface Side {
  readonly name: string;
  run(path: string): Promise<Answer>;
}

const range = (name: string, type: ColumnSchema['type'], min: number, max: number, more: object = {}): ColumnSchema => ({
  name,
  type,
  min,
  max,
  ...more,
});
/** The checks of bench/quality_peer.py; types and columns are checked beside them. */
const schema: TableSchema = {
  columns: [
    { name: 'id', type: 'integer', nullable: false, unique: true },
    { name: 'code', type: 'string', nullable: false, unique: true, pattern: 'C[0-9]{9}' },
    range('store', 'integer', 0, 96, { nullable: false }),
    range('age', 'number', 18, 87, { maxMissing: 0.05 }),
    range('price', 'number', 0, 100, { nullable: false }),
    range('amount', 'number', 0, 1000, { maxMissing: 0.05 }),
    range('r1', 'number', 0, 1),
    range('r2', 'number', -0.5, 0.5),
    range('r3', 'number', 0, 10),
    range('r4', 'number', 0, 1e6),
    range('k1', 'integer', 0, 4),
    range('k2', 'integer', 0, 999),
    { name: 'colour', type: 'string', categories: ['red', 'green', 'blue', 'black'] },
    { name: 'country', type: 'string', categories: ['DE', 'FR', 'IT', 'ES', 'PL', 'NL'] },
    { name: 'grade', type: 'string', categories: ['a', 'b', 'c'] },
    { name: 'zip', type: 'string', pattern: '[1-9][0-9]{4}', minLength: 5, maxLength: 5 },
    { name: 'active', type: 'boolean', nullable: false },
    { name: 'ts', type: 'instant', nullable: false, order: 'strictly_rising' },
    { name: 'low', type: 'number' },
    { name: 'high', type: 'number' },
  ],
  rules: ['high >= low'],
};

const peakMemory = (): number => process.resourceUsage().maxRSS / 1024;

const ours: Side = {
  name: 'gyre',
  run: async (path) => {
    const started = performance.now();
    const checks = (await validateParquet(path, schema)).filter(({ name }) => !/^(columns$|type: )/.test(name));
    const seconds = (performance.now() - started) / 1000;
    const failing = checks.filter(({ outcome }) => outcome === 'fail');
    for (const { name, examples } of failing) assert.ok(examples.length > 0, `${name} has no example`);
    const failed = Object.fromEntries(failing.map(({ name, failing: count }) => [name, count]));
    return { seconds, checks: checks.length, failed, version: '', peak: peakMemory() };
  },
};

/** A Python process that answers line by line. */
function peer(): { ask(question: object): Promise<Answer>; [Symbol.dispose](): void } {
  const child = spawn(python, [join(import.meta.dirname, 'quality_peer.py')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    ask: async (question) => {
      child.stdin.write(`${JSON.stringify(question)}\n`);
      for (;;) {
        const { value, done } = await answers.next();
        if (done === true) throw new Error('the Python peer ended; its message is above');
        if (value.startsWith('{')) return JSON.parse(value) as Answer;
      }
    },
    [Symbol.dispose]: () => child.kill(),
  };
}

const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

const folder = await mkdtemp(join(tmpdir(), 'gyre-bench-'));
try {
  const path = join(folder, 'table.parquet');
  {
    using maker = peer();
    await maker.ask({ make: join(folder, 'made.parquet'), rows });
  }
  await writeParquetQuery(
    path,
    'SELECT * REPLACE (ts::TIMESTAMP_MS AS ts) FROM made',
    { made: join(folder, 'made.parquet') },
    { spillFolder: folder },
  );
  await rm(join(folder, 'made.parquet'));

  const before = peakMemory();
  const started = performance.now();
  const profile = await profileParquet(path, '0'.repeat(64));
  const seconds = (performance.now() - started) / 1000;
  console.log(
    `profile of ${profile.rows} rows x ${profile.columns.length} columns: ${seconds.toFixed(2)} s, peak memory ${peakMemory().toFixed(0)} MiB (before it ${before.toFixed(0)})`,
  );

  using greatExpectations = peer();
  using pandera = peer();
  const peers: readonly Side[] = [
    { name: 'great_expectations', run: (at) => greatExpectations.ask({ run: 'great_expectations', path: at }) },
    { name: 'pandera', run: (at) => pandera.ask({ run: 'pandera', path: at }) },
  ];
  const sides = options.alone ? [ours] : [ours, ...peers];
  const times = new Map(sides.map(({ name }) => [name, new Array<number>()]));
  for (let round = 0; round < rounds; round++) {
    let found: Answer['failed'] | undefined;
    for (const side of sides) {
      const { name } = side;
      const answer = await side.run(path);
      assert.equal(answer.checks, 28, name);
      found ??= answer.failed;
      assert.deepEqual(answer.failed, found, `${name} finds other rows than ${ours.name}`);
      times.get(name)?.push(answer.seconds);
      const failed = Object.entries(answer.failed).map(([check, count]) => `${check} (${count})`);
      console.log(
        `round ${round + 1}  ${`${name} ${answer.version}`.padEnd(26)} ${answer.seconds.toFixed(2).padStart(6)} s  peak ${answer.peak.toFixed(0).padStart(5)} MiB  fail: ${failed.join(', ')}`,
      );
    }
  }
  const own = median(times.get(ours.name) ?? []);
  for (const [name, list] of times) {
    const ratio = name === ours.name ? '' : `, ${(median(list) / own).toFixed(1)} x our time`;
    console.log(`${name}: median ${median(list).toFixed(2)} s of ${rounds} rounds${ratio}`);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
