import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { Tensor } from '#onnx';
import { frameTensors, readFrames, tensorsOf, writeFrame } from './frames.ts';
import type { Frame } from './frames.ts';

const tensors: Readonly<Record<string, Tensor>> = {
  numbers: { type: 'DOUBLE', shape: [2, 2], data: Float64Array.of(1.5, Number.NaN, -0, Number.POSITIVE_INFINITY) },
  large: { type: 'INT64', shape: [1], data: BigInt64Array.of(-(2n ** 62n)) },
  texts: { type: 'STRING', shape: [3], data: ['', 'naïve 🦒', 'a\u0000b'] },
  none: { type: 'FLOAT', shape: [0, 3], data: new Float32Array() },
};

describe('frames between a data plane and a Python process', () => {
  test('carry tensors of every kind, in pieces of any size and several at once', async () => {
    const { described, parts } = frameTensors(tensors);
    const stream = new PassThrough();
    const sent = new PassThrough();
    writeFrame(sent, { id: 1, ok: { tensors: described } }, parts);
    writeFrame(sent, { id: 2, ok: { tensors: described } }, parts);
    sent.end();
    const bytes = await buffer(sent);
    const frames: Frame[] = [];
    readFrames(
      stream,
      (frame) => frames.push(frame),
      (why) => assert.fail(why),
    );
    for (const size of [1, 7, bytes.length]) {
      frames.length = 0;
      for (let at = 0; at < bytes.length; at += size) stream.write(bytes.subarray(at, at + size));
      while (frames.length < 2) await turn();
      assert.deepEqual(frames.map(({ header }) => header['id']), [1, 2]); // prettier-ignore
      for (const frame of frames) assert.deepEqual(tensorsOf(frame), tensors);
    }
  });

  test('that do not say what their bytes are give no tensor', () => {
    const { described, parts } = frameTensors(tensors);
    const body = Buffer.concat(parts);
    const of = (changed: object): Frame => ({ header: { ok: { tensors: [{ ...described[0], ...changed }] } }, body });
    for (const wrong of [{ bytes: 24 }, { shape: [3, 2] }, { datatype: 'FP128' }, { shape: [-1] }, { name: 1 }])
      assert.throws(() => tensorsOf(of(wrong)), /broken/, JSON.stringify(wrong));
    assert.throws(() => tensorsOf({ header: { ok: {} }, body }), /no tensors/);
    assert.throws(() => tensorsOf({ header: { ok: { tensors: [described[2]] } }, body: Buffer.from([9, 0, 0, 0]) }), /broken/);
  });
});
