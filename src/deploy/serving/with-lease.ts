import type { Lease } from './plane-port.ts';

/** Uses a model that is held, and lets go of it: at once, or when the promise that came of it has settled. @throws what `use` throws */
export function withLease<R>(lease: Lease, use: (lease: Lease) => R): R {
  const letGo = (): void => lease[Symbol.dispose]();
  let given: R;
  try {
    given = use(lease);
  } catch (error) {
    letGo();
    throw error;
  }
  if (given instanceof Promise) void given.then(letGo, letGo);
  else letGo();
  return given;
}
