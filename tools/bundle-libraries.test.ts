import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { bundleLibraries } from './bundle-libraries.ts';

const root = join(import.meta.dirname, '..');

describe('libraries joined for a quicker start', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-libraries-'));
    await bundleLibraries(root, join(folder, 'libraries'));
  });
  after(() => rm(folder, { recursive: true }));

  const evaluate = async (script: string): Promise<string> => {
    const register = pathToFileURL(join(folder, 'libraries/register.mjs')).href;
    const args = ['--import', register, '--input-type=module', '-e', script];
    return (await promisify(execFile)(process.execPath, args, { cwd: root })).stdout.trim();
  };

  test('export what the libraries themselves export', async () => {
    for (const library of ['typebox', 'typebox/schema', 'typebox/value', 'kysely']) {
      const names = await evaluate(`console.log(JSON.stringify(Object.keys(await import('${library}')).sort()))`);
      assert.deepEqual(JSON.parse(names), Object.keys((await import(library)) as object).sort(), library);
    }
  });

  test('are one with each other: a schema made by one is checked by the other', async () => {
    const script = `import { Type } from 'typebox'; import { Check } from 'typebox/schema'; import { Value } from 'typebox/value';
      const schema = Type.Object({ a: Type.Integer({ minimum: 1 }) });
      console.log(Check(schema, { a: 1 }), Check(schema, { a: 0 }), Value.Check(schema, { a: 2 }));`;
    assert.equal(await evaluate(script), 'true false true');
  });

  test('load none of the modules that they were made of', async () => {
    const script = `import { registerHooks } from 'node:module'; let count = 0;
      registerHooks({ load(url, context, next) { if (/node_modules.(typebox|kysely)/.test(url)) count += 1; return next(url, context); } });
      await import('typebox'); await import('kysely'); console.log(count);`;
    assert.equal(await evaluate(script), '0');
  });
});
