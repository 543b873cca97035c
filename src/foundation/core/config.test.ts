import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { resolveConfig } from './config.ts';
import { hasCode } from './errors.ts';

const settings = {
  port: { env: 'GYRE_PORT', default: 7070, help: 'where the control plane listens' },
  dataFolder: { env: 'GYRE_DATA', default: '.gyre', help: 'where the state is kept' },
  open: { env: 'GYRE_OPEN', default: false, help: 'whether a browser is opened' },
  token: { env: 'GYRE_TOKEN', default: '', help: 'a token', secret: true },
};
const file = { path: 'gyre.yaml', values: { port: 3 } };

describe('configuration', () => {
  test('takes flag over environment over file over default', () => {
    const port = (inputs: Parameters<typeof resolveConfig>[1]) => resolveConfig(settings, inputs).resolved[0];
    const all = { flags: { port: 1 }, environment: { GYRE_PORT: '2' }, file };
    const of = (from: string, source: string, value: number) => ({ name: 'port', value, source, from, help: settings.port.help });
    assert.deepEqual(port(all), of('--port', 'flag', 1));
    assert.deepEqual(port({ ...all, flags: {} }), of('GYRE_PORT', 'environment', 2));
    assert.deepEqual(port({ file }), of('gyre.yaml', 'file', 3));
    assert.deepEqual(port({}), of('default', 'default', 7070));
  });

  test('reads an empty variable as unset, and zero and false as set', () => {
    assert.equal(resolveConfig(settings, { environment: { GYRE_PORT: '' } }).values.port, 7070);
    assert.equal(resolveConfig(settings, { flags: { port: 0 } }).values.port, 0);
    assert.equal(resolveConfig(settings, { environment: { GYRE_OPEN: 'true' }, flags: { open: false } }).values.open, false);
  });

  test('turns texts into the type of the default', () => {
    const { values } = resolveConfig(settings, { environment: { GYRE_PORT: '7071', GYRE_OPEN: '1', GYRE_DATA: '42' } });
    assert.deepEqual(values, { port: 7071, dataFolder: '42', open: true, token: '' });
    assert.equal(resolveConfig(settings, { file: { path: 'gyre.yaml', values: { dataFolder: 42 } } }).values.dataFolder, '42');
  });

  test('refuses a value of the wrong type and names where it came from', () => {
    const refused: readonly (readonly [Parameters<typeof resolveConfig>[1], RegExp])[] = [
      [{ environment: { GYRE_PORT: 'seventy' } }, /GYRE_PORT: "seventy" is not a number/],
      [{ environment: { GYRE_PORT: ' ' } }, /GYRE_PORT: " " is not a number/],
      [{ environment: { GYRE_PORT: 'Infinity' } }, /is not a number/],
      [{ flags: { open: 'yes' } }, /--open: "yes" is not a boolean/],
      [{ file: { path: 'gyre.yaml', values: { dataFolder: true } } }, /gyre.yaml: "true" is not a string/],
    ];
    for (const [inputs, message] of refused) {
      assert.throws(
        () => resolveConfig(settings, inputs),
        (error) => hasCode(error, 'INVALID_ARGUMENT') && message.test(error.message),
        String(message),
      );
    }
  });

  test('names a flag as it is typed', () => {
    const { resolved } = resolveConfig(settings, { flags: { dataFolder: 'x' } });
    assert.equal(resolved.find(({ name }) => name === 'dataFolder')?.from, '--data-folder');
  });

  test('hands out a secret’s value and prints stars for it', () => {
    const { values, resolved } = resolveConfig(settings, { environment: { GYRE_TOKEN: 'gyre_abc' } });
    assert.equal(values.token, 'gyre_abc');
    assert.equal(resolved.find(({ name }) => name === 'token')?.value, '***');
    assert.equal(resolveConfig(settings, {}).resolved.find(({ name }) => name === 'token')?.value, '');
    assert.doesNotMatch(JSON.stringify(resolved), /gyre_abc/);
  });
});
