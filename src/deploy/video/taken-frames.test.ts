import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hasCode } from '#core';
import { askedOutputs, saidOf, takenFrames } from './taken-frames.ts';
import type { ToldPicture } from './taken-frames.ts';

const outputs = [{ name: 'logits', datatype: 'FP32', shape: [-1, 2] }];
const graph = (datatype: string, shape: readonly number[], more: object = {}): object => ({
  inputs: [{ name: 'x', datatype, shape }],
  outputs,
  ...more,
});
const planes = graph('FP32', [-1, 3, 32, 48]);
const image = {
  function: 'image/1',
  width: 8,
  height: 6,
  fit: 'stretch',
  kernel: 'lanczos',
  layout: 'NCHW',
  channels: 'BGR',
  datatype: 'FP32',
  mean: [1, 2, 3],
};
const signed = {
  inputs: [{ name: 'photo', datatype: 'BYTES', shape: [-1], parameters: { image: { ...image, shape: [-1, 3, 6, 8] } } }],
  outputs,
};

describe('what a model takes of a video', () => {
  test('is what its signature says, in any layout; what is told may only say how the answer is read', () => {
    const taken = takenFrames(signed, 'm', { labels: ['cat', 'dog'], softmax: true });
    assert.deepEqual(taken, {
      input: 'photo',
      width: 8,
      height: 6,
      fit: 'stretch',
      kernel: 'lanczos',
      image,
      classes: ['cat', 'dog'],
      scores: { output: 'logits', softmax: true },
    });
    assert.throws(() => takenFrames(signed, 'm', { scale: 1 }), /the signature of "m" says what becomes of a picture/);
    const ours = { ...signed, outputs: [{ name: 'label' }, { name: 'probabilities', parameters: { classes: ['a', 'b'] } }] };
    assert.deepEqual(askedOutputs(takenFrames(ours, 'm')), ['label', 'probabilities']);
    assert.deepEqual(takenFrames(ours, 'm').classes, ['a', 'b']);
  });

  test('of a graph without one is what is told, with size, layout and type from its tensor', () => {
    const { width, height, image: pixels } = takenFrames(planes, 'm', { scale: 1 / 255, mean: [0.5, 0.4, 0.2], std: [0.5, 0.25, 0.1] });
    assert.deepEqual([width, height, pixels.layout, pixels.datatype], [48, 32, 'NCHW', 'FP32']);
    // (pixel / 255 - mean) / std is (pixel - 255 mean) / (255 std).
    for (const [name, right] of [
      ['mean', [127.5, 102, 51]],
      ['std', [127.5, 63.75, 25.5]],
    ] as const)
      // prettier-ignore
      for (const [channel, value] of (pixels[name] ?? []).entries()) assert.ok(Math.abs(value - right[channel]) < 1e-9, `${name} ${value}`);
    const bytes = takenFrames(graph('UINT8', [-1, 32, 48, 3]), 'm', { channels: 'BGR', fit: 'stretch' });
    assert.deepEqual(bytes.image, {
      width: 48,
      height: 32,
      fit: 'stretch',
      kernel: 'bilinear',
      channels: 'BGR',
      layout: 'NHWC',
      datatype: 'UINT8',
    });
    const open = takenFrames(graph('FP32', [1, -1, -1, 3]), 'm', { scale: 1, size: { width: 20, height: 10 } });
    assert.deepEqual([open.width, open.height, open.image.layout], [20, 10, 'NHWC']);
  });

  test('is refused with what is missing or does not fit, before anything is played', () => {
    const told = { scale: 1 };
    const cases: readonly (readonly [object, ToldPicture | undefined, RegExp])[] = [
      [planes, undefined, /tell of no picture .*say what becomes of one, such as --picture/],
      [planes, {}, /say what becomes of 0\.\.255: scale=1 leaves them/],
      [planes, { ...told, layout: 'NHWC' }, /that is not NHWC/],
      [planes, { ...told, size: { width: 32, height: 48 } }, /that is not the size 32x48/],
      [planes, { ...told, output: 'scores' }, /there is no output "scores"; it has the outputs logits/],
      [graph('UINT8', [-1, 32, 48, 3]), told, /takes bytes as they are/],
      [graph('FP32', [-1, 1, 28, 28]), told, /a picture has three channels/],
      [graph('FP32', [4, 3, 28, 28]), told, /one at a time, not 4 at once/],
      [graph('FP32', [-1, 3, 28, 3]), told, /say layout=NCHW or layout=NHWC/],
      [graph('FP32', [-1, -1, -1, -1]), told, /say layout=NCHW or layout=NHWC/],
      [graph('FP32', [-1, 3, -1, -1]), told, /say size=WIDTHxHEIGHT/],
      [graph('FP16', [-1, 3, 8, 8]), told, /a picture is FP32 or UINT8/],
      [graph('FP32', [-1, 20]), told, /a picture is FP32 or UINT8 of \[rows, 3, height, width\]/],
      [graph('FP32', [-1, 3, 8, 8], { outputs: [{ name: 'a' }, { name: 'b' }] }), told, /the outputs a, b: say which .* output=NAME/],
      [{ inputs: [{ name: 'a' }, { name: 'b' }], outputs }, told, /takes 2 inputs, not a picture alone/],
    ];
    for (const [metadata, said, message] of cases)
      assert.throws(
        () => takenFrames(metadata, 'm', said),
        (error) => (hasCode(error, 'INVALID_ARGUMENT') || hasCode(error, 'FAILED_PRECONDITION')) && message.test(error.message),
        String(message),
      );
  });
});

describe('what a graph without a signature says of a frame', () => {
  const answer = (data: readonly number[]): object => ({ outputs: [{ name: 'logits', data }], parameters: { prediction_ids: 'p' } });
  const taken = (told: ToldPicture = {}) => takenFrames(planes, 'm', { scale: 1, ...told });

  test('is the class with the greatest number; how surely, only where the numbers are probabilities', () => {
    assert.deepEqual(saidOf(answer([-3, 4]), taken()), { id: 'p', label: '1' });
    assert.deepEqual(saidOf(answer([0.25, 0.75]), taken({ labels: ['cat', 'dog'] })), {
      id: 'p',
      label: 'dog',
      confidence: 0.75,
      probabilities: { dog: 0.75, cat: 0.25 },
    });
    const { confidence = 0 } = saidOf(answer([1000, 1000 + Math.log(3)]), taken({ softmax: true }));
    assert.ok(Math.abs(confidence - 0.75) < 1e-9);
  });

  test('names the five likeliest of many classes, and is refused when there are not as many labels as numbers', () => {
    const many = Array.from({ length: 1000 }, (_, at) => at / 500);
    assert.deepEqual(Object.keys(saidOf(answer(many), taken({ softmax: true })).probabilities ?? {}), ['995', '996', '997', '998', '999']);
    assert.throws(() => saidOf(answer([1, 2, 3]), taken({ labels: ['cat', 'dog'] })), /gives 3 numbers for a picture; there are 2 labels/);
  });
});
