import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { checkFile, checkTree } from './check-imports.ts';
import { importsMap, wallOverrides } from './generate-walls.ts';
import { rooms, visibleFrom } from './rooms.ts';

const root = resolve(import.meta.dirname, '..');

interface Fault {
  readonly title: string;
  readonly file: string;
  readonly source: string;
  /** Whether oxlint's patterns see it too; the import checker sees all. */
  readonly byLint: boolean;
}

const faults: readonly Fault[] = [
  {
    title: 'an import of a later room',
    file: 'src/foundation/store/a.ts',
    source: `import { x } from '#registry';\nvoid x;\n`,
    byLint: true,
  },
  {
    title: 'a type of a later room',
    file: 'src/build/data/a.ts',
    source: `import type { X } from '#training';\nexport type Y = X;\n`,
    byLint: true,
  },
  { title: 'a re-export of a later room', file: 'src/build/data/b.ts', source: `export { x } from '#features';\n`, byLint: true },
  {
    title: 'an import of the next room',
    file: 'src/monitor/monitoring/a.ts',
    source: `import { x } from '#triggers';\nvoid x;\n`,
    byLint: true,
  },
  {
    title: 'an import past a door',
    file: 'src/build/training/a.ts',
    source: `import { x } from '#data/split.ts';\nvoid x;\n`,
    byLint: true,
  },
  {
    title: 'a relative import of a neighbour’s file',
    file: 'src/build/training/b.ts',
    source: `import { x } from '../data/split.ts';\nvoid x;\n`,
    byLint: true,
  },
  {
    title: 'a relative import from another floor',
    file: 'src/build/training/c.ts',
    source: `import { x } from '../../foundation/store/index.ts';\nvoid x;\n`,
    byLint: true,
  },
  {
    title: 'serving that imports the store',
    file: 'src/deploy/serving/a.ts',
    source: `import { x } from '#store';\nvoid x;\n`,
    byLint: true,
  },
  {
    title: 'serving that imports tables',
    file: 'src/deploy/serving/b.ts',
    source: `import { x } from '#tables';\nvoid x;\n`,
    byLint: true,
  },
  {
    title: 'the protocol that imports onnx',
    file: 'src/edge/protocols/oip/a.ts',
    source: `import { x } from '#onnx';\nvoid x;\n`,
    byLint: true,
  },
  {
    title: 'the contract that imports core',
    file: 'src/foundation/contract/a.ts',
    source: `import { x } from '#core';\nvoid x;\n`,
    byLint: true,
  },
  { title: 'ui that imports data', file: 'ui/a.tsx', source: `import { x } from '#data';\nvoid x;\n`, byLint: true },
  {
    title: 'ui that reaches into a room',
    file: 'ui/b.tsx',
    source: `import { x } from '../src/build/data/index.ts';\nvoid x;\n`,
    byLint: true,
  },
  {
    title: 'a test outside the rooms that goes past a door',
    file: 'test/e2e/a.ts',
    source: `import { x } from '#data/split.ts';\nvoid x;\n`,
    byLint: true,
  },
  {
    title: 'DuckDB outside of tables',
    file: 'src/build/data/c.ts',
    source: `import { x } from '@duckdb/node-api';\nvoid x;\n`,
    byLint: true,
  },
  {
    title: 'a dynamic import of a later room',
    file: 'src/build/data/d.ts',
    source: `export const load = async () => import('#release');\n`,
    byLint: false,
  },
  {
    title: 'an import type expression',
    file: 'src/build/data/e.ts',
    source: `export type X = import('#release').Release;\n`,
    byLint: false,
  },
  {
    title: 'a worker of another room',
    file: 'src/build/data/f.ts',
    source: `export const worker = new URL('../../foundation/onnx/lane.ts', import.meta.url);\n`,
    byLint: false,
  },
  {
    title: 'a room that imports a tool',
    file: 'src/build/data/g.ts',
    source: `import { x } from '../../../tools/rooms.ts';\nvoid x;\n`,
    byLint: false,
  },
  { title: 'a name that is no room', file: 'src/build/data/h.ts', source: `import { x } from '#nowhere';\nvoid x;\n`, byLint: false },
  {
    title: 'Kysely outside of a store file',
    file: 'src/build/data/i.ts',
    source: `import { sql } from 'kysely';\nvoid sql;\n`,
    byLint: false,
  },
  {
    title: 'a query outside of a store file',
    file: 'src/build/data/j.ts',
    source: `export const read = (tx: { selectFrom(t: string): unknown }) => tx.selectFrom('runs');\n`,
    byLint: false,
  },
  {
    title: 'input and output in core',
    file: 'src/foundation/core/a.ts',
    source: `import { readFileSync } from 'node:fs';\nvoid readFileSync;\n`,
    byLint: false,
  },
  {
    title: 'a package in ui that is for servers',
    file: 'ui/c.ts',
    source: `import { readFileSync } from 'node:fs';\nvoid readFileSync;\n`,
    byLint: false,
  },
  { title: 'the machine’s clock', file: 'src/build/data/k.ts', source: `export const now = () => Date.now();\n`, byLint: false },
  {
    title: 'the machine’s clock by another name',
    file: 'src/build/data/l.ts',
    source: `export const now = () => new Date().getTime();\n`,
    byLint: false,
  },
  { title: 'the machine’s chance', file: 'src/build/data/m.ts', source: `export const chance = () => Math.random();\n`, byLint: false },
  {
    title: 'an id that nobody handed in',
    file: 'src/build/data/n.ts',
    source: `import { randomUUID } from 'node:crypto';\nexport const id = () => randomUUID();\n`,
    byLint: false,
  },
];

