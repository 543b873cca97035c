import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { seeded } from '#core';
import { gyre, type Place, start, temporaryFolder } from '../harness/gyre-fixture.ts';
import { people } from '../harness/projects-fixture.ts';
import { query } from '../harness/store-check-fixture.ts';

const items = 30;
const nameOf = (index: number): string => `n${String(index).padStart(2, '0')}`;

/* The journal lies outside of the project: it tells which items a process was started for, whatever the store says. */
describe('a step that works by file, killed with -9', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let project = '';

  const placeOf = (data: string, fault?: string): Place => ({
    cwd: project,
    env: { GYRE_DATA: data, ...(fault === undefined ? {} : { GYRE_FAULT: fault }) },
  });
  const journal = async (): Promise<readonly string[]> =>
    (await readFile(join(folder.path, 'journal'), 'utf8')).split('\n').filter((line) => line !== '');
  const finishedItems = (data: string): readonly unknown[] =>
    query(data, "select item from step_items where state = 'succeeded' order by item");

  /** What was recorded as finished is not done again, everything else is, and the folder holds whole outputs alone. */
  const finish = async (data: string): Promise<void> => {
    const finished = finishedItems(data);
    for (const [item, output] of query(
      data,
      "select json_array(item, json_extract(outputs, '$[0].path')) from step_items where state = 'succeeded'",
    ).map((row) => JSON.parse(String(row)) as [string, string])) {
      assert.equal(await readFile(join(project, output), 'utf8'), `made of ${item}\n`, 'what is on record lies in the folder');
    }
    await writeFile(join(folder.path, 'journal'), '');
    const ended = await gyre(['run'], placeOf(data));
    assert.equal(ended.code, 0, `${ended.stdout}${ended.stderr}`);
    const again = await journal();
    assert.deepEqual(
      again.filter((item) => finished.includes(item)),
      [],
      'nothing that was finished was done again',
    );
    assert.equal(finished.length + new Set(again).size, items);
    assert.equal(again.length, new Set(again).size, 'the run that was taken up and the new one did not do the same twice');
    assert.equal(finishedItems(data).length, items);
    const outputs = (await readdir(join(project, 'out'))).sort();
    assert.deepEqual(
      outputs,
      Array.from({ length: items }, (_, index) => `${nameOf(index)}.out`),
    );
    for (const [index, output] of outputs.entries())
      assert.equal(await readFile(join(project, 'out', output), 'utf8'), `made of in/${nameOf(index)}.txt\n`);
    assert.deepEqual(query(data, "select count(*) from pipeline_runs where state <> 'succeeded'"), [0]);
    await rm(join(project, 'out'), { recursive: true });
  };

  before(async () => {
    folder = await temporaryFolder();
    project = join(folder.path, 'notes');
    await mkdir(join(project, 'in'), { recursive: true });
    for (let index = 0; index < items; index++) await writeFile(join(project, 'in', `${nameOf(index)}.txt`), `note ${index}`);
    await writeFile(join(project, 'people.csv'), people(60));
    await writeFile(
      join(project, 'make.sh'),
      `echo "$GYRE_ITEM" >> ${join(folder.path, 'journal')}; printf "made of " > "$GYRE_OUTPUT"; sleep 0.03; echo "$GYRE_ITEM" >> "$GYRE_OUTPUT"\n`,
    );
    await writeFile(
      join(project, 'gyre.yaml'),
      `project: notes
charter: { problem: p, owner: o, success: { accuracy: ">= 0.5" } }
data: { people: { source: people.csv, key: customer_id } }
steps:
  make: { run: sh make.sh, per_file: "in/*.txt", outs: ["out/{stem}.out"], parallel: 2 }
`,
    );
  });
  after(() => folder[Symbol.asyncDispose]());

  for (const fault of ['blob.write:12', 'blob.rename:20', 'blob.dirsync:30', 'store.commit.before:18', 'store.commit.after:22']) {
    test(`at ${fault}, has lost no finished item and does none twice`, async () => {
      const data = join(folder.path, fault.replace(':', '-'));
      const killed = await gyre(['run'], placeOf(data, fault));
      assert.equal(killed.signal, 'SIGKILL', `${fault} is passed less often: choose another\n${killed.stdout}${killed.stderr}`);
      await finish(data);
    });
  }

  test('at random times, again and again, comes to its end nevertheless', async () => {
    const random = seeded(20_261_128);
    const data = join(folder.path, 'random');
    let last: readonly unknown[] = [];
    for (let kill = 0; kill < 4; kill++) {
      const running = start(['run'], placeOf(data));
      await running.line(/pipeline run/);
      await new Promise((resolve) => setTimeout(resolve, 300 + 600 * random.next()));
      running.kill('SIGKILL');
      await running.ended;
      const finished = finishedItems(data);
      assert.deepEqual(
        last.filter((item) => !finished.includes(item)),
        [],
        'what was finished stays finished',
      );
      last = finished;
    }
    await finish(data);
  });
});
