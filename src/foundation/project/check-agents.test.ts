import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { checkProject, loadProject, problemText } from './index.ts';

describe('environments that agents serve', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-agents-'));
    await writeFile(join(folder, 'rows.csv'), 'id\n1\n');
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const write = (field: string): Promise<void> =>
    writeFile(
      join(folder, 'gyre.yaml'),
      [
        'project: small',
        'charter: { problem: p, owner: o, success: { accuracy: ">= 0.5" } }',
        'data: { rows: { source: rows.csv, key: id } }',
        'steps: { show: { run: ls } }',
        `release: { environments: { test: {}, field: { ${field} } } }`,
      ].join('\n'),
    );

  test('say what is not for them, where it stands and what would be right', async () => {
    for (const [field, problem] of [
      [
        'agents: true, certify: qa',
        /gyre.yaml:5:\d+ release.environments.field.certify: application tests ask a data plane that the platform reaches.*test in an environment without agents/,
      ],
      [
        'agents: true, roll: [5%]',
        /gyre.yaml:5:\d+ release.environments.field.roll: a step is judged by .*leave it out: agents switch at once/,
      ],
      ['agents: true, port: 7080', /field.port: is of a data plane of the platform; give it to the agent: gyre agent run --port/],
      ['agentsWait: 10s', /field.agentsWait: waits for agents, but none serve it; add "agents: true"/],
      ['requires: { onnxruntime: newest }', /gyre.yaml:5:\d+ release.environments.field.requires.onnxruntime: /],
      ['requires: { reach: [nowhere] }', /field.requires.reach\[0\]: /],
      ['requires: { memory: 5 }', /field.requires.memory: .*(memoryMiB|not known|unknown)/],
    ] as const) {
      // prettier-ignore
      await write(field);
      const { problems } = await checkProject(folder);
      assert.match(problems.map(problemText).join('\n'), problem, field);
    }
  });

  test('are a child process of the platform unless they say otherwise, and releases wait half a minute', async () => {
    await write('agents: true, requires: { cpu: [avx2], onnxruntime: ">=1.20 <2" }');
    const { resolved } = await loadProject(folder);
    assert.deepEqual(
      resolved.environments.map(({ agents, agentsWaitMs, requires }) => [agents, agentsWaitMs, requires]),
      [
        [false, 30_000, undefined],
        [true, 30_000, { cpu: ['avx2'], onnxruntime: '>=1.20 <2' }],
      ],
    );
  });
});
