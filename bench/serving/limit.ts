// How fast ONNX Runtime is by itself: called in a loop, by one thread or by several, and nothing else. Prints runs a second as JSON.
// node bench/serving/limit.ts {"model", "input", "shape", "rows", "threads", "ms"}
import { readFileSync } from 'node:fs';
import { Worker, isMainThread, workerData } from 'node:worker_threads';
import { openSession, tensor } from '#onnx';

export interface LimitAsked {
  readonly model: string;
  readonly input: string;
  /** Of one row. */
  readonly shape: readonly number[];
  readonly rows: number;
  readonly threads: number;
  readonly ms: number;
}

const asked = (isMainThread ? JSON.parse(process.argv[2] ?? '{}') : workerData) as LimitAsked;
if (isMainThread && asked.threads > 1) {
  const counts = Array.from({ length: asked.threads }, () => {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const worker = new Worker(import.meta.filename, { workerData: { ...asked, threads: 1 } });
    worker.once('message', resolve);
    worker.once('error', reject);
    return promise;
  });
  say((await Promise.all(counts)).reduce((sum, one) => sum + one, 0));
} else {
  const perSecond = await loop();
  if (isMainThread) say(perSecond);
  else (await import('node:worker_threads')).parentPort?.postMessage(perSecond);
}

function say(runsPerSecond: number): void {
  console.log(JSON.stringify({ runsPerSecond }));
}

async function loop(): Promise<number> {
  await using session = await openSession(readFileSync(asked.model));
  const size = asked.shape.reduce((product, axis) => product * axis, asked.rows);
  const values = Float32Array.from({ length: size }, (_, at) => ((at * 7919) % 256) / 255);
  const feeds = { [asked.input]: tensor('FLOAT', [asked.rows, ...asked.shape], values) };
  const warmUntilMs = performance.now() + asked.ms / 5;
  while (performance.now() < warmUntilMs) await session.run(feeds);
  const startedMs = performance.now();
  let runs = 0;
  while (performance.now() - startedMs < asked.ms) {
    await session.run(feeds);
    runs += 1;
  }
  return (runs * 1000) / (performance.now() - startedMs);
}
