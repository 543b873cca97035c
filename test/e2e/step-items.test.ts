import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Value } from 'typebox/value';
import { page, type PipelineRun, StepItem } from '#contract';
import { gyre, temporaryFolder } from '../harness/gyre-fixture.ts';
import { people } from '../harness/projects-fixture.ts';

describe('a step that works by file, on the command line', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let cwd = '';
  const run = async (code: number): Promise<string> => {
    const ended = await gyre(['run', '--json'], { cwd });
    assert.equal(ended.code, code, `${ended.stdout}${ended.stderr}`);
    // What our own verb prints.
    return (JSON.parse(ended.stdout.slice(ended.stdout.indexOf('{'))) as PipelineRun).id;
  };
  const items = async (...words: string[]): Promise<readonly StepItem[]> => {
    const ended = await gyre(['pipeline', 'items', ...words, '--json'], { cwd });
    assert.equal(ended.code, 0, ended.stderr);
    const answer: unknown = JSON.parse(ended.stdout);
    if (!Value.Check(page(StepItem), answer)) assert.fail(`no page of items: ${ended.stdout}`);
    return answer.items;
  };
  const states = (of: readonly StepItem[]): Record<string, string> => Object.fromEntries(of.map(({ item, state }) => [item, state]));

  before(async () => {
    folder = await temporaryFolder();
    cwd = join(folder.path, 'notes');
    await mkdir(join(cwd, 'notes'), { recursive: true });
    for (const name of ['a', 'b']) await writeFile(join(cwd, `notes/${name}.txt`), `${name} note`);
    await writeFile(join(cwd, 'notes/bad.txt'), 'BAD');
    await writeFile(join(cwd, 'people.csv'), people(60));
    await writeFile(
      join(cwd, 'gyre.yaml'),
      `project: notes
charter: { problem: p, owner: o, success: { accuracy: ">= 0.5" } }
data: { people: { source: people.csv, key: customer_id } }
steps:
  count: { run: 'if grep -q BAD "$GYRE_INPUT"; then echo unreadable >&2; exit 3; fi; wc -w < "$GYRE_INPUT" > "$GYRE_OUTPUT"', per_file: "notes/*.txt", outs: ["counts/{stem}"], retries: 0 }
`,
    );
  });
  after(() => folder[Symbol.asyncDispose]());

  test('shows what failed and why, then what was reused, made and taken away, and which file an output was made from', async () => {
    const first = await run(1);
    assert.deepEqual(states(await items(first, 'count')), {
      'notes/a.txt': 'succeeded',
      'notes/b.txt': 'succeeded',
      'notes/bad.txt': 'failed',
    });
    const [bad] = await items(first, 'count', '--state', 'failed');
    assert.deepEqual([bad.item, bad.log, bad.error], ['notes/bad.txt', ['unreadable'], 'exited with code 3\nunreadable']);
    const table = await gyre(['pipeline', 'items', first, 'count', '--state', 'failed'], { cwd });
    assert.match(table.stdout, /notes\/bad\.txt +failed[\s\S]*exited with code 3[\s\S]*unreadable/);

    await writeFile(join(cwd, 'notes/bad.txt'), 'better now');
    await rm(join(cwd, 'notes/a.txt'));
    const second = await run(0);
    assert.deepEqual(states(await items(second, 'count')), {
      'notes/a.txt': 'removed',
      'notes/b.txt': 'cached',
      'notes/bad.txt': 'succeeded',
    });
    const [made, ...others] = await items(second, 'count', '--file', 'counts/bad');
    assert.deepEqual([others, made.inputs.map(({ path }) => path)], [[], ['notes/bad.txt']]);

    const none = await gyre(['pipeline', 'items', second, 'ingest:people'], { cwd });
    assert.equal(none.code, 0);
    assert.match(`${none.stdout}${none.stderr}`, /no items: only a step that declares "per_file" or "group" has some/);
  });
});
