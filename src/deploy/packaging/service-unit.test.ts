import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { partsOf } from './contents.ts';
import type { PlaneRuntime } from './runtime/plane-runtime.ts';
import { serviceUnit } from './service-unit.ts';

describe('a model’s name, which anybody may give who registers models', () => {
  const model = { name: 'x\n[Service]\nExecStartPre=+sh\r\n%i', version: '1', digest: 'a'.repeat(64), files: [] };

  test('is a word of one line in a unit, and in what a Containerfile says', () => {
    const lines = serviceUnit({ model, folder: 'x-1' }).split('\n');
    assert.deepEqual(lines.filter((line) => line.startsWith('[')), ['[Unit]', '[Service]', '[Install]']); // prettier-ignore
    assert.equal(lines.filter((line) => line.startsWith('ExecStartPre')).length, 0);
    assert.ok(lines.includes('Description=Model x [Service] ExecStartPre=+sh %%i 1, served by Gyre'));
    const runtime = { architecture: 'amd64', system: [], libraries: [], program: [], components: [] } satisfies PlaneRuntime;
    assert.ok(partsOf(runtime, model).every(({ what }) => !/[\r\n]/.test(what)));
  });
});
