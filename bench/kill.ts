/**
 * A data plane is killed (SIGKILL) again and again under open-loop load, and started again at once, as `gyre up` does; the client tries nothing again. Counted: what was not
 * answered, how long it was gone each time, and whether every prediction that was answered is in the prediction log.
 * node bench/kill.ts [requests, default 30000] [requests a second, default 1000] [kills, default 5]
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openFsBlobs } from '#blobs';
import { listSegments, putSample, readSegment, sampleManifest, samplePackage } from '#serving';
import { controlledPlane } from './common/controlled-plane.ts';
import { openLoad, quantileOf } from './common/open-loop.ts';

const requests = Number(process.argv[2] ?? 30_000);
const perSecond = Number(process.argv[3] ?? 1000);
const kills = Number(process.argv[4] ?? 5);

const folder = await mkdtemp(join(tmpdir(), 'gyre-kill-'));
const sample = samplePackage();
await putSample(await openFsBlobs({ dir: join(folder, 'blobs') }), sample);

const manifest = join(folder, 'manifest.json');
await writeFile(manifest, JSON.stringify(sampleManifest(sample, 1)));
const spool = join(folder, 'log');
const words = ['--manifest', manifest, '--blobs', join(folder, 'blobs'), '--unsigned', '--spool', spool];
let plane = await controlledPlane(words);
const { port } = plane;

const answered = new Set<string>();
const gone: number[] = [];
let running = true;
const killing = (async (): Promise<void> => {
  const everyMs = (1000 * requests) / perSecond / (kills + 1);
  for (let kill = 0; kill < kills && running; kill++) {
    await sleep(everyMs);
    plane.signal('SIGKILL');
    const killedMs = performance.now();
    await plane.ended;
    plane = await controlledPlane(words, port);
    gone.push(performance.now() - killedMs);
  }
})();
const row = { tenure: 10, charges: 50, senior: true, contract: 'One year' };
const result = await openLoad({
  port,
  path: '/predict/churn',
  body: JSON.stringify({ rows: [row] }),
  perSecond,
  requests,
  check: (text) => {
    const { predictions } = JSON.parse(text) as { readonly predictions: readonly [{ readonly id: string; readonly label: string }] };
    answered.add(predictions[0].id);
    return predictions[0].label === 'Yes' || predictions[0].label === 'No' ? undefined : `it said ${predictions[0].label}`;
  },
});
running = false;
await killing;

const logged = new Set<string>();
// What is open is finished when it ends.
await plane[Symbol.asyncDispose]();
for (const segment of await listSegments(spool)) for (const { id } of (await readSegment(segment)).predictions) logged.add(id);
const missing = [...answered].filter((id) => !logged.has(id)).length;
await rm(folder, { recursive: true });

const { timesMs, failures } = result;
console.log(`${requests} requests at ${perSecond} a second, the data plane killed ${gone.length} times: ${result.answered} answered`);
for (const [why, count] of failures) console.log(`  ${count} x ${why}`);
console.log(`gone each time: ${gone.map((ms) => `${ms.toFixed(0)} ms`).join(', ')}`);
console.log(`from when a request was due: p50 ${quantileOf(timesMs, 0.5).toFixed(2)} ms, p99 ${quantileOf(timesMs, 0.99).toFixed(2)} ms`);
console.log(`${answered.size} answered predictions, ${missing} of them missing from the log (${logged.size} logged)`);
process.exitCode = missing === 0 && answered.size === result.answered ? 0 : 1;