/** What looks like a fault and is none: without these a wall that reports everything would pass too. */
const allowed: readonly (readonly [file: string, source: string])[] = [
  ['src/build/training/x1.ts', `import { x } from '#data';\nvoid x;\n`],
  ['src/build/training/x2.ts', `import { x } from './trainers/x.ts';\nvoid x;\n`],
  ['src/build/training/trainers/x3.ts', `import { x } from '../x.ts';\nvoid x;\n`],
  ['src/deploy/serving/x4.ts', `import { x } from '#onnx';\nvoid x;\n`],
  ['src/deploy/serving/x5.test.ts', `import { x } from '#learners';\nvoid x;\nexport const at = Date.now();\n`],
  ['src/build/data/dataset-store.ts', `import { sql } from 'kysely';\nvoid sql;\n`],
  ['src/build/data/migrations/001-first.ts', `import { sql } from 'kysely';\nvoid sql;\n`],
  ['src/foundation/contract/x6.ts', `import { Type } from 'typebox';\nvoid Type;\n`],
  ['src/edge/cli/main.ts', `const app = await import('#app');\nvoid app;\nexport {};\n`],
  ['src/app/x7.ts', `export const at = Date.now();\n`],
  ['ui/x8.tsx', `import { x } from '#contract';\nvoid x;\n`],
  ['src/build/data/x9.ts', `export const day = (instantMs: number) => new Date(instantMs);\n`],
];

describe('the walls between the rooms', () => {
  let copy = '';

  before(() => {
    copy = mkdtempSync(join(tmpdir(), 'gyre-walls-'));
    // Types play no part in the walls, and the planted files have none to offer.
    const config = readFileSync(join(root, '.oxlintrc.json'), 'utf8').replace('"typeAware": true', '"typeAware": false');
    writeFileSync(join(copy, '.oxlintrc.json'), config);
    for (const [file, source] of [...faults.map((fault) => [fault.file, fault.source] as const), ...allowed]) {
      mkdirSync(dirname(join(copy, file)), { recursive: true });
      writeFileSync(join(copy, file), source);
    }
  });
  after(() => rmSync(copy, { recursive: true, force: true }));

  for (const { title, file, source } of faults) {
    test(`the import checker reports ${title}`, () => {
      assert.notDeepEqual(checkFile(file, source), [], file);
    });
  }

  test('oxlint reports each fault that an import statement shows', () => {
    const { stdout } = spawnSync(process.execPath, [join(root, 'node_modules/oxlint/bin/oxlint'), '--format=unix'], {
      cwd: copy,
      encoding: 'utf8',
    });
    const walls = stdout.split('\n').filter((line) => line.includes('no-restricted-imports'));
    const missed = faults.filter(({ byLint, file }) => byLint && !walls.some((line) => line.includes(`${file}:`)));
    assert.deepEqual(
      missed.map(({ title }) => title),
      [],
      stdout,
    );
    const wrong = walls.filter((line) => allowed.some(([file]) => line.includes(`${file}:`)));
    assert.deepEqual(wrong, []);
  });

  test('neither wall reports what is allowed', () => {
    for (const [file, source] of allowed) assert.deepEqual(checkFile(file, source), [], file);
  });

  test('the checker finds the faults in a whole tree, each once', () => {
    const found = checkTree(copy).map(({ file }) => file);
    assert.deepEqual([...new Set(found)].sort(), faults.map(({ file }) => file).sort());
  });

  test('a file meets one override at most, since a later one would replace the rule of an earlier one', () => {
    const claims = wallOverrides().flatMap(({ files }) => files);
    assert.equal(new Set(claims).size, claims.length);
  });

  test('what is generated is not stale', () => {
    execFileSync(process.execPath, [join(root, 'tools/generate-walls.ts'), '--check'], { encoding: 'utf8' });
  });
});

describe('the table of rooms', () => {
  test('names each room and folder once', () => {
    assert.equal(new Set(rooms.map(({ name }) => name)).size, rooms.length);
    assert.equal(new Set(rooms.map(({ folder }) => folder)).size, rooms.length);
  });

  test('grants a strict room nothing that comes after it', () => {
    for (const room of rooms) {
      const before = rooms.slice(0, rooms.indexOf(room)).map(({ name }) => name);
      for (const name of visibleFrom(room, false)) assert.ok(before.includes(name), `${room.name} sees ${name}`);
    }
  });

  test('has a door for each folder under src', () => {
    const doors = Object.values(importsMap());
    for (const { folder } of rooms) {
      if (existsSync(join(root, folder))) assert.ok(doors.includes(`./${folder}/index.ts`));
    }
    assert.match(readFileSync(join(root, 'package.json'), 'utf8'), /"imports"/);
  });
});
