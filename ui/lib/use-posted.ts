import { useEffect, useState } from 'preact/hooks';
import { ApiError, send } from './api.ts';
import { onEvents } from './live.ts';
import type { Resource } from './resource.ts';

/**
 * The answer of a question that is too long for an address. What was known stays until the next answer.
 * @param body undefined asks nothing
 * @param on kinds of events after which the answer may differ
 * @param again another value asks anew
 */
export function usePosted<T>(route: string, body: unknown, on: readonly string[] = [], again: unknown = 0): Resource<T> {
  const [state, setState] = useState<{ readonly data?: T; readonly error?: ApiError }>({});
  const [turn, setTurn] = useState(0);
  const key = JSON.stringify(body);
  const kinds = on.join(' ');
  useEffect(() => (kinds === '' ? undefined : onEvents(kinds.split(' '), () => setTurn((count) => count + 1))), [kinds]);
  useEffect(() => {
    if (body === undefined) return undefined;
    const stopped = new AbortController();
    send<T>('POST', route, body, stopped.signal)
      .then((data) => setState({ data }))
      .catch((error: unknown) => {
        if (!(error instanceof ApiError)) throw error;
        if (error.code !== 'CANCELLED') setState((before) => ({ ...before, error }));
      });
    return () => stopped.abort();
  }, [route, key, turn, again]);
  return { ...state, loading: state.data === undefined && state.error === undefined, reload: () => setTurn((count) => count + 1) };
}
