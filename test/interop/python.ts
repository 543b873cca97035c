/** Runs the Python peers of the interop tests: a script of this folder, JSON on its input, JSON on its output. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

const checkout = resolve(import.meta.dirname, '../..');
/** The Python of the peers. */
export const pythonFile = join(process.env.GYRE_TEST_VENV ?? join(checkout, '.venv'), 'bin', 'python');

/**
 * Why the Python peers cannot run here, or false: for the `skip` of a test.
 * With GYRE_REQUIRE_ALL=1 nothing is skipped, and the test fails with what is missing.
 */
export const pythonMissing: string | false =
  existsSync(pythonFile) || process.env.GYRE_REQUIRE_ALL === '1'
    ? false
    : `no Python peers in ${join(pythonFile, '../..')}: .ci/run installs them`;

export interface PythonOptions {
  /** How long the script may take. */
  readonly timeoutMs?: number;
  /** Another Python than that of the peers. */
  readonly python?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs a script with a JSON value as its input.
 * @param script a file of this folder, such as `roc_auc.py`; it reads JSON from stdin and writes one JSON value to stdout
 * @param input any JSON value
 * @returns what the script wrote; its shape is the script's contract with the test
 * @throws Error with the script's error stream when it fails, takes too long, or writes no JSON
 */
export async function runPython<Result>(
  script: string,
  input: unknown,
  { timeoutMs = 300_000, python = pythonFile, env = {} }: PythonOptions = {},
): Promise<Result> {
  const child = spawn(python, [join(import.meta.dirname, script)], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // One thread: peers that share two cores must not outnumber them, and sums keep their order. Python may leave what it compiled of its
    // libraries beside them: compiling MLflow takes six seconds, in every process that finds nothing there.
    env: { ...process.env, OMP_NUM_THREADS: '1', ...env },
    signal: AbortSignal.timeout(timeoutMs),
    killSignal: 'SIGKILL',
  });
  let output = '';
  let complaint = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  // A script that ends before it has read all closes the pipe; its exit code says why.
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify(input));
  const code = await new Promise<number | null>((done, failed) => {
    child.once('error', failed);
    child.once('close', done);
  });
  if (code !== 0) throw new Error(`${script} ended with ${code ?? 'a signal'}:\n${complaint.trim()}`);
  try {
    return JSON.parse(output) as Result;
  } catch (cause) {
    throw new Error(`${script} wrote no JSON: ${output.slice(0, 500)}\n${complaint.trim()}`, { cause });
  }
}
