import { type Signal, signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { ApiError, get } from './api.ts';
import { onEvents } from './live.ts';

/** What is known of an answer of the API, at this moment. */
export interface Resource<T> {
  readonly data?: T;
  /** Why the last try failed; `data` then still holds what was known before. */
  readonly error?: ApiError;
  readonly loading: boolean;
  readonly reload: () => void;
}

interface Entry {
  readonly state: Signal<Omit<Resource<unknown>, 'reload'>>;
  users: number;
  asking: boolean;
  again: boolean;
}

const known = new Map<string, Entry>();
const keptEntries = 200;

function entryOf(route: string): Entry {
  const found = known.get(route);
  if (found !== undefined) return found;
  if (known.size >= keptEntries) {
    for (const [old, { users }] of known) {
      if (users === 0) known.delete(old);
      if (known.size < keptEntries) break;
    }
  }
  const entry: Entry = { state: signal({ loading: false }), users: 0, asking: false, again: false };
  known.set(route, entry);
  return entry;
}

async function refresh(route: string): Promise<void> {
  const entry = entryOf(route);
  if (entry.asking) {
    entry.again = true;
    return;
  }
  entry.asking = true;
  const { data } = entry.state.peek();
  entry.state.value = { ...(data === undefined ? {} : { data }), loading: true };
  try {
    entry.state.value = { data: await get<unknown>(route), loading: false };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const kept = entry.state.peek().data;
    entry.state.value = { ...(kept === undefined ? {} : { data: kept }), error, loading: false };
  } finally {
    entry.asking = false;
    if (entry.again) {
      entry.again = false;
      void refresh(route);
    }
  }
}

/** Forgets what was known: after signing in or out, every answer may differ. */
export function forgetAll(): void {
  for (const [route, { users }] of known) {
    if (users > 0) void refresh(route);
    else known.delete(route);
  }
}

/**
 * The answer of a route, asked for while a component shows it. What was known before is shown at once and brought up to date.
 * @param route below `/api/v1`, with its query; undefined asks nothing
 * @param on kinds of events (their beginnings, such as `window.`) after which the answer may differ; immutable records have none
 */
export function useResource<T>(route: string | undefined, on: readonly string[] = []): Resource<T> {
  const kinds = on.join(' ');
  useEffect(() => {
    if (route === undefined) return undefined;
    const entry = entryOf(route);
    entry.users += 1;
    if (kinds !== '' || entry.state.peek().data === undefined) void refresh(route);
    const stop = kinds === '' ? undefined : onEvents(kinds.split(' '), () => void refresh(route));
    return () => {
      entry.users -= 1;
      stop?.();
    };
  }, [route, kinds]);
  const reload = useMemo(() => () => void (route === undefined ? undefined : refresh(route)), [route]);
  if (route === undefined) return { loading: false, reload };
  const { data, error, loading } = entryOf(route).state.value;
  return {
    // The server's answers keep the contract's schemas; `T` names the one of this route.
    ...(data === undefined ? {} : { data: data as T }),
    ...(error === undefined ? {} : { error }),
    loading: loading || (data === undefined && error === undefined),
    reload,
  };
}

/** What a list route answers. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string | number;
}
