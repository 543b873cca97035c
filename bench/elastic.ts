/**
 * A wave of load on a convolution: how many workers answer it, and what they take of the machine, second by second; the same wave on as many
 * workers as cores, which never end. Both alternate in one run.
 * node bench/elastic.ts [requests a second at the crest, default 60]
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { attr, encodeModel, graphBuilder, tensor } from '#onnx';
import { controlledPlane } from './common/controlled-plane.ts';
import type { ControlledPlane } from './common/controlled-plane.ts';
import { openLoad, quantileOf } from './common/open-loop.ts';
import { cpuSeconds, memoryMib } from './common/process.ts';

const crest = Number(process.argv[2] ?? 60);
const idleMs = 5000;
const cores = availableParallelism();
/** Requests a second, and for how many seconds. */
const wave: readonly (readonly [perSecond: number, seconds: number])[] = [
  [1, 4],
  [crest / 3, 4],
  [crest, 8],
  [crest / 3, 4],
  [1, 12],
];

/** Ten layers of 32 channels on 64 x 64: some milliseconds of one core. */
function convolutions(): Uint8Array {
  const graph = graphBuilder({ name: 'convolutions' });
  let value = graph.input('x', 'FLOAT', ['N', 3, 64, 64]);
  let channels = 3;
  for (let layer = 0; layer < 10; layer++) {
    const weights = new Float32Array(32 * channels * 9).fill(0.01);
    const kernel = graph.initializer('w', tensor('FLOAT', [32, channels, 3, 3], weights));
    value = graph.op('Relu', [graph.op('Conv', [value, kernel], { attributes: { pads: attr.ints([1, 1, 1, 1]) } })]);
    channels = 32;
  }
  graph.output('y', 'FLOAT', ['N', 32, 1, 1], graph.op('GlobalAveragePool', [value]));
  return encodeModel(graph);
}

const folder = await mkdtemp(join(tmpdir(), 'gyre-elastic-'));
const model = join(folder, 'model.onnx');
await writeFile(model, convolutions());

const pixels = Buffer.alloc(3 * 64 * 64 * 4);
const header = JSON.stringify({
  inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 3, 64, 64], parameters: { binary_data_size: pixels.length } }],
});
const body = Buffer.concat([Buffer.from(header), pixels]);
const headers = { 'content-type': 'application/octet-stream', 'inference-header-content-length': String(header.length) };

interface Figures {
  readonly models: readonly [
    { readonly workers: number; readonly asleep: boolean; readonly queued: number; readonly coldStartMs?: number },
  ];
}

async function ride(name: string, workers: string): Promise<Float64Array> {
  await using plane: ControlledPlane = await controlledPlane(['--model', `m=${model}`, '--workers', workers, '--idle-ms', String(idleMs)]);
  console.log(`\n${name} (--workers ${workers}): a second each; load, workers, MiB, cores, requests that wait, p50 and p99 in ms`);
  const figures = async (): Promise<Figures['models'][0]> => ((await plane.ask({ op: 'stats' }))['stats'] as Figures).models[0];
  await sleep(idleMs + 2000);
  console.log(
    `  at rest: ${(await figures()).asleep ? 'asleep' : `${(await figures()).workers} workers`}, ${memoryMib(plane.pid).toFixed(0)} MiB`,
  );
  const all: number[] = [];
  let used = cpuSeconds(plane.pid);
  for (const [perSecond, seconds] of wave) {
    for (let second = 0; second < seconds; second++) {
      const began = performance.now();
      const { timesMs, failures } = await openLoad({
        port: plane.port,
        path: '/v2/models/m/infer',
        body,
        headers,
        perSecond,
        requests: Math.max(1, Math.round(perSecond)),
      });
      await sleep(Math.max(0, 1000 - (performance.now() - began)));
      const now = cpuSeconds(plane.pid);
      const { workers: count, asleep, queued } = await figures();
      const failed = [...failures.values()].reduce((sum, one) => sum + one, 0);
      console.log(
        `  ${perSecond.toFixed(0).padStart(4)}/s ${(asleep ? 'asleep' : String(count)).padStart(6)} ${memoryMib(plane.pid).toFixed(0).padStart(5)} ` +
          `${((now - used) / ((performance.now() - began) / 1000)).toFixed(2)} ${String(queued).padStart(3)} ` +
          `${quantileOf(timesMs, 0.5).toFixed(1).padStart(7)} ${quantileOf(timesMs, 0.99).toFixed(1).padStart(7)}${failed === 0 ? '' : `  ${failed} FAILED`}`,
      );
      used = now;
      all.push(...timesMs);
    }
  }
  await sleep(idleMs + 2000);
  const { asleep, coldStartMs, workers: left } = await figures();
  console.log(
    `  afterwards: ${asleep ? 'asleep' : `${left} workers`}, ${memoryMib(plane.pid).toFixed(0)} MiB; last cold start ${coldStartMs?.toFixed(0) ?? '—'} ms`,
  );
  return Float64Array.from(all).sort();
}

const elastic = await ride('elastic', `0-${cores}`);
const fixed = await ride('fixed', `${cores}-${cores}`);
await rm(folder, { recursive: true });
const ratio = (share: number): string => (quantileOf(elastic, share) / quantileOf(fixed, share)).toFixed(2);
console.log(`\nelastic to fixed: p50 ${ratio(0.5)}, p95 ${ratio(0.95)}, p99 ${ratio(0.99)}`);
