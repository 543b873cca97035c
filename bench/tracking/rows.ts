/** What is measured, and what is aimed at. */
import { type Caller, quantile, timed, type Timed } from './http.ts';
import { batchOf, newRun } from './data.ts';

/** What a side has been filled with. */
export interface Filled {
  readonly experiment: string;
  /** Experiments of finished runs, by how many. */
  readonly runs: ReadonlyMap<number, string>;
  /** A run with one long metric, `long`. */
  readonly longRun: string;
  readonly model: string;
  readonly modelSource: string;
  readonly modelRun: string;
}

export interface Row {
  readonly name: string;
  /** Which side's figure is compared: the median of a call, or how many a second. */
  readonly compare: 'p50' | 'perSecond';
  /** How many times better than MLflow's. */
  readonly atLeast?: number;
  /** Limits for ours alone, in milliseconds. */
  readonly p50BelowMs?: number;
  readonly p99BelowMs?: number;
  readonly connections: number;
  readonly timesPerRound: number;
  readonly rounds: number;
  /** What one operation counts for, in `perSecond`. */
  readonly unit?: { readonly name: string; readonly perOperation: number };
  /** Also measured on MLflow's server as it is shipped. */
  readonly asShipped?: boolean;
  /** Not measured on MLflow's: the limit is ours alone, and a page takes it seconds. */
  readonly onlyOurs?: boolean;
  /** One round of it on one side. */
  run(server: Caller, filled: Filled, times: number): Promise<Timed>;
}

const api = '/api/2.0/mlflow';
const asOne = (connections: number, operation: (server: Caller, filled: Filled, turn: number) => Promise<unknown>): Row['run'] => {
  return (server, filled, times) =>
    timed(times, connections, async (turn) => {
      await operation(server, filled, turn);
    });
};

interface Page {
  readonly runs?: readonly { readonly info: { readonly run_name: string } }[];
}

/** Names of the runs of a page, which have to be the same on both sides. */
export async function pageOf(
  server: Caller,
  experiment: string,
  filter: string,
  order: readonly string[],
  size: number,
): Promise<readonly string[]> {
  const page = await server.json<Page>('POST', `${api}/runs/search`, {
    experiment_ids: [experiment],
    filter,
    order_by: order,
    max_results: size,
  });
  return (page.runs ?? []).map(({ info }) => info.run_name);
}

export const common = { filter: 'metrics.m0 > 0.5', order: ['metrics.m1 DESC'] };
export const rare = { filter: "metrics.m0 > 0.999 and params.p0 = '3'", order: ['metrics.m1 DESC'] };

function pageRow(
  runs: number,
  size: number,
  kind: 'common' | 'rare',
  limits: Pick<Row, 'atLeast' | 'p50BelowMs'>,
  timesPerRound: number,
): Row {
  const { filter, order } = kind === 'common' ? common : rare;
  return {
    name: `page of ${size} of ${runs} runs, ${kind} filter`,
    compare: 'p50',
    ...limits,
    onlyOurs: limits.p50BelowMs !== undefined,
    connections: 1,
    timesPerRound,
    rounds: 3,
    run: asOne(1, (server, filled) => pageOf(server, filled.runs.get(runs) ?? '', filter, order, size)),
  };
}

/** @param scale of the sizes: 1, or less for a quick look */
export function rowsOf(sizes: {
  readonly runs: number;
  readonly manyRuns: number;
  readonly points: number;
  readonly scale: number;
}): readonly Row[] {
  const times = (count: number): number => Math.max(3, Math.round(count * sizes.scale));
  return [
    {
      name: 'create a run and log one metric',
      compare: 'p50',
      atLeast: 5,
      connections: 1,
      timesPerRound: times(100),
      rounds: 5,
      asShipped: true,
      run: asOne(1, async (server, filled) => {
        const run = await newRun(server, filled.experiment);
        await server.json('POST', `${api}/runs/log-metric`, { run_id: run, key: 'loss', value: 0.5, timestamp: Date.now(), step: 0 });
      }),
    },
    {
      name: 'log-batch of 1,000 metrics, 64 connections',
      compare: 'perSecond',
      atLeast: 10,
      p99BelowMs: 500,
      connections: 64,
      timesPerRound: times(128),
      rounds: 3,
      unit: { name: 'metrics', perOperation: 1000 },
      run: async (server, filled, count) => {
        // One after the other, beside what is measured: 64 at once are more than MLflow's pool of database connections takes.
        const runs: string[] = [];
        while (runs.length < 64) runs.push(await newRun(server, filled.experiment));
        const bodies = runs.map((run, index) => Buffer.from(JSON.stringify(batchOf(run, `m${index % 10}`, 0, 1000))));
        return timed(count, 64, async (turn) => {
          const { status, body } = await server.call('POST', `${api}/runs/log-batch`, bodies[turn % bodies.length]);
          if (status !== 200) throw new Error(`${status}: ${body.toString().slice(0, 300)}`);
        });
      },
    },
    pageRow(sizes.runs, 100, 'common', { atLeast: 10 }, times(20)),
    pageRow(sizes.runs, 1000, 'common', { atLeast: 10 }, times(6)),
    pageRow(sizes.runs, 100, 'rare', { atLeast: 10 }, times(20)),
    pageRow(sizes.manyRuns, 100, 'common', { p50BelowMs: 5 }, times(8)),
    pageRow(sizes.manyRuns, 100, 'rare', { p50BelowMs: 50 }, times(8)),
    {
      name: `history of ${sizes.points} points`,
      compare: 'p50',
      atLeast: 10,
      connections: 1,
      timesPerRound: times(4),
      rounds: 3,
      run: asOne(1, (server, filled) => server.json('GET', `${api}/metrics/get-history?run_id=${filled.longRun}&metric_key=long`)),
    },
    {
      name: `chart samples of ${sizes.points} points`,
      compare: 'p50',
      atLeast: 20,
      connections: 1,
      timesPerRound: times(8),
      rounds: 3,
      run: asOne(1, (server, filled) =>
        server.json(
          'GET',
          `/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?run_ids=${filled.longRun}&metric_key=long&max_results=320`,
        ),
      ),
    },
    {
      name: 'create a version',
      compare: 'p50',
      atLeast: 5,
      connections: 1,
      timesPerRound: times(60),
      rounds: 5,
      run: asOne(1, (server, { model, modelSource, modelRun }) =>
        server.json('POST', `${api}/model-versions/create`, { name: model, source: modelSource, run_id: modelRun }),
      ),
    },
    {
      name: 'move an alias',
      compare: 'p50',
      atLeast: 5,
      connections: 1,
      timesPerRound: times(100),
      rounds: 5,
      run: asOne(1, (server, { model }, turn) =>
        server.json('POST', `${api}/registered-models/alias`, { name: model, alias: 'champion', version: String(1 + (turn % 2)) }),
      ),
    },
  ];
}

/** One line's figures. */
export interface Figures {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly perSecond: number;
  readonly errors: readonly string[];
}

export function figuresOf(rounds: readonly Timed[], perOperation: number): Figures {
  const times = rounds.flatMap(({ timesMs }) => timesMs);
  const tookMs = rounds.reduce((sum, round) => sum + round.tookMs, 0);
  return {
    p50Ms: quantile(times, 0.5),
    p99Ms: quantile(times, 0.99),
    perSecond: (times.length * perOperation * 1000) / tookMs,
    errors: rounds.flatMap(({ errors }) => errors),
  };
}
