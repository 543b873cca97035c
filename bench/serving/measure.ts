/** Rounds of load on some servers, interleaved, and what came of them. */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { cpuSeconds } from '../common/process.ts';
import type { Job, LoadAnswer, Target } from './protocol.ts';
import type { Server } from './servers.ts';

export interface Contender {
  readonly name: string;
  readonly server: Server;
  readonly target: Target;
}

export interface Figures {
  readonly name: string;
  readonly setting: string;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failures: number;
  readonly reason?: string;
  /** Processors that the server used, and the generator. */
  readonly serverCores: number;
  readonly generatorCores: number;
}

/** The load generator's process. */
export class Generator implements Disposable {
  readonly #child: ChildProcess;

  constructor() {
    this.#child = fork(join(import.meta.dirname, 'generator.ts'), { serialization: 'advanced' });
  }

  run(job: Job): Promise<LoadAnswer> {
    return new Promise((resolve, reject) => {
      const gone = (): void => reject(new Error('the load generator ended'));
      this.#child.once('exit', gone);
      this.#child.once('message', (answer) => {
        this.#child.off('exit', gone);
        resolve(answer as LoadAnswer);
      });
      this.#child.send(job);
    });
  }

  [Symbol.dispose](): void {
    this.#child.kill();
  }
}

export interface Rounds {
  readonly connections: number;
  readonly rounds: number;
  readonly durationMs: number;
}

interface Round extends LoadAnswer {
  readonly serverCores: number;
}

/** Each contender in turn, round after round: what else the machine does meets all of them alike. */
export async function measure(generator: Generator, contenders: readonly Contender[], rounds: Rounds): Promise<readonly Figures[]> {
  const taken = new Map<Contender, Round[]>(contenders.map((contender) => [contender, []]));
  for (let round = 0; round < rounds.rounds; round++)
    for (const [contender, figures] of taken) figures.push(await one(generator, contender, rounds));
  return [...taken].map(([contender, figures]) => summed(contender, figures));
}

async function one(generator: Generator, { server, target }: Contender, { connections, durationMs }: Rounds): Promise<Round> {
  const before = cpuSeconds(server.pid);
  const startedMs = performance.now();
  const answer = await generator.run({ target, connections, warmMs: Math.min(500, durationMs / 4), durationMs });
  const serverCores = ((cpuSeconds(server.pid) - before) * 1000) / (performance.now() - startedMs);
  return { ...answer, serverCores };
}

function summed({ name, server: { setting } }: Contender, rounds: readonly Round[]): Figures {
  const times = new Float64Array(rounds.reduce((sum, { timesMs }) => sum + timesMs.length, 0));
  let at = 0;
  for (const { timesMs } of rounds) {
    times.set(timesMs, at);
    at += timesMs.length;
  }
  times.sort();
  const quantile = (share: number): number => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
  const mean = (of: (round: Round) => number): number => rounds.reduce((sum, round) => sum + of(round), 0) / rounds.length;
  const reason = rounds.find((round) => round.reason !== undefined)?.reason;
  return {
    name,
    setting,
    perSecond: (times.length * 1000) / rounds.reduce((sum, { tookMs }) => sum + tookMs, 0),
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    failures: rounds.reduce((sum, { failures }) => sum + failures, 0),
    ...(reason === undefined ? {} : { reason }),
    serverCores: mean(({ serverCores }) => serverCores),
    generatorCores: mean(({ cores }) => cores),
  };
}
