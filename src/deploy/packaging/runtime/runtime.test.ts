import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { hasCode } from '#core';
import { elfNeeds } from './elf.ts';
import { sharedLibraries } from './shared-libraries.ts';

const run = promisify(execFile);

describe('what a program needs of the system', { skip: process.platform !== 'linux' && 'only Linux has these files' }, () => {
  test('is what the loader itself says', async () => {
    const { libraries, machine } = await sharedLibraries(process.execPath, [], []);
    assert.equal(machine, process.arch === 'x64' ? 'amd64' : 'arm64');
    const { stdout } = await run('ldd', [process.execPath]);
    const said = new Set([...stdout.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path]) => path));
    assert.deepEqual(new Set(libraries.map(({ path }) => path)), said);
    for (const { file, path } of libraries) assert.equal(file, await realpath(path));
  });

  test('is left out where it comes along anyway', async () => {
    const [one] = (await sharedLibraries(process.execPath, [], [])).libraries.filter(({ path }) => path.endsWith('/libm.so.6'));
    assert.ok(one !== undefined);
    const rest = await sharedLibraries(process.execPath, [], [dirname(one.file)]);
    assert.ok(rest.libraries.every(({ path }) => path !== one.path));
  });

  test('is nothing for a text, and cannot be asked of what starts without a loader', async () => {
    assert.equal(await elfNeeds(import.meta.filename), undefined);
    await assert.rejects(sharedLibraries(import.meta.filename, [], []), (error) => hasCode(error, 'INVALID_ARGUMENT'));
  });
});
