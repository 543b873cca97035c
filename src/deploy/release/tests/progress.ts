import { GyreError } from '#core';

/** Of a run of application tests. */
export interface TestProgress {
  /** Says what is asked now. @throws GyreError CANCELLED when it is to stop */
  at(stage: string): void;
  readonly signal: AbortSignal;
}

/** @param tell is told each stage */
export function testProgress(signal: AbortSignal, tell: (stage: string) => void): TestProgress {
  return {
    signal,
    at: (stage) => {
      if (signal.aborted) throw new GyreError('CANCELLED', 'the application tests were stopped: nothing of them was kept');
      tell(stage);
    },
  };
}
