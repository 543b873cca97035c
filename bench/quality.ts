/*
 * The same 28 checks with failing examples on a Parquet file of 1 million rows and 20 columns: ours, Great Expectations, pandera, by turns
 * in one run, each from the file on; then the profile of every column, with the peak of this process's memory.
 * Usage: node bench/quality.ts [rows]; GYRE_BENCH_VENV names a Python environment with great-expectations, pandera, pandas and pyarrow
 * (default: .venv of the checkout).
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { ColumnSchema, TableSchema } from '#contract';
import { profileParquet, validateParquet } from '#data';

const rows = Number(process.argv[2] ?? 1_000_000);
const rounds = 3;

interface Answer {
  readonly seconds: number;
  readonly checks: number;
  readonly failed: number;
  readonly version: string;
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

async function ours(path: string): Promise<Answer> {
  const started = performance.now();
  const checks = (await validateParquet(path, schema)).filter(({ name }) => !/^(columns$|type: )/.test(name));
  return {
    seconds: (performance.now() - started) / 1000,
    checks: checks.length,
    failed: checks.filter(({ outcome }) => outcome === 'fail').length,
    version: '',
  };
}

const folder = await mkdtemp(join(tmpdir(), 'gyre-bench-'));
const venv = process.env.GYRE_BENCH_VENV ?? resolve(import.meta.dirname, '../.venv');
const peer = spawn(join(venv, 'bin/python'), [join(import.meta.dirname, 'quality_peer.py')], { stdio: ['pipe', 'pipe', 'inherit'] });
try {
  const answers = createInterface({ input: peer.stdout })[Symbol.asyncIterator]();
  const ask = async (question: object): Promise<Answer> => {
    peer.stdin.write(`${JSON.stringify(question)}\n`);
    for (;;) {
      const { value, done } = await answers.next();
      if (done === true) throw new Error('the Python peers ended; their message is above');
      if (value.startsWith('{')) return JSON.parse(value) as Answer;
    }
  };
  const path = join(folder, 'table.parquet');
  await ask({ make: path, rows });
  const profileStarted = performance.now();
  const profile = await profileParquet(path, '0'.repeat(64));
  const profileSeconds = (performance.now() - profileStarted) / 1000;
  const peak = process.resourceUsage().maxRSS / 1024;
  console.log(
    `profile of ${profile.rows} rows x ${profile.columns.length} columns: ${profileSeconds.toFixed(2)} s, peak memory ${peak.toFixed(0)} MiB`,
  );

  const times = { ours: [] as number[], great_expectations: [] as number[], pandera: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    for (const who of ['ours', 'great_expectations', 'pandera'] as const) {
      const { seconds, checks, failed, version } = who === 'ours' ? await ours(path) : await ask({ run: who, path });
      times[who].push(seconds);
      console.log(`round ${round + 1}  ${who.padEnd(18)} ${seconds.toFixed(2).padStart(6)} s  ${checks} checks, ${failed} fail ${version}`);
    }
  }
  const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
  for (const who of ['great_expectations', 'pandera'] as const)
    console.log(`${who}: ${(median(times[who]) / median(times.ours)).toFixed(1)} x our time (medians of ${rounds})`);
} finally {
  peer.stdin.end();
  peer.kill();
  await rm(folder, { recursive: true, force: true });
}
