import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { parse } from 'yaml';
import { hasCode } from '#core';
import { checkProject, initProject, loadTableSchema, problemText } from './index.ts';
import type { InferredTable, InitOptions } from './index.ts';

const rows = [
  'customer_id,age,plan,note,left',
  ...Array.from(
    { length: 100 },
    (_, row) => `c${row},${20 + (row % 40)},${row % 3 === 0 ? 'a: [b]' : 'basic'},words ${row},${row % 4 === 0 ? 'yes' : 'no'}`,
  ),
];
const table: InferredTable = {
  rows: 100,
  schema: {
    columns: [
      { name: 'customer_id', type: 'string' },
      { name: 'age', type: 'integer', min: 20, max: 59 },
      { name: 'plan', type: 'string', categories: ['a: [b]', 'basic'] },
      { name: 'note', type: 'string' },
      { name: 'left', type: 'string', categories: ['no', 'yes'] },
    ],
  },
  columns: [
    { name: 'customer_id', distinct: 100, missing: 0 },
    { name: 'age', distinct: 40, missing: 0 },
    { name: 'plan', distinct: 2, missing: 0 },
    { name: 'note', distinct: 100, missing: 0 },
    {
      name: 'left',
      distinct: 2,
      missing: 0,
      top: [
        { value: 'no', count: 75 },
        { value: 'yes', count: 25 },
      ],
    },
  ],
};

