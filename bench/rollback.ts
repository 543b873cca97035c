/**
 * Rollbacks under open-loop load: to a version that was kept loaded (`warm`), and to one that has to be loaded, in turns in one run. The time is from the command on the
 * control pipe until the data plane has said that it serves the version; every request that was not answered 200 is counted, none is tried again.
 * node bench/rollback.ts [rounds, default 5] [MiB of each model, default 64] [requests a second, default 300]
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openFsBlobs } from '#blobs';
import type { ManifestModel, ReleaseManifest } from '#contract';
import { putSample, sampleManifest, samplePackage } from '#serving';
import { controlledPlane } from './common/controlled-plane.ts';
import { openLoad, quantileOf } from './common/open-loop.ts';

const rounds = Number(process.argv[2] ?? 5);
const tableMib = Number(process.argv[3] ?? 64);
const perSecond = Number(process.argv[4] ?? 300);
/** Between switches: what is to be kept warm is loaded by then. */
const pauseMs = 1500;

const folder = await mkdtemp(join(tmpdir(), 'gyre-rollback-'));
const blobs = await openFsBlobs({ dir: join(folder, 'blobs') });
const [good, bad] = [samplePackage({ tableMib }), samplePackage({ tableMib, bias: 3 })];
for (const sample of [good, bad]) await putSample(blobs, sample);

const modelOf = (sample: typeof good, version: string, weight: number): ManifestModel => ({
  ...sampleManifest(sample, 1).models[0],
  version,
  weight,
});
const [before, after] = [modelOf(good, '1', 1), modelOf(bad, '2', 1)];
const manifests = {
  before: (generation: number): ReleaseManifest => sampleManifest(good, generation, { models: [before] }),
  'after, warm': (generation: number): ReleaseManifest =>
    sampleManifest(bad, generation, { models: [after], warm: [{ ...before, weight: 0 }] }),
  'after, cold': (generation: number): ReleaseManifest => sampleManifest(bad, generation, { models: [after] }),
};

const file = join(folder, 'manifest.json');
let generation = 0;
const write = (what: keyof typeof manifests): Promise<void> => writeFile(file, JSON.stringify(manifests[what](++generation)));
await write('before');
const plane = await controlledPlane(['--manifest', file, '--blobs', join(folder, 'blobs'), '--unsigned', '--spool', join(folder, 'log')]);
/** @returns how long it took, in milliseconds */
const switchTo = async (what: keyof typeof manifests): Promise<number> => {
  await write(what);
  const started = performance.now();
  const answer = await plane.ask({ op: 'reload' });
  if (answer['ok'] !== true) throw new Error(`a switch was refused: ${String(answer['reason'])}`);
  return performance.now() - started;
};

const body = JSON.stringify({ rows: [{ tenure: 10, charges: 50, senior: true, contract: 'One year' }] });
const seconds = rounds * 2 * ((2 * pauseMs) / 1000 + 1);
const loading = openLoad({ port: plane.port, path: '/predict/churn', body, perSecond, requests: Math.round(perSecond * seconds) });
const took = { warm: [] as number[], cold: [] as number[] };
for (let round = 0; round < rounds; round++) {
  for (const kind of ['warm', 'cold'] as const) {
    await switchTo(`after, ${kind}`);
    await sleep(pauseMs);
    took[kind].push(await switchTo('before'));
    await sleep(pauseMs);
  }
}
const { answered, failures, timesMs } = await loading;
await plane[Symbol.asyncDispose]();
await rm(folder, { recursive: true, force: true });

const medianOf = (times: readonly number[]): number => times.toSorted((one, other) => one - other)[Math.floor(times.length / 2)];
const [warm, cold] = [medianOf(took.warm), medianOf(took.cold)];
const failed = [...failures.values()].reduce((sum, count) => sum + count, 0);
console.log(`${rounds} rollbacks of each kind, models of ${tableMib} MiB, ${perSecond} requests a second`);
console.log(`to a version that was kept warm: ${warm.toFixed(1)} ms (median; most ${Math.max(...took.warm).toFixed(1)})`);
console.log(`to a version that is loaded:     ${cold.toFixed(1)} ms (median; most ${Math.max(...took.cold).toFixed(1)})`);
console.log(`ratio ${(cold / warm).toFixed(1)}`);
console.log(
  `${answered} requests answered, ${failed} failed; half within ${quantileOf(timesMs, 0.5).toFixed(1)} ms, 99 % within ${quantileOf(timesMs, 0.99).toFixed(1)} ms`,
);
if (failed > 0) {
  for (const [why, count] of failures) console.error(`${count} × ${why}`);
  process.exitCode = 1;
}
