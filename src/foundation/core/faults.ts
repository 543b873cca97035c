import { GyreError } from './errors.ts';

/** The places where a process may be cut down in kill tests: each write, fsync, rename and commit that a promise rests on. */
export const faultPoints = [
  'blob.write',
  'blob.fsync',
  'blob.rename',
  'blob.dirsync',
  'blob.delete',
  'store.commit.before',
  'store.commit.after',
  'store.fsync',
  'store.acknowledge',
  'file.write',
  'file.fsync',
  'file.rename',
] as const;

export type FaultPoint = (typeof faultPoints)[number];

/** Told of every point that is passed; what it does there is the test's business. */
export interface Faults {
  at(point: FaultPoint): void;
}

/** Nothing happens: what every process uses outside of kill tests. */
export const noFaults: Faults = { at: () => undefined };

/**
 * Strikes when a point is passed for the nth time.
 * @param spec `<point>:<n>`, n from 1; the point `*` counts all of them together
 * @param strike what happens then; kill tests hand in one that sends SIGKILL to the process itself
 * @throws GyreError INVALID_ARGUMENT when the spec names no point or no count
 */
export function faultAt(spec: string, strike: (point: FaultPoint) => void): Faults {
  const [name, count] = spec.split(':');
  const nth = Number(count);
  if (!(name === '*' || (faultPoints as readonly string[]).includes(name)) || !Number.isInteger(nth) || nth < 1) {
    throw new GyreError(
      'INVALID_ARGUMENT',
      `"${spec}" is no fault: <point>:<n> is needed, with n from 1 and a point of ${faultPoints.join(', ')} or *`,
    );
  }
  let passed = 0;
  return {
    at: (point) => {
      if (name === '*' || name === point) {
        passed += 1;
        if (passed === nth) strike(point);
      }
    },
  };
}
