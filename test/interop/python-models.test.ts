import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { temporaryFolder } from '../harness/gyre-fixture.ts';
import { pythonFile, pythonMissing, runPython } from './python.ts';

interface Saved {
  readonly rows: readonly { readonly a: number; readonly b: number }[];
  readonly expected: readonly number[];
}

interface Figures {
  readonly name: string;
  readonly lane: string;
  readonly python: {
    readonly restarts: number;
    readonly processes: number;
    readonly residentBytes: number;
    readonly pids: readonly number[];
  };
}

const main = join(import.meta.dirname, '../../src/app/inference-main.ts');

/** A data plane of its own, spoken to over HTTP and its control pipe. */
class DataPlane {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;
  address = '';

  constructor(words: readonly string[], environment: Readonly<Record<string, string>>) {
    this.#child = spawn(process.execPath, [main, '--port', '0', '--grpc-port', 'off', '--control', ...words], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { ...process.env, ...environment },
    });
    this.#answers = linesOf(this.#child);
  }

  get pid(): number {
    return this.#child.pid ?? assert.fail('it has no process');
  }

  async said(): Promise<Readonly<Record<string, unknown>>> {
    const next = await this.#answers.next();
    if (next.done === true) assert.fail('the data plane ended');
    return JSON.parse(next.value) as Readonly<Record<string, unknown>>;
  }

  async ready(): Promise<this> {
    const said = await this.said();
    assert.equal(said['event'], 'ready', JSON.stringify(said));
    this.address = String(said['address']);
    return this;
  }

  async figures(name: string): Promise<Figures> {
    this.#child.stdin?.write('{"op":"stats"}\n');
    const { stats } = await this.said();
    const { models } = stats as { readonly models: readonly Figures[] };
    return models.find((model) => model.name === name) ?? assert.fail(`there is no ${name}`);
  }

  async infer(name: string, rows: readonly { readonly a: number; readonly b: number }[]): Promise<{ status: number; body: Inferred }> {
    const column = (of: 'a' | 'b'): object => ({ name: of, datatype: 'FP64', shape: [rows.length, 1], data: rows.map((row) => row[of]) });
    const answer = await fetch(`${this.address}/v2/models/${name}/infer`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ inputs: [column('a'), column('b')] }),
    });
    return { status: answer.status, body: (await answer.json()) as Inferred };
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await ended;
  }
}

interface Inferred {
  readonly error?: string;
  readonly outputs: readonly { readonly name: string; readonly shape: readonly number[]; readonly data: readonly (number | string)[] }[];
}

async function* linesOf(child: ChildProcess): AsyncGenerator<string> {
  let text = '';
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk);
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      yield text.slice(0, end);
      text = text.slice(end + 1);
    }
  }
}

async function isAlive(pid: number): Promise<boolean> {
  const state = (await readdir(`/proc/${pid}`).catch(() => [])).length > 0;
  return state;
}

/** Waits for what has to come, however busy the machine is. */
async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let waited = 0; waited < 120_000; waited += 100) {
    if (await holds()) return;
    await sleep(100);
  }
  assert.fail(`not within two minutes: ${what}`);
}

