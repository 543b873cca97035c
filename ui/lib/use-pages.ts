import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError } from './api.ts';
import { pagesOf } from './row-window.ts';

/** Items of a page of what is long. */
export const pageLength = 200;
const keptPages = 40;
/** Pages that are only scrolled past are not asked for. */
const restMs = 80;

/** Pages by their number, from 0. */
export type Known<T> = ReadonlyMap<number, readonly T[]>;

export interface Paged<T> {
  readonly total: number;
  /** Items from `offset` on. What is asked for twice may be answered from memory. */
  readonly items: (offset: number, limit: number, signal: AbortSignal) => Promise<readonly T[]>;
  /** Changes when other items, or the same in another order, are meant: what is known is then forgotten. */
  readonly of: string;
}

/** The pages around what is in sight, those seen last kept. @param last the item after the last */
export function usePages<T>(
  { items, of, total }: Paged<T>,
  first: number,
  last: number,
): { readonly known: Known<T>; readonly error: ApiError | undefined; readonly retry: () => void } {
  const [known, setKnown] = useState<Known<T>>(new Map());
  const [error, setError] = useState<ApiError | undefined>(undefined);
  const [tries, setTries] = useState(0);
  const meant = useRef(of);
  if (meant.current !== of) {
    meant.current = of;
    setKnown(new Map());
    setError(undefined);
  }
  const wanted = pagesOf(first, last, pageLength).filter((page) => !known.has(page));
  useEffect(() => {
    if (wanted.length === 0 || total === 0) return undefined;
    const stopped = new AbortController();
    const ask = async (page: number): Promise<void> => {
      try {
        const answer = await items(page * pageLength, pageLength, stopped.signal);
        if (meant.current !== of || stopped.signal.aborted) return;
        setError(undefined);
        setKnown((before) => new Map([...before, [page, answer] as const].slice(-keptPages)));
      } catch (cause) {
        if (!(cause instanceof ApiError)) throw cause;
        if (cause.code !== 'CANCELLED' && meant.current === of) setError(cause);
      }
    };
    const timer = setTimeout(() => wanted.forEach((page) => void ask(page)), known.size === 0 ? 0 : restMs);
    return () => {
      clearTimeout(timer);
      stopped.abort();
    };
  }, [of, wanted.join(' '), total, tries]);
  return { known, error, retry: () => setTries((count) => count + 1) };
}
