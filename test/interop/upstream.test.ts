import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { describe, test } from 'node:test';
import { temporaryFolder } from '../harness/gyre-fixture.ts';
import { pythonFile, pythonMissing } from './python.ts';

/** What the plugin reports: names are `file::test[parameters]`. */
interface Outcomes {
  readonly passed: readonly string[];
  readonly failed: Readonly<Record<string, string>>;
  readonly skipped: Readonly<Record<string, string>>;
  readonly leftOut: Readonly<Record<string, string>>;
  /** Names in the list of what is left out that no test has. */
  readonly unknown: readonly string[];
}

const files = ['test_rest_tracking.py', 'test_model_registry.py', 'test_client_webhooks.py', 'test_mlflow_artifacts.py'];
const folder = join(import.meta.dirname, 'upstream');

// Not even CI insists: MLflow's tests are in no package, only in its repository.
const checkout = process.env['GYRE_MLFLOW_TESTS'] ?? '';
const missing = checkout === '' ? 'GYRE_MLFLOW_TESTS names no checkout of MLflow, whose tests these are' : pythonMissing;

describe("MLflow's own REST tests, from a checkout of MLflow", { skip: missing }, () => {
  test(
    'pass against Gyre, on SQLite and on PostgreSQL, but for those that are left out with a reason',
    { timeout: 1_500_000 },
    async (t) => {
      await using temporary = await temporaryFolder();
      const report = join(temporary.path, 'outcomes.json');
      const settings = join(temporary.path, 'pytest.ini');
      await writeFile(settings, '[pytest]\n');
      const flags = ['-p', 'gyre_upstream', '-p', 'no:cacheprovider', '-q', '--tb=short'];
      const child = spawn(
        pythonFile,
        ['-m', 'pytest', ...flags, '-c', settings, '--rootdir', checkout, ...files.map((file) => join('tests/tracking', file))],
        {
          cwd: checkout,
          stdio: ['ignore', 'pipe', 'pipe'],
          env: {
            ...process.env,
            PYTHONPATH: [folder, process.env['PYTHONPATH'] ?? ''].filter((path) => path !== '').join(delimiter),
            PYTHONDONTWRITEBYTECODE: '1',
            GYRE_TEST_POSTGRES: process.env['GYRE_TEST_POSTGRES'] ?? 'postgres://postgres@127.0.0.1:5432/postgres',
            GYRE_UPSTREAM_SERVER: JSON.stringify([process.execPath, join(folder, 'server.ts')]),
            GYRE_UPSTREAM_LEFT_OUT: join(folder, 'left-out.json'),
            GYRE_UPSTREAM_REPORT: report,
          },
        },
      );
      let said = '';
      for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said += text));
      await once(child, 'close');
      const outcomes = JSON.parse(await readFile(report, 'utf8').catch(() => assert.fail(said))) as Outcomes;
      const count = (names: object): number => Object.keys(names).length;
      t.diagnostic(
        `${outcomes.passed.length} passed, ${count(outcomes.failed)} failed, ${count(outcomes.skipped)} skipped by MLflow itself, ${count(outcomes.leftOut)} left out`,
      );
      const reasons = Map.groupBy(Object.values(outcomes.leftOut), (reason) => reason);
      for (const [reason, names] of reasons) t.diagnostic(`left out: ${names.length} (${reason})`);
      const failures = Object.entries(outcomes.failed).map(([name, text]) => `${name}\n${text}`);
      assert.equal(failures.length, 0, failures.join('\n'));
      assert.deepEqual(outcomes.unknown, [], 'left-out.json names tests that are not there');
      assert.ok(outcomes.passed.length > 100, `only ${outcomes.passed.length} tests ran:\n${said}`);
    },
  );
});
