/**
 * Manifests are swapped under open-loop load: another version, two versions by weight, one added on worker threads, one removed, and back, as
 * fast as they load. Every answer is held against what its version must say; at the end the data plane is told to drain with requests under way.
 * node bench/swap.ts [requests, default 120000] [requests a second, default 3000]
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openFsBlobs } from '#blobs';
import type { ReleaseManifest } from '#contract';
import { putSample, sampleManifest, samplePackage } from '#serving';
import { controlledPlane } from './common/controlled-plane.ts';
import { openLoad, quantileOf } from './common/open-loop.ts';

const requests = Number(process.argv[2] ?? 120_000);
const perSecond = Number(process.argv[3] ?? 3000);

const biases = { '1': 0, '2': -1, '3': 1 } as const;
const samples = { '1': samplePackage(), '2': samplePackage({ bias: -1 }), '3': samplePackage({ bias: 1, ballast: 20 }) };
const row = { tenure: 10, charges: 50, senior: true, contract: 'One year' };
const expected = (version: keyof typeof biases): number => 1 / (1 + Math.exp(-(0.5 + biases[version] - 0.5 + 1 + 0.3)));

const folder = await mkdtemp(join(tmpdir(), 'gyre-swap-'));
const blobs = await openFsBlobs({ dir: join(folder, 'blobs') });
for (const sample of Object.values(samples)) await putSample(blobs, sample);

/** Shares of the endpoint's traffic by version. */
const stages: readonly Readonly<Partial<Record<keyof typeof samples, number>>>[] = [
  { '1': 1 },
  { '2': 1 },
  { '1': 0.5, '2': 0.5 },
  { '1': 0.4, '2': 0.3, '3': 0.3 },
  { '2': 0.5, '3': 0.5 },
  { '3': 1 },
];

function manifestOf(generation: number): ReleaseManifest {
  const stage = stages[generation % stages.length];
  const models = Object.entries(stage).map(([version, weight]) => {
    const sample = version === '1' ? samples['1'] : version === '2' ? samples['2'] : samples['3'];
    return { ...sampleManifest(sample, 1).models[0], version, weight };
  });
  return sampleManifest(samples['1'], generation, { models });
}

const file = join(folder, 'manifest.json');
const write = (generation: number): Promise<void> => writeFile(file, JSON.stringify(manifestOf(generation)));
await write(1);
const plane = await controlledPlane(['--manifest', file, '--blobs', join(folder, 'blobs'), '--unsigned', '--spool', join(folder, 'log')]);
const load = { port: plane.port, path: '/predict/churn', body: JSON.stringify({ rows: [row] }) };

const seen = new Map<string, number>();
let running = true;
let swaps = 0;
const swapping = (async (): Promise<void> => {
  while (running) {
    await write(swaps + 2);
    const answer = await plane.ask({ op: 'reload' });
    if (answer['ok'] !== true) throw new Error(`a swap was refused: ${String(answer['reason'])}`);
    swaps += 1;
    await sleep(100);
  }
})();

const result = await openLoad({
  ...load,
  perSecond,
  requests,
  check: (text) => {
    const { version, predictions } = JSON.parse(text) as {
      readonly version: keyof typeof biases;
      readonly predictions: readonly [{ readonly probabilities: { readonly Yes: number } }];
    };
    seen.set(version, (seen.get(version) ?? 0) + 1);
    const off = Math.abs(predictions[0].probabilities.Yes - expected(version));
    return off < 1e-6 ? undefined : `version ${version} said something else`;
  },
});
running = false;
await swapping;

// Requests that are under way when it is told to end are answered.
const drained = openLoad({ ...load, perSecond: 100_000, requests: 200 });
await sleep(5);
plane.signal('SIGTERM');
const last = await drained;
const code = await plane.ended;
await rm(folder, { recursive: true });

const failed = [...result.failures].map(([why, count]) => `${count} x ${why}`);
console.log(
  `${requests} requests at ${perSecond} a second, ${swaps} swaps: ${result.answered} answered right, ${requests - result.answered} failed`,
);
for (const line of failed) console.log(`  ${line}`);
console.log(`by version: ${[...seen].map(([version, count]) => `${version}: ${count}`).join(', ')}`);
console.log(
  `from when a request was due: p50 ${quantileOf(result.timesMs, 0.5).toFixed(2)} ms, p99 ${quantileOf(result.timesMs, 0.99).toFixed(2)} ms, ` +
    `longest ${quantileOf(result.timesMs, 1).toFixed(0)} ms; ${((1000 * result.answered) / result.tookMs).toFixed(0)} answers a second`,
);
console.log(`SIGTERM with 200 requests under way: ${last.answered} answered, exit code ${code}`);
for (const [why, count] of last.failures) console.log(`  ${count} x ${why}`);
process.exitCode = result.answered === requests ? 0 : 1;
