import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, send } from './api.ts';
import { onEvents } from './live.ts';
import type { RunColumns, RunRow, RunSelection, SeriesAnswer } from './tracking-shapes.ts';

/** While runs come by the dozen, the order is asked for anew this often at most. */
const orderEveryMs = 2000;
/** What is only scrolled past is not asked for. */
const restMs = 60;
/** Runs that go on are looked at again this often. */
const lookAgainMs = 3000;
const askAtOnce = 200;
const keptRows = 20_000;

export interface Order {
  readonly positions: readonly number[];
  /** There are more than the server counts out. */
  readonly more: boolean;
}

/** The positions of all runs of a selection, kept up with what happens. What was known stays until the next is there. */
export function useOrder(selection: RunSelection | undefined): {
  readonly order: Order | undefined;
  readonly error: ApiError | undefined;
  readonly asking: boolean;
  readonly reload: () => void;
} {
  const [order, setOrder] = useState<Order | undefined>(undefined);
  const [error, setError] = useState<ApiError | undefined>(undefined);
  const [asking, setAsking] = useState(true);
  const [turn, setTurn] = useState(0);
  const asked = useRef(0);
  const key = JSON.stringify(selection);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = onEvents(['run.', 'experiment.'], () => {
      timer ??= setTimeout(
        () => {
          timer = undefined;
          setTurn((count) => count + 1);
        },
        Math.max(0, asked.current + orderEveryMs - performance.now()),
      );
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, []);
  useEffect(() => {
    if (selection === undefined) return undefined;
    const stopped = new AbortController();
    asked.current = performance.now();
    setAsking(true);
    send<Order>('POST', 'runs/positions', selection, stopped.signal)
      .then((answer) => {
        setOrder(answer);
        setError(undefined);
        setAsking(false);
      })
      .catch((cause: unknown) => {
        if (!(cause instanceof ApiError)) throw cause;
        if (cause.code === 'CANCELLED') return;
        setError(cause);
        setAsking(false);
      });
    return () => stopped.abort();
  }, [key, turn]);
  return { order, error, asking, reload: () => setTurn((count) => count + 1) };
}

export interface RowsWanted {
  readonly positions: readonly number[];
  /** In sight; `last` is the one after the last. */
  readonly first: number;
  readonly last: number;
  readonly columns: RunColumns;
  /** Changes when rows may have changed. */
  readonly turn: unknown;
}

/** Rows by position, asked for as they come in sight, the ones around them too; runs that go on are looked at again. */
export function useRunRows({ positions, first, last, columns, turn }: RowsWanted): {
  readonly rowAt: (index: number) => RunRow | undefined;
  readonly error: ApiError | undefined;
  readonly retry: () => void;
} {
  const [error, setError] = useState<ApiError | undefined>(undefined);
  const [, setKnown] = useState(0);
  const [tries, setTries] = useState(0);
  const kept = useRef<{ readonly columns: string; readonly rows: Map<number, RunRow> }>({ columns: '', rows: new Map() });
  const key = JSON.stringify(columns);
  if (kept.current.columns !== key) kept.current = { columns: key, rows: new Map() };
  const { rows } = kept.current;
  const around = positions.slice(Math.max(0, first - 40), last + 60);
  const missing = around.filter((position) => !rows.has(position));
  const seenTurn = useRef(turn);

  const ask = async (wanted: readonly number[], signal: AbortSignal): Promise<void> => {
    const into = kept.current.rows;
    try {
      for (let start = 0; start < wanted.length; start += askAtOnce) {
        const body = { positions: wanted.slice(start, start + askAtOnce), columns };
        const { items } = await send<{ readonly items: readonly RunRow[] }>('POST', 'runs/rows', body, signal);
        if (into.size > keptRows) into.clear();
        for (const row of items) into.set(row.position, row);
      }
      setError(undefined);
      setKnown((count) => count + 1);
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      if (cause.code !== 'CANCELLED') setError(cause);
    }
  };
  useEffect(() => {
    if (missing.length === 0) return undefined;
    const stopped = new AbortController();
    const timer = setTimeout(() => void ask(around, stopped.signal), rows.size === 0 ? 0 : restMs);
    return () => {
      clearTimeout(timer);
      stopped.abort();
    };
  }, [key, missing.join(' '), tries]);
  useEffect(() => {
    if (seenTurn.current === turn) return undefined;
    seenTurn.current = turn;
    const stopped = new AbortController();
    const inSight = new Set(positions.slice(first, last));
    // What changed out of sight is asked for when it comes in sight.
    for (const position of rows.keys()) if (!inSight.has(position)) rows.delete(position);
    void ask([...inSight], stopped.signal);
    return () => stopped.abort();
  }, [key, turn]);
  const goesOn = positions.slice(first, last).filter((position) => rows.get(position)?.status === 'RUNNING');
  useEffect(() => {
    if (goesOn.length === 0) return undefined;
    const stopped = new AbortController();
    const timer = setInterval(() => void ask(goesOn, stopped.signal), lookAgainMs);
    return () => {
      clearInterval(timer);
      stopped.abort();
    };
  }, [key, goesOn.join(' ')]);
  return {
    rowAt: (index) => rows.get(positions[index] ?? -1),
    error,
    retry: () => setTries((count) => count + 1),
  };
}

const sparkPoints = 40;
const keptSparks = 4000;

/** A metric of the runs in sight as short lines, asked for when the table rests. */
export function useSparks(
  metrics: readonly string[],
  runs: readonly string[],
  turn: unknown,
): (metric: string, run: string) => readonly number[] | undefined {
  const [, setKnown] = useState(0);
  const kept = useRef(new Map<string, readonly number[]>());
  const turns = useRef(turn);
  if (turns.current !== turn) {
    turns.current = turn;
    kept.current.clear();
  }
  const missing = metrics.flatMap((metric) => {
    const of = runs.filter((run) => !kept.current.has(`${metric} ${run}`)).slice(0, 100);
    return of.length === 0 ? [] : [{ metric, of }];
  });
  useEffect(() => {
    if (missing.length === 0) return undefined;
    const stopped = new AbortController();
    const timer = setTimeout(async () => {
      try {
        for (const { metric, of } of missing) {
          const body = { runs: of, key: metric, buckets: sparkPoints };
          const { series } = await send<SeriesAnswer>('POST', 'runs/series', body, stopped.signal);
          if (kept.current.size > keptSparks) kept.current.clear();
          for (const run of of) kept.current.set(`${metric} ${run}`, series.find((one) => one.run === run)?.mean ?? []);
        }
        setKnown((count) => count + 1);
      } catch (cause) {
        // A line is an ornament of its value, which says when it cannot be read.
        if (!(cause instanceof ApiError)) throw cause;
      }
    }, 150);
    return () => {
      clearTimeout(timer);
      stopped.abort();
    };
  }, [JSON.stringify(missing)]);
  return (metric, run) => kept.current.get(`${metric} ${run}`);
}
