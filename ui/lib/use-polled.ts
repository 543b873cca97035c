import { useEffect } from 'preact/hooks';
import type { Resource } from './resource.ts';
import { useResource } from './resource.ts';

/** A resource that changes without events, asked for again and again while the page is in sight. */
export function usePolled<T>(route: string, everyMs: number): Resource<T> {
  const resource = useResource<T>(route, ['deployment.']);
  const { reload } = resource;
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') reload();
    }, everyMs);
    return () => clearInterval(timer);
  }, [reload, everyMs]);
  return resource;
}

/** Asks again while something goes on. @param everyMs default: a second */
export function useReloadWhile(goesOn: boolean, reload: () => void, everyMs = 1000): void {
  useEffect(() => {
    if (!goesOn) return undefined;
    const timer = setInterval(reload, everyMs);
    return () => clearInterval(timer);
  }, [goesOn, reload, everyMs]);
}
