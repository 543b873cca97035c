import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hasCode } from '#core';
import { exampleOf } from './example.ts';

describe('the row that a model is measured with', () => {
  const signature = { inputs: [], outputs: [], classes: [] };

  test('is of zeros and empty texts where nobody says more, one along each axis of any size', () => {
    const { feeds, given } = exampleOf(
      signature,
      [
        { name: 'x', type: 'FLOAT', shape: ['N', 2] },
        { name: 's', type: 'STRING', shape: ['N'] },
      ],
      undefined,
    );
    assert.deepEqual([given, feeds['x'].shape, [...feeds['x'].data], feeds['s'].data], [false, [1, 2], [0, 0], ['']]);
  });

  test('is refused with the input’s name where the model declares more than anybody could send', () => {
    for (const type of ['FLOAT', 'STRING'] as const)
      for (const shape of [
        [2 ** 31, 2 ** 31],
        ['N', 2 ** 20, 2 ** 10],
      ])
        assert.throws(
          () => exampleOf(signature, [{ name: 'x', type, shape }], undefined),
          (error) => hasCode(error, 'INVALID_ARGUMENT') && /declares its input "x" as \[.*at most 134217728 are taken/.test(error.message),
        );
  });
});
