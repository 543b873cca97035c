// The load generator, a process of its own so that it shares no event loop with what is measured: a closed loop, one request in flight on
// each of some kept connections. Takes jobs from its parent and answers each.
import { Checker } from './check.ts';
import { grpcClient } from './grpc-client.ts';
import { type Client, type Exchange, httpClient } from './http-client.ts';
import type { Job, LoadAnswer, Target } from './protocol.ts';

process.on('message', (job: Job) => {
  run(job).then(
    (answer) => process.send?.(answer),
    (error: unknown) => process.send?.({ timesMs: new Float64Array(), tookMs: 0, failures: 1, reason: String(error), cores: 0 }),
  );
});

async function run({ target, connections, warmMs, durationMs }: Job): Promise<LoadAnswer> {
  const checker = new Checker(target);
  const timesMs: number[] = [];
  let failures = 0;
  let reason: string | undefined;
  let next = 0;
  /** What is answered from then on, until `endMs`, is counted. */
  let startMs = 0;
  let endMs = 0;
  let open = connections;
  const done = Promise.withResolvers<void>();
  const close = (): void => {
    open -= 1;
    if (open === 0) done.resolve();
  };
  const fail = (why: string): void => {
    failures += 1;
    reason ??= why;
  };
  const starts: (() => void)[] = [];
  for (let connection = 0; connection < connections; connection++) {
    let request = 0;
    let sentMs = 0;
    const send = (): void => {
      request = next++ % target.requests.length;
      sentMs = performance.now();
      client.send(target.requests[request]);
    };
    const client: Client = await connectTo(target, {
      onAnswer: (status, body) => {
        const nowMs = performance.now();
        const fault = status === 200 ? checker.fault(request, body) : `${status}: ${body.subarray(0, 300).toString('latin1')}`;
        if (fault !== undefined) fail(fault);
        else if (nowMs >= startMs && nowMs <= endMs) timesMs.push(nowMs - sentMs);
        if (nowMs < endMs) send();
        else {
          client.end();
          close();
        }
      },
      onBroken: (why) => {
        fail(why);
        close();
      },
    });
    starts.push(send);
  }
  startMs = performance.now() + warmMs;
  endMs = startMs + durationMs;
  const used = process.cpuUsage();
  const beganMs = performance.now();
  for (const start of starts) start();
  await done.promise;
  const { user, system } = process.cpuUsage(used);
  return {
    timesMs: Float64Array.from(timesMs),
    tookMs: endMs - startMs,
    failures,
    ...(reason === undefined ? {} : { reason }),
    cores: (user + system) / 1000 / (performance.now() - beganMs),
  };
}

function connectTo(target: Target, exchange: Exchange): Promise<Client> {
  return target.protocol === 'http' ? httpClient(target.port, exchange) : grpcClient(target.port, target.path ?? '', exchange);
}
