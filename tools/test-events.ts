/** What the reporter tells the test runner's parent process. */
export type TestEvent =
  | { readonly kind: 'declared'; readonly name: string; readonly file: string; readonly nesting: number }
  | EndedTest
  | { readonly kind: 'output'; readonly text: string };

/** What the preloaded trace tells when a test begins. */
export interface TestStart {
  readonly name: string;
}

export interface EndedTest {
  readonly kind: 'ended';
  readonly name: string;
  readonly file: string;
  readonly nesting: number;
  readonly isSuite: boolean;
  readonly passed: boolean;
  /** Why it was skipped. */
  readonly skipped: string | undefined;
  readonly durationMs: number;
  readonly error: string | undefined;
  /** Whether it failed only because a test inside it did. */
  readonly isEcho: boolean;
}

/** Begins a line that is an event and not something a test printed. */
export const eventMark = '\u0001gyre-test ';
