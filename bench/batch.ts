/**
 * Rows per second and peak memory of `gyre predict` on a table of 20 numeric columns with gradient boosting of 100 trees (fitted here), from
 * Parquet to Parquet with all columns, beside ONNX Runtime called in a loop on as many cores, with nothing read and nothing written: the floor
 * of the model on this machine, in the same run.
 * node bench/batch.ts [rows] [worker threads]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Signature } from '#contract';
import { seeded } from '#core';
import { appendToOnnx, fitBoosting } from '#learners';
import { attr, encodeModel, graphBuilder, openSession } from '#onnx';
import type { Feeds } from '#onnx';
import { scanParquet, writeParquetQuery } from '#tables';

const columns = Array.from({ length: 20 }, (_, k) => `f${k}`);
const batchRows = 8192;
const root = join(import.meta.dirname, '..');

async function bench(rows: number, workers: number): Promise<void> {
  const folder = await mkdtemp(join(process.env['GYRE_BENCH_FOLDER'] ?? tmpdir(), 'gyre-bench-batch-'));
  try {
    const [model, input, output] = [join(folder, 'model'), join(folder, 'rows.parquet'), join(folder, 'scored.parquet')];
    await writeModel(model);
    // numbers of a hash: the same rows on every machine, and no pattern that compresses
    const values = columns.map((name, k) => `(hash(i * ${columns.length} + ${k}) % 1000003) / 1000003.0 AS ${name}`);
    await writeParquetQuery(input, `SELECT ${values.join(', ')} FROM range(${rows}) t(i)`, {});
    console.log(
      `${rows.toLocaleString('en')} rows of ${columns.length} columns, ${mebibytes((await stat(input)).size)} of Parquet; 100 trees; ${workers} worker threads`,
    );
    const perWorker = Math.ceil(rows / workers);
    const floors = await Promise.all(
      Array.from({ length: workers }, () => timed(['bench/batch.ts', '--floor', model, input, String(perWorker)])),
    );
    const floorMs = Math.max(...floors.map(({ stdout }) => Number(stdout)));
    const cpuMs = floors.reduce((sum, one) => sum + one.cpuMs, 0);
    say('ONNX Runtime in a loop', rows, { ms: floorMs, cpuMs, peakKib: floors.reduce((sum, { peakKib }) => sum + peakKib, 0) });
    const ours = await timed([
      'src/edge/cli/main.ts',
      'predict',
      '--model',
      model,
      '--input',
      input,
      '--output',
      output,
      '--workers',
      String(workers),
      '--json',
    ]);
    const { predicted } = JSON.parse(ours.stdout) as { readonly predicted: number };
    if (predicted !== rows) throw new Error(`${predicted} of ${rows} rows were predicted`);
    say('gyre predict', rows, ours);
    console.log(
      `ratio ${(ours.ms / floorMs).toFixed(2)} of time, ${(ours.cpuMs / cpuMs).toFixed(2)} of processor time: what reading, checking, putting together and writing ${mebibytes((await stat(output)).size)} cost beside the model`,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;

interface Figures {
  readonly ms: number;
  /** Of all its threads, as far as it was seen. */
  readonly cpuMs: number;
  readonly peakKib: number;
}

function say(what: string, rows: number, { ms, cpuMs, peakKib }: Figures): void {
  console.log(
    `${what.padEnd(24)} ${(ms / 1000).toFixed(1).padStart(7)} s  ${Math.round(rows / (ms / 1000))
      .toLocaleString('en')
      .padStart(11)} rows/s  ${(cpuMs / 1000).toFixed(1)} s of processors  ${mebibytes(peakKib * 1024)} at most`,
  );
}

