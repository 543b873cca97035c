import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { called, fromVerbOn } from './choice.ts';

describe('which verbs of the command line are loaded', () => {
  test('the verb comes behind the options that every verb takes', () => {
    assert.deepEqual(fromVerbOn(['--json', '-C', 'data', '--server=http://x', '--debug', 'data', 'status', '-r']), [
      'data',
      'status',
      '-r',
    ]);
    for (const words of [[], ['--help'], ['-V'], ['--help', 'data'], ['--jso', 'data'], ['-C', 'data'], ['-Cdata', 'data']])
      assert.deepEqual(fromVerbOn(words), [], words.join(' '));
  });

  test('are those that a name calls, and all where it calls none', () => {
    const modules = [
      { names: ['a', 'b'], load: () => Promise.resolve(1) },
      { names: ['c'], load: () => Promise.resolve(2) },
    ];
    assert.deepEqual([called(modules, 'b'), called(modules, 'c')], [[modules[0]], [modules[1]]]);
    assert.deepEqual([called(modules, undefined), called(modules, 'd')], [modules, modules]);
  });
});
