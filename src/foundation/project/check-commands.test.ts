import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { checkProject, loadProject, problemText } from './index.ts';

const head = `project: small
charter: { problem: p, owner: o, success: { accuracy: ">= 0.5" } }
data: { people: { source: people.csv, key: id } }
steps:
`;

async function withProject<T>(steps: string, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'gyre-commands-'));
  try {
    await writeFile(join(folder, 'people.csv'), 'id,x\n1,2\n');
    await writeFile(join(folder, 'gyre.yaml'), `${head}${steps}`);
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const problemsOf = (steps: string): Promise<readonly string[]> =>
  withProject(steps, async (folder) => (await checkProject(folder)).problems.map(problemText));

describe('checking a step that runs a command', () => {
  test('finds nothing wrong in items by file and by group', async () => {
    const steps = `  thumbs: { run: x, per_file: "images/**/*.jpg", outs: ["thumbs/{dir}/{stem}.png", "boxes/{stem}/"], batch: 50, allow_failed: "1%" }
  days: { run: x, group: "logs/{day}/*.log", outs: ["days/{day}.txt"], on_error: stop, env: { LANG: C } }
  send: { run: x, per_file: "days/*.txt" }
`;
    assert.deepEqual(await problemsOf(steps), []);
  });

  const cases: readonly (readonly [string, string, string])[] = [
    ['both kinds of items', '{ run: x, per_file: "a/*", group: "b/{c}" }', 'step.group: stands beside "per_file"; keep one of the two'],
    ['a pattern that leaves the project', '{ run: x, per_file: "../a/*" }', 'step.per_file: "../a/*" leaves the project by ".."'],
    [
      'a group without a name',
      '{ run: x, group: "logs/*.log" }',
      'step.group: "logs/*.log" names nothing that files are grouped by; such as "logs/{day}/*.log"; for an item a file there is "per_file"',
    ],
    [
      'a name that every file has',
      '{ run: x, per_file: "a/{stem}.txt" }',
      'step.per_file: "{stem}" is a name that every file has; call it something else',
    ],
    [
      'an output that is the same for every item',
      '{ run: x, per_file: "a/*", outs: [all.txt] }',
      'step.outs[0]: "all.txt" is the same for every item; name a part of the item in it, such as "thumbs/{stem}.png"',
    ],
    [
      'an output that names what a group does not have',
      '{ run: x, group: "a/{day}.txt", outs: ["b/{stem}"] }',
      'step.outs[0]: "b/{stem}" names {stem}; there is {day}',
    ],
    [
      'settings of items where there are none',
      '{ run: x, batch: 5 }',
      'step.batch: "batch" is for a step with items; add "per_file" or "group", or remove it',
    ],
    ['an output outside of the project', '{ run: x, outs: [../model.onnx] }', 'step.outs[0]: "../model.onnx" leaves the project by ".."'],
    [
      'a credential in the environment',
      '{ run: x, env: { API_TOKEN: abc } }',
      'step.env.API_TOKEN: a credential is written down here, and would be kept with every run; let the command read it from a file outside of the project',
    ],
    ['a share that is none', '{ run: x, per_file: "a/*", allow_failed: "some" }', 'step.allow_failed: '],
  ];
  for (const [what, step, message] of cases) {
    test(`names ${what}, with its place`, async () => {
      const [problem, ...others] = await problemsOf(`  step: ${step}\n`);
      assert.deepEqual(others, []);
      assert.match(problem, /^gyre\.yaml:5:\d+ steps\./);
      assert.ok(problem.includes(` steps.${message}`), problem);
    });
  }

  test('puts a step after those that may write what it reads, folders and patterns included, and says which they are', async () => {
    const steps = `  last: { run: x, deps: [thumbs/, other.txt], outs: [last.txt] }
  boxes: { run: x, per_file: "thumbs/**/*.png", outs: ["boxes/{stem}.json"] }
  thumbs: { run: x, per_file: "images/*.jpg", outs: ["thumbs/{stem}.png"] }
`;
    const resolved = await withProject(steps, async (folder) => (await loadProject(folder)).resolved.steps);
    assert.deepEqual(
      resolved.map((step) => [step.name, step.kind === 'command' ? step.writers : []]),
      [
        ['thumbs', []],
        ['last', ['thumbs']],
        ['boxes', ['thumbs']],
      ],
    );
  });

  test('finds steps that wait for each other by the files they write', async () => {
    const steps = `  a: { run: x, per_file: "b/*.txt", outs: ["a/{stem}.txt"] }
  b: { run: x, per_file: "a/*.txt", outs: ["b/{stem}.txt"] }
`;
    assert.deepEqual(await problemsOf(steps), ['gyre.yaml:5:3 steps.a: steps wait for each other in a circle: a → b → a']);
  });
});