/** Runs a process of ours to its end, with its own time and its greatest resident memory (Linux). */
async function timed(args: readonly string[]): Promise<Figures & { readonly stdout: string }> {
  const started = performance.now();
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  let [stdout, peakKib, cpuMs] = ['', 0, 0];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
  const look = setInterval(() => {
    readFile(`/proc/${child.pid}/status`, 'utf8').then(
      (text) => (peakKib = Math.max(peakKib, Number(/VmHWM:\s+(\d+)/.exec(text)?.[1] ?? 0))),
      () => undefined,
    );
    // the 14th and the 15th figure are hundredths of a second of its own and of the kernel for it; the name before may hold anything
    readFile(`/proc/${child.pid}/stat`, 'utf8').then(
      (text) => {
        const figures = text.slice(text.lastIndexOf(')') + 2).split(' ');
        cpuMs = Math.max(cpuMs, 10 * (Number(figures[11]) + Number(figures[12])));
      },
      () => undefined,
    );
  }, 50);
  const [code] = (await once(child, 'close')) as [number | null];
  clearInterval(look);
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`);
  return { ms: performance.now() - started, cpuMs, peakKib, stdout };
}

/** A classifier on 20 named columns, its 100 trees fitted on rows of which the first few columns decide. */
async function writeModel(folder: string): Promise<void> {
  const random = seeded(7);
  const rows = 20_000;
  const values = Float32Array.from({ length: rows * columns.length }, () => random.next());
  const at = (row: number, column: number): number => values[row * columns.length + column];
  const targets = Float64Array.from({ length: rows }, (_, row) =>
    Number(at(row, 0) * at(row, 1) + 0.5 * at(row, 2) - 0.3 * at(row, 3) + 0.1 * random.next() > 0.4),
  );
  const fitted = await fitBoosting(
    { task: 'binary', classes: 2, features: { rows, columns: columns.length, values }, featureNames: columns, targets },
    {
      iterations: 100,
      learning_rate: 0.1,
      max_leaves: 31,
      max_depth: 6,
      min_samples_leaf: 20,
      min_child_hessian: 1e-3,
      l2: 1,
      min_gain: 0,
      subsample: 1,
      colsample: 1,
      max_bins: 255,
      early_stopping_rounds: 0,
    },
    { random },
  );
  const graph = graphBuilder({ name: 'bench' });
  for (const name of columns) graph.input(name, 'DOUBLE', ['N', 1]);
  const features = graph.op('Cast', [graph.op('Concat', columns, { attributes: { axis: attr.int(1) } })], {
    attributes: { to: attr.int(1) },
  });
  const made = appendToOnnx(graph, features, fitted, { classes: ['no', 'yes'] });
  if (made.kind !== 'classification') throw new Error('the model is no classifier');
  graph.output('label', 'STRING', ['N'], made.label);
  graph.output('probabilities', 'FLOAT', ['N', 2], made.probabilities);
  const signature: Signature = {
    task: 'binary',
    inputs: columns.map((name) => ({ name, type: 'number', datatype: 'FP64', required: false })),
    outputs: [
      { name: 'label', datatype: 'BYTES', shape: [-1] },
      { name: 'probabilities', datatype: 'FP32', shape: [-1, 2] },
    ],
    classes: ['no', 'yes'],
    positive: 'yes',
    threshold: 0.5,
  };
  await mkdir(folder);
  await writeFile(join(folder, 'model.onnx'), encodeModel(graph));
  await writeFile(join(folder, 'signature.json'), JSON.stringify(signature));
}

/** The runtime alone: batches of the first rows again and again, as many rows as asked. Prints the milliseconds of the loop. */
async function floor(model: string, input: string, rows: number): Promise<void> {
  const batches: Feeds[] = [];
  await scanParquet(
    input,
    (batch) => {
      if (batches.length < 60)
        batches.push(
          Object.fromEntries(columns.map((name) => [name, { type: 'DOUBLE', shape: [batch.rows, 1], data: batch.numbers(name) }])),
        );
    },
    { batchRows, where: `file_row_number < ${60 * batchRows}` },
  );
  await using session = await openSession(join(model, 'model.onnx'));
  await session.run(batches[0], { outputs: ['probabilities'] });
  const started = performance.now();
  for (let done = 0, at = 0; done < rows; done += batchRows, at++)
    await session.run(batches[at % batches.length], { outputs: ['probabilities'] });
  console.log(performance.now() - started);
}

if (process.argv[2] === '--floor') await floor(process.argv[3], process.argv[4], Number(process.argv[5]));
else await bench(Number(process.argv[2] ?? 10_000_000), Number(process.argv[3] ?? availableParallelism()));
