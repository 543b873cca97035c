/** A node:test reporter for `tools/test.ts`: each event as one marked line of JSON, which the parent process reads, counts and shows. */
import type { TestEvent } from './test-events.ts';
import { eventMark } from './test-events.ts';

interface RunnerEvent {
  readonly type: string;
  readonly data: {
    readonly name?: string;
    readonly file?: string;
    readonly nesting?: number;
    readonly skip?: string | boolean;
    readonly todo?: string | boolean;
    readonly message?: string;
    readonly details?: { readonly duration_ms?: number; readonly type?: string; readonly error?: unknown };
  };
}

export default async function* report(source: AsyncIterable<RunnerEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    const plain = simplify(event);
    if (plain !== undefined) yield `${eventMark}${JSON.stringify(plain)}\n`;
  }
}

function simplify({ type, data }: RunnerEvent): TestEvent | undefined {
  const { name = '', file = '', nesting = 0 } = data;
  switch (type) {
    case 'test:enqueue':
      return { kind: 'declared', name, file, nesting };
    case 'test:pass':
    case 'test:fail': {
      const skipped =
        data.skip === undefined || data.skip === false
          ? undefined
          : data.skip === true
            ? 'no reason given'
            : data.skip || 'no reason given';
      const isSuite = data.details?.type === 'suite' || (nesting === 0 && name === file);
      return {
        kind: 'ended',
        name,
        file,
        nesting,
        isSuite,
        passed: type === 'test:pass' || (data.todo !== undefined && data.todo !== false),
        skipped,
        durationMs: data.details?.duration_ms ?? 0,
        error: type === 'test:fail' ? describeError(data.details?.error) : undefined,
        // A suite that failed only since a test inside it failed says nothing new.
        isEcho: type === 'test:fail' && failureKind(data.details?.error) === 'subtestsFailed',
      };
    }
    case 'test:stdout':
    case 'test:stderr':
      return { kind: 'output', text: data.message ?? '' };
    default:
      return undefined;
  }
}

function failureKind(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'failureType' in error ? String(error.failureType) : undefined;
}

function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause;
  if (cause instanceof Error) return trimStack(cause);
  return cause === undefined ? trimStack(error) : String(cause);
}

/** The message and the frames of our own code, of a long one the first and the last lines: the runner's frames say nothing. */
function trimStack(error: Error): string {
  const lines = (error.stack ?? error.message).split('\n').filter((line) => !/^\s+at .*\(?node:/.test(line));
  return lines.length <= 80 ? lines.join('\n') : [...lines.slice(0, 40), '…', ...lines.slice(-40)].join('\n');
}
