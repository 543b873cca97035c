/*
 * A table larger than memory through the ordinary command, `gyre data add`, in a process of its own: time and peak memory of a generated CSV
 * file and of the same rows as Parquet, beside DuckDB alone (types inferred, two threads), which is the least that such a file costs.
 * Usage: node bench/ingest.ts [--rows N] [--csv FILE]; 50 million rows x 10 columns without it. Needs Linux for the memory.
 */
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { link, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import type { DatasetIngestion } from '#contract';
import { seeded } from '#core';

const { values } = parseArgs({ options: { rows: { type: 'string' }, csv: { type: 'string' } } });
const rows = Number(values.rows ?? 50_000_000);
const root = resolve(import.meta.dirname, '..');

interface Measured {
  readonly seconds: number;
  readonly peakMib: number;
  readonly output: string;
}

/** Runs a command and watches the peak of its memory. */
async function measured(command: string, args: readonly string[], folder: string): Promise<Measured> {
  const started = performance.now();
  const child = spawn(command, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NO_COLOR: '1' } });
  let output = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  let peakMib = 0;
  const watching = setInterval(() => {
    void readFile(`/proc/${child.pid}/status`, 'utf8')
      .then((text) => (peakMib = Math.max(peakMib, Number(/VmHWM:\s+(\d+)/.exec(text)?.[1] ?? 0) / 1024)))
      .catch(() => undefined);
  }, 100);
  const code = await new Promise<number | null>((done) => child.on('close', done));
  clearInterval(watching);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${String(code)}: ${output}`);
  return { seconds: (performance.now() - started) / 1000, peakMib, output };
}

async function writeTable(path: string): Promise<void> {
  const random = seeded(7);
  const out = createWriteStream(path);
  let text = 'id,customer,segment,country,amount,quantity,discount,active,when,note\n';
  const pick = (words: readonly string[]): string => words[Math.floor(random.next() * words.length)];
  for (let id = 0; id < rows; id++) {
    const when = new Date(1.7e12 + Math.floor(random.next() * 3e7) * 1000).toISOString();
    const discount = random.next() < 0.1 ? '' : (random.next() * 0.5).toFixed(3);
    const note = random.next() < 0.2 ? '"text, quoted"' : 'plain note';
    text += `${id},c${Math.floor(random.next() * 1e6)},${pick(['retail', 'business', 'public', 'partner'])},${pick(['DE', 'IT', 'FR', 'ES', 'AT', 'CH', 'PL', 'NL'])},${(random.next() * 1000).toFixed(2)},${Math.floor(random.next() * 20)},${discount},${random.next() < 0.5},${when},${note}\n`;
    if (text.length < 1 << 20) continue;
    if (!out.write(text)) await once(out, 'drain');
    text = '';
  }
  out.end(text);
  await once(out, 'close');
}

/** DuckDB's own reader and writer, in a process without anything else. */
const engine = (from: string, to: string): string => `
import { DuckDBInstance } from '@duckdb/node-api';
const instance = await DuckDBInstance.create(':memory:', { threads: '2', memory_limit: '1024MiB' });
const connection = await instance.connect();
await connection.run("COPY (SELECT * FROM ${from}) TO '${to}' (FORMAT parquet, COMPRESSION zstd)");
`;

const project = `project: bench
charter: { problem: how long a large table takes, owner: bench, success: {} }
data:
  csv: { source: table.csv, key: id }
  parquet: { source: table.parquet, key: id }
`;

const work = await mkdtemp(join(tmpdir(), 'gyre-bench-ingest-'));
try {
  const folder = join(work, 'project');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'gyre.yaml'), project);
  const csv = join(folder, 'table.csv');
  if (values.csv === undefined) await writeTable(csv);
  else await link(resolve(values.csv), csv);
  const parquet = join(folder, 'table.parquet');
  const floors = {
    csv: await measured(process.execPath, ['--input-type=module', '-e', engine(`read_csv('${csv}')`, parquet)], root),
    parquet: await measured(process.execPath, ['--input-type=module', '-e', engine(`read_parquet('${parquet}')`, `${parquet}.copy`)], root),
  };
  await rm(`${parquet}.copy`, { force: true });
  for (const format of ['csv', 'parquet'] as const) {
    const { size } = await stat(format === 'csv' ? csv : parquet);
    const ours = await measured(join(root, 'gyre'), ['data', 'add', format, '--json'], folder);
    const { ingestion } = JSON.parse(ours.output) as { readonly ingestion: DatasetIngestion };
    const ingest = (Date.parse(ingestion.finishedAt ?? '') - Date.parse(ingestion.startedAt)) / 1000;
    const again = await measured(join(root, 'gyre'), ['data', 'add', format, '--json'], folder);
    const floor = floors[format];
    process.stdout.write(
      `${format}: ${String(ingestion.rows)} rows x 10 columns, ${(size / 1e9).toFixed(2)} GB\n` +
        `  gyre data add        ${ours.seconds.toFixed(1)} s, of which ingestion ${ingest.toFixed(1)} s (the rest: start, quality), peak ${ours.peakMib.toFixed(0)} MiB\n` +
        `  again, nothing new   ${again.seconds.toFixed(1)} s, peak ${again.peakMib.toFixed(0)} MiB\n` +
        `  DuckDB alone         ${floor.seconds.toFixed(1)} s, peak ${floor.peakMib.toFixed(0)} MiB\n` +
        `  ingestion / DuckDB   ${(ingest / floor.seconds).toFixed(2)}\n`,
    );
  }
} finally {
  await rm(work, { recursive: true, force: true });
}
