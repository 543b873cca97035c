/** Runs test files in a process of their own, counts and shows what happens, and ends it when it hangs. */
import { spawn } from 'node:child_process';
import { relative } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { eventMark } from './test-events.ts';
import type { EndedTest, TestEvent, TestStart } from './test-events.ts';

export interface Part {
  readonly suite: string;
  /** They run in one process, one after the other. */
  readonly files: readonly string[];
  /** How long one test may take. */
  readonly testTimeoutMs: number;
}

export interface PartResult {
  readonly passed: number;
  readonly failed: number;
  /** Titles of what was skipped, by reason. */
  readonly skipped: ReadonlyMap<string, readonly string[]>;
}

export interface RunOptions {
  readonly root: string;
  readonly namePattern: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Prints every test, not only files and failures. */
  readonly verbose: boolean;
}

/** How long after the last test a process may live on before it counts as hung: something was left open. */
const graceMs = 15_000;
const slowMs = 5_000;

/** What runs, each in a group of its own, so that what hung tests started can be ended with them. */
const groups = new Set<number>();

function endGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL');
  } catch {
    // It ended in the meantime.
  }
}

/** Ends all that runs when the runner is interrupted. */
export function endOnInterrupt(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      for (const group of groups) endGroup(group);
      process.exit(130);
    });
  }
}

/** @returns the counts of its tests; a hang or a crash counts as one failure and is named */
export async function runPart(part: Part, options: RunOptions): Promise<PartResult> {
  const tally = new Tally(part, options);
  const child = spawn(process.execPath, runnerArguments(part, options), {
    cwd: options.root,
    env: { ...process.env, ...options.environment, GYRE_TEST_FILES: JSON.stringify(part.files) },
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
    detached: true,
  });
  const { pid } = child;
  if (pid !== undefined) groups.add(pid);

  const trace = child.stdio[3];
  if (trace instanceof Readable) createInterface({ input: trace }).on('line', (line) => tally.started(JSON.parse(line) as TestStart));

  let hung = false;
  let timer: NodeJS.Timeout | undefined;
  const rearm = (): void => {
    clearTimeout(timer);
    const limitMs = tally.isIdle ? graceMs : part.testTimeoutMs + graceMs;
    timer = setTimeout(() => {
      hung = true;
      if (pid !== undefined) endGroup(pid);
    }, limitMs);
  };
  rearm();

  const exit = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  const [, output] = child.stdio;
  if (output === null) throw new Error('the test process has no output stream');
  for await (const line of createInterface({ input: output })) {
    const at = line.indexOf(eventMark);
    if (at < 0) {
      console.log(line);
      continue;
    }
    if (at > 0) console.log(line.slice(0, at));
    tally.take(JSON.parse(line.slice(at + eventMark.length)) as TestEvent);
    rearm();
  }
  const code = await exit;
  clearTimeout(timer);
  if (pid !== undefined) groups.delete(pid);

  if (hung) tally.hung();
  else if (code !== 0 && tally.failed === 0) tally.crashed(code);
  return tally;
}

function runnerArguments(part: Part, options: RunOptions): readonly string[] {
  return [
    '--test',
    '--test-isolation=none',
    '--import=./tools/test-trace.ts',
    `--test-timeout=${part.testTimeoutMs}`,
    ...(options.namePattern === undefined ? [] : [`--test-name-pattern=${options.namePattern}`]),
    '--test-reporter=./tools/test-reporter.ts',
    '--test-reporter-destination=stdout',
    './tools/test-files.ts',
  ];
}

class Tally implements PartResult {
  readonly skipped = new Map<string, string[]>();
  passed = 0;
  failed = 0;
  readonly #part: Part;
  readonly #options: RunOptions;
  /** Declared and not yet ended, by file and title. */
  readonly #open = new Map<string, { file: string; name: string; count: number }>();
  #running: string | undefined;
  #last: string | undefined;

  constructor(part: Part, options: RunOptions) {
    this.#part = part;
    this.#options = options;
  }

  /** Whether all that was declared has ended. */
  get isIdle(): boolean {
    return this.#last !== undefined && this.#open.size === 0;
  }

  started({ name }: TestStart): void {
    // The trace knows the file that loads the others; which one declared the test, the reporter has said.
    const declared = [...this.#open.values()].find((test) => test.name === name);
    this.#running = declared === undefined ? `"${name}"` : this.#title(name, declared.file);
  }

  take(event: TestEvent): void {
    if (event.kind === 'output') {
      process.stdout.write(event.text);
      return;
    }
    const key = `${event.file}\u0000${event.nesting}\u0000${event.name}`;
    if (event.kind === 'declared') {
      const known = this.#open.get(key);
      this.#open.set(key, { file: event.file, name: event.name, count: (known?.count ?? 0) + 1 });
      return;
    }
    const known = this.#open.get(key);
    if (known !== undefined && known.count > 1) known.count -= 1;
    else this.#open.delete(key);
    this.#ended(event);
  }

  #ended(event: EndedTest): void {
    this.#last = this.#title(event.name, event.file);
    if (event.isEcho || (event.isSuite && event.passed)) return;
    if (event.skipped !== undefined) {
      this.skipped.set(event.skipped, [...(this.skipped.get(event.skipped) ?? []), event.name]);
    } else if (event.passed) {
      this.passed += 1;
      if (this.#options.verbose) console.log(`  ok    ${event.name}  ${this.#time(event)}`);
      else if (event.durationMs > slowMs) console.log(`  slow  ${event.name}  ${this.#time(event)}  ${this.#short(event.file)}`);
    } else {
      this.failed += 1;
      console.log(`  FAIL  ${event.name}  ${this.#time(event)}  ${this.#short(event.file)}`);
      if (event.error !== undefined) console.log(event.error.replaceAll(/^/gm, '        '));
    }
  }

  hung(): void {
    this.failed += 1;
    const { testTimeoutMs } = this.#part;
    const name = this.#name();
    const last = this.#last ?? 'no test';
    if (this.isIdle) {
      console.log(
        `  FAIL  ${name}: all tests ended and the process did not: one left a timer, socket, worker or process open (the last was ${last})`,
      );
      return;
    }
    const open = this.#running ?? [...this.#open.values()].map((test) => this.#title(test.name, test.file)).at(-1) ?? 'loading the files';
    console.log(`  FAIL  ${name}: nothing ended for ${(testTimeoutMs + graceMs) / 1000} s; hung in ${open}, after ${last}`);
  }

  crashed(code: number | null): void {
    this.failed += 1;
    const how = code === null ? 'a signal' : `exit code ${code}`;
    console.log(
      `  FAIL  ${this.#name()}: the process ended with ${how} in ${this.#running ?? 'loading the files'}, after ${this.#last ?? 'no test'}`,
    );
  }

  #name(): string {
    const { suite, files } = this.#part;
    return files.length === 1 ? `${suite}, ${files[0]}` : suite;
  }

  #title(name: string, file: string): string {
    return `"${name}" (${this.#short(file)})`;
  }

  #short(file: string): string {
    return file === '' ? 'unknown file' : relative(this.#options.root, file);
  }

  #time(event: EndedTest): string {
    return event.durationMs < 1000 ? `${Math.round(event.durationMs)} ms` : `${(event.durationMs / 1000).toFixed(1)} s`;
  }
}
