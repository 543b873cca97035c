/**
 * Measures graphs that are computed without ONNX Runtime against the runtime called in a loop, in one process: nanoseconds of processor
 * time a row, answers' tensors and all. `./gyre bench direct [MODEL.onnx …]`; without files, a hundred trees of 31 leaves on 20 features.
 */
import { readFile } from 'node:fs/promises';
import { seeded } from '#core';
import { openSession, tensor } from '#onnx';
import type { Feeds, Session, SessionValue, Tensor } from '#onnx';
import { gbdtModel } from './serving/models.ts';

const files = process.argv.slice(2);
const models = files.length === 0 ? [{ name: 'gbdt', graph: (await gbdtModel()).graph }] : [];
for (const file of files) models.push({ name: file, graph: await readFile(file) });

for (const { name, graph } of models) {
  await using runtime = await openSession(graph);
  const opening = spentMs();
  await using direct = await openSession(graph, { direct: true });
  console.log(`${name}: opened and proved in ${(spentMs() - opening).toFixed(0)} ms`);
  const { runNow } = direct;
  if (runNow === undefined) {
    console.log('  is left to the runtime');
    continue;
  }
  for (const rows of [1, 4, 16, 64, 1000]) {
    const feeds = manyFeeds(direct, rows);
    const byRuntime = await measured(rows, async (calls) => {
      for (let call = 0; call < calls; call++) await runtime.run(feeds[call % feeds.length]);
    });
    const here = await measured(rows, async (calls) => {
      for (let call = 0; call < calls; call++) runNow(feeds[call % feeds.length]);
    });
    console.log(`  ${String(rows).padStart(4)} rows: runtime ${byRuntime.toFixed(0)} ns a row, here ${here.toFixed(0)}`);
  }
}

/** What the process has used of the processor. */
function spentMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The median of five rounds of some tens of milliseconds. */
async function measured(rows: number, call: (calls: number) => Promise<void>): Promise<number> {
  await call(Math.ceil(4000 / rows));
  const calls = Math.ceil(8000 / rows);
  const rounds: number[] = [];
  for (let round = 0; round < 5; round++) {
    const start = spentMs();
    await call(calls);
    rounds.push(((spentMs() - start) * 1e6) / (calls * rows));
  }
  return rounds.toSorted((a, b) => a - b)[2];
}

/** Different rows, so that the processor cannot learn the way through the trees by heart. */
function manyFeeds(session: Session, rows: number): Feeds[] {
  const random = seeded(5);
  const values = ({ type, shape }: SessionValue): Tensor => {
    const axes = [rows, ...(shape ?? []).slice(1).map(Number)];
    const length = axes.reduce((size, axis) => size * axis, 1);
    if (type === 'STRING') return tensor(type, axes, Array.from({ length }, () => 'abc'[random.int(3)])); // prettier-ignore
    if (type === 'DOUBLE')
      return tensor(
        type,
        axes,
        Float64Array.from({ length }, () => random.normal()),
      );
    return tensor(
      'FLOAT',
      axes,
      Float32Array.from({ length }, () => random.normal()),
    );
  };
  return Array.from({ length: Math.ceil(1024 / rows) }, () =>
    Object.fromEntries(session.inputs.map((input) => [input.name, values(input)])),
  );
}