describe('models of Python flavours on a data plane', { skip: pythonMissing }, () => {
  let stack: AsyncDisposableStack;
  let folder: string;
  let saved: Saved;
  let plane: DataPlane;
  const words = (...models: readonly string[]): readonly string[] => models.flatMap((name) => ['--model', `${name}=${join(folder, name)}`]);
  before(async () => {
    stack = new AsyncDisposableStack();
    folder = stack.use(await temporaryFolder()).path;
    saved = await runPython<Saved>('python_models_peer.py', { act: 'save', folder }, { timeoutMs: 300_000 });
    const allowed = [
      '--python',
      pythonFile,
      '--python-cache',
      join(folder, 'cache'),
      '--python-limit',
      'runTimeoutMs=20000',
      '--python-limit',
      'loadTimeoutMs=110000',
      '--python-limit',
      'memoryMiB=4096',
      '--python-limit',
      'openFiles=512',
    ];
    plane = stack.use(await new DataPlane([...words('pickle', 'odd'), ...allowed], { A_SECRET_TOKEN: 'hush' }).ready());
  });
  after(() => stack.disposeAsync());
  const close = (given: readonly (number | string)[], from: number): void =>
    given.forEach((value, at) => {
      // Both are scikit-learn's float64; the rows of one call are multiplied in another order than those of all: 1e-12 is far above that.
      if (at % 2 === 1) assert.ok(Math.abs(Number(value) - saved.expected[from + (at - 1) / 2]) < 1e-12, `row ${from + (at - 1) / 2}`);
    });

  test('are refused where nobody has allowed what executes code on load', async () => {
    await using refused = new DataPlane(words('pickle'), {});
    const said = await refused.said();
    assert.deepEqual([said['event'], said['code']], ['failed', 'FAILED_PRECONDITION']);
    assert.match(String(said['reason']), /executes code.*not allowed here.*--python/);
  });

  test('answer as scikit-learn does, and say in their metadata what runs them', async () => {
    const { status, body } = await plane.infer('pickle', saved.rows.slice(0, 50));
    assert.equal(status, 200, body.error ?? '');
    assert.deepEqual(body.outputs[0].shape, [50, 2]);
    close(body.outputs[0].data, 0);
    const metadata = (await (await fetch(`${plane.address}/v2/models/pickle`)).json()) as Readonly<Record<string, unknown>>;
    assert.equal(metadata['platform'], 'mlflow_pyfunc');
    assert.deepEqual(metadata['inputs'], [
      { name: 'a', datatype: 'FP64', shape: [-1, 1] },
      { name: 'b', datatype: 'FP64', shape: [-1, 1] },
    ]);
  });

  test('a pyfunc gives its columns, whatever it prints', async () => {
    const { status, body } = await plane.infer('odd', [
      { a: 1, b: 0 },
      { a: 2.5, b: 0 },
    ]);
    assert.equal(status, 200, body.error ?? '');
    assert.deepEqual(body.outputs.find(({ name }) => name === 'double')?.data, [2, 5]);
  });

  test('their code sees no credential of the data plane, and begins in an empty folder', async () => {
    const { body } = await plane.infer('odd', [{ a: 1, b: 0 }]);
    const about = JSON.parse(String(body.outputs.find(({ name }) => name === 'about')?.data[0])) as Readonly<
      Record<string, readonly string[]>
    >;
    assert.deepEqual(about['folder'], []);
    assert.ok(about['environment'].includes('PATH'));
    assert.ok(!about['environment'].includes('A_SECRET_TOKEN'));
  });

  test('values that their code refuses are 400 with its words, and only for the request at fault', async () => {
    const answers = await Promise.all([1, -1, 2, 3].map((a) => plane.infer('odd', [{ a, b: 0 }])));
    assert.deepEqual(answers.map(({ status }) => status), [200, 400, 200, 200]); // prettier-ignore
    assert.match(answers[1]?.body.error ?? '', /ValueError: a must not be negative/);
  });

  test('a request whose values end the process is 503; the process is started again, and others are answered', async () => {
    const before = await plane.figures('odd');
    const answers = await Promise.all([1, 666, 2].map((a) => plane.infer('odd', [{ a, b: 0 }])));
    assert.equal(answers[1].status, 503);
    assert.match(answers[1]?.body.error ?? '', /Python process of the model is gone|started again/);
    await until('it answers again', async () => (await plane.infer('odd', [{ a: 4, b: 0 }])).status === 200);
    const { python, lane } = await plane.figures('odd');
    assert.ok(python.restarts > before.python.restarts);
    assert.ok(python.residentBytes > 0);
    assert.equal(lane, 'python');
    const text = await (await fetch(`${plane.address}/metrics`)).text();
    assert.match(text, /gyre_python_restarts\{model="odd",version="1"\} [1-9]/);
  });

  test('a process that is killed under load answers nothing wrong, and the rest goes on', async () => {
    const before = (await plane.figures('pickle')).python;
    const counts = { right: 0, unavailable: 0 };
    let ended = false;
    const ask = async (): Promise<void> => {
      for (let from = 0; !ended; from = (from + 3) % 190) {
        const { status, body } = await plane.infer('pickle', saved.rows.slice(from, from + 3));
        if (status === 200) {
          close(body.outputs[0].data, from);
          counts.right += 1;
        } else {
          assert.equal(status, 503, body.error ?? '');
          counts.unavailable += 1;
        }
      }
    };
    const callers = Array.from({ length: 8 }, ask);
    for (let kills = 0; kills < 3; kills++) {
      const answered = counts.right;
      await until('answers', async () => counts.right > answered + 50);
      const [pid] = (await plane.figures('pickle')).python.pids;
      process.kill(pid, 'SIGKILL');
      await until('another process', async () => (await plane.figures('pickle')).python.pids.some((one) => one !== pid));
    }
    const answered = counts.right;
    await until('answers after the last kill', async () => counts.right > answered + 50);
    ended = true;
    await Promise.all(callers);
    assert.equal((await plane.figures('pickle')).python.restarts, before.restarts + 3);
    // What was under way is run once more by the next process: no caller need ever notice.
    assert.equal(counts.unavailable, 0);
  });

  test('a request beyond a limit of the process is answered with the reason, and only that one', async () => {
    const answers = await Promise.all([1, 777, 2].map((a) => plane.infer('odd', [{ a, b: 0 }])));
    assert.deepEqual(answers.map(({ status }) => status), [200, 503, 200]); // prettier-ignore
    assert.match(answers[1]?.body.error ?? '', /not the memory for this request/);
    const { restarts } = (await plane.figures('odd')).python;
    // Files are the process's own matter: it goes on.
    assert.equal((await plane.infer('odd', [{ a: 555, b: 0 }])).status, 500);
    assert.equal((await plane.infer('odd', [{ a: 3, b: 0 }])).status, 200);
    assert.equal((await plane.figures('odd')).python.restarts, restarts);
  });

  test('a run that does not end is given up with its process', async () => {
    const { status, body } = await plane.infer('odd', [{ a: 999, b: 0 }]);
    assert.equal(status, 504);
    assert.match(body.error ?? '', /longer than 20000 ms/);
    await until('it answers again', async () => (await plane.infer('odd', [{ a: 4, b: 0 }])).status === 200);
  });

  test('a process that has had its processor time is ended, and the next one answers', async () => {
    const flags = [
      '--python',
      pythonFile,
      '--python-cache',
      join(folder, 'cpu'),
      '--python-limit',
      'cpuSeconds=20',
      '--python-limit',
      'runTimeoutMs=600000',
    ];
    await using short = await new DataPlane([...words('spin'), ...flags], {}).ready();
    const spent = await short.infer('spin', [{ a: 888, b: 0 }]);
    assert.equal(spent.status, 503, JSON.stringify(spent.body));
    await until('another process answers', async () => (await short.infer('spin', [{ a: 4, b: 0 }])).status === 200);
    assert.ok((await short.figures('spin')).python.restarts >= 1);
  });

  test('end with their data plane, however that ends', async () => {
    const { pids } = (await plane.figures('pickle')).python;
    const others = (await plane.figures('odd')).python.pids;
    plane.kill('SIGKILL');
    for (const pid of [...pids, ...others]) await until(`process ${pid} is gone`, async () => !(await isAlive(pid)));
  });
});