describe('making a new project', () => {
  let folder = '';
  let options: InitOptions;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-init-'));
    await writeFile(join(folder, 'people.csv'), `${rows.join('\n')}\n`);
    options = {
      folder: join(folder, 'small'),
      name: 'small',
      dataset: 'people',
      sourceFile: join(folder, 'people.csv'),
      table,
      owner: 'Ada: "the owner"',
      today: '2026-01-31',
    };
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('writes files in which nothing is wrong, with key, target and positive class guessed', async () => {
    const { files, guess } = await initProject(options);
    assert.deepEqual(files, ['gyre.yaml', 'schemas/people.yaml', 'data/people.csv', '.gitignore']);
    assert.deepEqual(
      [guess.key, guess.target, guess.task, guess.positive, guess.excluded],
      ['customer_id', 'left', 'binary', 'yes', ['note']],
    );
    const { problems, project } = await checkProject(options.folder);
    assert.deepEqual(problems.map(problemText), []);
    assert.equal(project?.project.charter.owner, 'Ada: "the owner"');
    const schema = await loadTableSchema(options.folder, 'schemas/people.yaml');
    assert.deepEqual(schema.columns[0], { name: 'customer_id', type: 'string', unique: true, nullable: false });
    assert.deepEqual(schema.columns[2].categories, ['a: [b]', 'basic']);
  });

  test('explains itself: each section has a comment', async () => {
    await initProject(options);
    const text = await readFile(join(options.folder, 'gyre.yaml'), 'utf8');
    assert.ok(text.split('\n').filter((line) => line.includes('# ')).length >= 15);
  });

  test('of a target in numbers is a regression with a linear trainer', async () => {
    const { guess } = await initProject({
      ...options,
      target: 'age',
      table: { ...table, columns: table.columns.map((column) => (column.name === 'age' ? { ...column, distinct: 40 } : column)) },
    });
    assert.equal(guess.task, 'regression');
    const project = parse(await readFile(join(options.folder, 'gyre.yaml'), 'utf8')) as { steps: Record<string, object> };
    assert.deepEqual(Object.keys(project.steps), ['prepare', 'linear', 'boosting']);
    assert.deepEqual((await checkProject(options.folder)).problems.map(problemText), []);
  });

  test('overwrites nothing unless it is told to', async () => {
    await initProject(options);
    await writeFile(join(options.folder, 'gyre.yaml'), 'mine');
    await assert.rejects(
      initProject(options),
      (error) => hasCode(error, 'ALREADY_EXISTS') && error.message.includes('gyre.yaml, schemas/people.yaml, data/people.csv'),
    );
    assert.equal(await readFile(join(options.folder, 'gyre.yaml'), 'utf8'), 'mine');
    await initProject({ ...options, overwrite: true });
    assert.notEqual(await readFile(join(options.folder, 'gyre.yaml'), 'utf8'), 'mine');
  });

  test('takes data that are in the folder already where they are', async () => {
    const { files } = await initProject({ ...options, folder });
    assert.ok(!files.includes('data/people.csv'));
    assert.match(await readFile(join(folder, 'gyre.yaml'), 'utf8'), /source: people\.csv/);
  });

  test('has no key where no column names a row, and says what names one then', async () => {
    const noKey = { ...table, columns: table.columns.map((column) => ({ ...column, distinct: Math.min(column.distinct, 50) })) };
    const { guess } = await initProject({ ...options, table: noKey });
    assert.equal(guess.key, undefined);
    assert.match(guess.notes[0], /there is no key, all values of a row name it/);
    assert.match(await readFile(join(options.folder, 'gyre.yaml'), 'utf8'), /\n {4}# key: id # a column that names a row; without one/);
    const { problems } = await checkProject(options.folder);
    assert.deepEqual(problems.map(problemText), []);
  });

  test('is refused where the named key names no row, or the target has one value', async () => {
    await assert.rejects(
      initProject({ ...options, key: 'plan' }),
      (error) => hasCode(error, 'INVALID_ARGUMENT') && error.message.includes('"plan" has 2 different values in 100 rows'),
    );
    const flat = { ...table, columns: table.columns.map((column) => (column.name === 'left' ? { ...column, distinct: 1 } : column)) };
    await assert.rejects(
      initProject({ ...options, target: 'left', table: flat }),
      (error) => hasCode(error, 'INVALID_ARGUMENT') && error.message.includes('nothing to learn'),
    );
    await assert.rejects(
      initProject({ ...options, target: 'lefft' }),
      (error) => hasCode(error, 'INVALID_ARGUMENT') && error.message.includes('did you mean "left"?'),
    );
  });

  test('says so when the folder cannot be written', async () => {
    // Root may write everywhere but where the kernel itself refuses.
    const locked = process.getuid?.() === 0 ? '/sys/kernel' : folder;
    await chmod(folder, 0o500);
    await assert.rejects(initProject({ ...options, folder: join(locked, 'small') }), (error) => hasCode(error, 'PERMISSION_DENIED'));
    await chmod(folder, 0o700);
  });

  test('says so when a file stands where the folder should be', async () => {
    await assert.rejects(initProject({ ...options, folder: join(folder, 'people.csv') }), (error) => hasCode(error, 'INVALID_ARGUMENT'));
  });
});

describe('a reviewed schema file', () => {
  test('is checked with line and column', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gyre-schema-'));
    await writeFile(
      join(folder, 'bad.yaml'),
      'columns:\n  - { name: a, type: integer, min: 3, max: 1 }\n  - { name: a, type: string, pattern: "[" }\n  - { name: b, type: strin }\n',
    );
    await assert.rejects(
      loadTableSchema(folder, 'bad.yaml'),
      (error) =>
        hasCode(error, 'INVALID_ARGUMENT') &&
        error.message === 'bad.yaml:4:22 columns[2].type: "strin" is not known here; did you mean "string"?',
    );
    await writeFile(
      join(folder, 'bad.yaml'),
      'columns:\n  - { name: a, type: integer, min: 3, max: 1 }\n  - { name: a, type: string, pattern: "[" }\nrules: [a > c]\n',
    );
    await assert.rejects(loadTableSchema(folder, 'bad.yaml'), (error) => {
      assert.ok(hasCode(error, 'INVALID_ARGUMENT'));
      assert.deepEqual(
        error.message
          .split('\n')
          .slice(1)
          .map((line) => line.trim().replace(/Invalid regular.*/, '…')),
        [
          'bad.yaml:2:36 columns[0].min: min (3) is greater than max (1)',
          'bad.yaml:3:13 columns[1].name: column "a" is described twice',
          'bad.yaml:3:39 columns[1].pattern: …',
          'bad.yaml:4:9 rules[0]: there is no column "c"; columns: a',
        ],
      );
      return true;
    });
    await rm(folder, { recursive: true });
  });
});
