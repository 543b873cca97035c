import assert from 'node:assert/strict';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { SchemaComparison, SchemaImport, SchemaInference } from '#contract';
import { done, facts, gyre, temporaryFolder } from '../harness/gyre-fixture.ts';
import { edit, people, smallProject } from '../harness/projects-fixture.ts';

describe('schemas on the command line', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let cwd = '';
  before(async () => {
    folder = await temporaryFolder();
    cwd = await smallProject(folder.path);
    await mkdir(join(cwd, 'schemas'));
  });
  after(() => folder[Symbol.asyncDispose]());

  test('go from inferred to reviewed to held against the next data', async () => {
    await done(['data', 'add', 'people'], { cwd });
    assert.match((await gyre(['data', 'schema', 'show', 'people'], { cwd })).stderr, /has no reviewed schema/);
    assert.equal((await gyre(['data', 'schema', 'diff', 'people'], { cwd })).code, 3, 'nothing to differ from');

    await done(['data', 'schema', 'infer', 'people', '--out', 'schemas/people.yaml'], { cwd });
    const ofFile = await facts<SchemaInference>(['data', 'schema', 'infer', 'people.csv', '--key', 'customer_id'], { cwd });
    const ofVersion = await facts<SchemaInference>(['data', 'schema', 'infer', 'people'], { cwd });
    assert.deepEqual(ofFile.schema, ofVersion.schema, 'a file suggests what the version made of it does');
    assert.equal(await readFile(join(cwd, 'schemas/people.yaml'), 'utf8'), ofVersion.text);

    await edit(join(cwd, 'gyre.yaml'), (text) => text.replace('source: people.csv,', 'source: people.csv, expect: schemas/people.yaml,'));
    await done(['check'], { cwd });
    assert.match(await done(['data', 'schema', 'diff', 'people'], { cwd }), /^fits: 400 rows/);

    await writeFile(
      join(cwd, 'new.csv'),
      people(50)
        .replaceAll(',pro,', ',gold,')
        .replace(/^c0007,\d+/m, 'c0007,'),
    );
    const differs = await gyre(['data', 'schema', 'diff', 'people', 'new.csv', '--json'], { cwd });
    assert.equal(differs.code, 1);
    const { fits, differences } = JSON.parse(differs.stdout) as SchemaComparison;
    assert.equal(fits, false);
    const broken = differences.filter(({ kind }) => kind === 'broken').map(({ member }) => member);
    assert.deepEqual(broken, ['missing: age', 'categories: plan']);
    assert.ok(differences.some(({ kind, column }) => kind === 'unused' && column === 'plan'));
    const said = await gyre(['data', 'schema', 'diff', 'people', 'new.csv'], { cwd });
    assert.match(said.stdout, /^does not fit: 50 rows/);
    assert.match(said.stdout, /row \d+: "gold"/);
  });

  test('are imported, whole or not at all, over nothing that is there', async () => {
    await writeFile(join(cwd, 'schema.pbtxt'), 'feature { name: "a" type: INT presence { min_fraction: 1 } skew_comparator { } }\n');
    const read = await facts<SchemaImport>(['data', 'schema', 'import', 'schema.pbtxt'], { cwd });
    assert.deepEqual(read.schema, { columns: [{ name: 'a', type: 'integer', nullable: false }] });
    const made = await gyre(['data', 'schema', 'import', 'schema.pbtxt', '--out', 'schemas/a.yaml'], { cwd });
    assert.equal(made.code, 0, made.stderr);
    assert.match(made.stderr, /not taken over: feature "a", skew_comparator/);
    const again = await gyre(['data', 'schema', 'import', 'schema.pbtxt', '--out', 'schemas/a.yaml'], { cwd });
    assert.equal(again.code, 3);
    assert.match(again.stderr, /there is a file schemas\/a\.yaml/);
    for (const [words, code] of [
      [['import', 'nothing.pbtxt'], 4],
      [['import', 'people.csv'], 2],
      [['import', 'schema.pbtxt', '--format', 'avro'], 2],
      [['infer', 'nothing.csv'], 4],
      [['infer', 'people.csv', '--key', 'nothing'], 2],
      [['infer', 'people.csv', '--out', 'no/folder.yaml'], 3],
      [['diff', 'people', 'people.csv', '--schema', 'nothing.yaml'], 2],
    ] as const)
      assert.equal((await gyre(['data', 'schema', ...words], { cwd })).code, code, words.join(' '));
    assert.deepEqual((await readdir(join(cwd, 'schemas'))).sort(), ['a.yaml', 'people.yaml']);
  });
});
