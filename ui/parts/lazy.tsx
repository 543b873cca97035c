import type { ComponentType, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Failure, Skeleton } from './page.tsx';
import { ApiError } from '../lib/api.ts';

/** A part of a page whose code comes when it is first shown. */
export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let known: ComponentType<P> | undefined;
  return function Lazy(props: P): JSX.Element {
    const [, setLoaded] = useState(0);
    const [error, setError] = useState<ApiError | undefined>(undefined);
    const ask = (): void => {
      setError(undefined);
      load().then(
        (component) => {
          known = component;
          setLoaded((count) => count + 1);
        },
        (cause: unknown) => setError(new ApiError('The code of this page did not arrive.', { status: 0, code: 'UNAVAILABLE', cause })),
      );
    };
    useEffect(() => {
      if (known === undefined) ask();
    }, []);
    if (known !== undefined) {
      const Known = known;
      return <Known {...props} />;
    }
    return error === undefined ? <Skeleton /> : <Failure error={error} retry={ask} what="This page" />;
  };
}
