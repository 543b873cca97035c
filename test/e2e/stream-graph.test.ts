import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Signature, VideoCounts, VideoFrame } from '#contract';
import { attr, encodeModel, graphBuilder } from '#onnx';
import { done, gyre, start, temporaryFolder } from '../harness/gyre-fixture.ts';
import type { Place } from '../harness/gyre-fixture.ts';

const missing = spawnSync('ffmpeg', ['-version']).status === 0 ? false : 'ffmpeg is not installed';
if (missing !== false && process.env['GYRE_REQUIRE_ALL'] === '1') throw new Error(missing);

/** Means of the three planes: its numbers say what it was given. */
function means(): Uint8Array {
  const graph = graphBuilder({ name: 'means' });
  graph.input('x', 'FLOAT', ['N', 3, 12, 16]);
  graph.output('scores', 'FLOAT', ['N', 3], graph.op('ReduceMean', ['x'], { attributes: { axes: attr.ints([2, 3]), keepdims: attr.int(0) } })); // prettier-ignore
  return encodeModel(graph);
}

const signature: Signature = {
  inputs: [
    {
      name: 'x',
      type: 'string',
      datatype: 'BYTES',
      required: true,
      image: {
        function: 'image/1',
        width: 16,
        height: 12,
        fit: 'stretch',
        kernel: 'bilinear',
        channels: 'RGB',
        layout: 'NCHW',
        datatype: 'FP32',
        std: [255, 255, 255],
      },
    },
  ],
  outputs: [{ name: 'scores', datatype: 'FP32', shape: [-1, 3] }],
  classes: [],
};

describe('a video to a graph that nobody packed', { skip: missing }, () => {
  let stack: AsyncDisposableStack;
  let place: Place;
  let address: string;
  before(async () => {
    stack = new AsyncDisposableStack();
    const cwd = stack.use(await temporaryFolder()).path;
    place = { cwd, env: {} };
    await writeFile(join(cwd, 'net.onnx'), means());
    await mkdir(join(cwd, 'described'));
    await writeFile(join(cwd, 'described/model.onnx'), means());
    await writeFile(join(cwd, 'described/signature.json'), JSON.stringify(signature));
    await writeFile(join(cwd, 'names.txt'), 'red\ngreen\nblue\n');
    const film = ['red', 'blue'].flatMap((colour) => ['-f', 'lavfi', '-i', `color=${colour}:s=64x48:r=10:d=1`]);
    // Without loss: the numbers that are compared are those of pure colours.
    const made = spawnSync('ffmpeg', ['-loglevel', 'error', ...film, '-filter_complex', 'concat=n=2,format=rgb24', '-c:v', 'png', join(cwd, 'film.mov')]); // prettier-ignore
    assert.equal(made.status, 0, String(made.stderr));
    const plane = stack.use(start(['serve', '--model', 'net=net.onnx', 'described', '--port', '0'], place));
    [, address] = await plane.line(/at (http:\/\/[^ ]*)/);
  });
  after(() => stack.disposeAsync());
  const stream = async (model: string, picture: readonly string[]): Promise<readonly [readonly VideoFrame[], VideoCounts]> => {
    const text = await done(['stream', '--input', 'film.mov', '--endpoint', address, '--model', model, '--picture', ...picture], place);
    const lines = text.trim().split('\n').map((line): unknown => JSON.parse(line)); // prettier-ignore
    return [lines.slice(0, -1) as VideoFrame[], lines.at(-1) as VideoCounts];
  };

  test('is answered by what is told of its pixels and its numbers', async () => {
    const [frames, counts] = await stream('net', [
      'scale=1/255',
      'mean=0.5,0.5,0.5',
      'std=0.25,0.25,0.25',
      'softmax=yes',
      'labels=names.txt',
    ]);
    assert.deepEqual([counts.failed, counts.answered + counts.dropped, counts.frames], [0, 20, 20]);
    assert.ok(counts.labels['red'] > 0 && counts.labels['blue'] > 0 && counts.labels['green'] === undefined, JSON.stringify(counts));
    // A red frame is (1 - 0.5) / 0.25 = 2 in its plane and -2 in the others.
    const right = Math.exp(2) / (Math.exp(2) + 2 * Math.exp(-2));
    for (const { confidence = 0, id } of frames) {
      assert.ok(Math.abs(confidence - right) < 0.01, `${confidence} is not ${right}`);
      assert.match(id ?? '', /^1-/);
    }
    const [, turned] = await stream('net', ['scale=1/255', 'channels=BGR', 'labels=names.txt']);
    assert.ok(turned.labels['red'] > 0 && turned.labels['blue'] > 0);
    const [first] = (await stream('net', ['scale=1/255', 'channels=BGR', 'labels=names.txt']))[0];
    assert.equal(first.label, 'blue', 'the first second is red');
  });

  test('needs nothing told of its pixels beside a signature, which takes the same picture as a file', async () => {
    const [frames] = await stream('described', ['labels=names.txt']);
    assert.equal(frames[0].label, 'red');
    const png = spawnSync('ffmpeg', ['-loglevel', 'error', '-i', join(place.cwd, 'film.mov'), '-frames:v', '1', '-f', 'image2pipe', '-c:v', 'png', '-']); // prettier-ignore
    const answer = await fetch(`${address}/predictions/described`, { method: 'POST', headers: { 'content-type': 'image/png' }, body: png.stdout }); // prettier-ignore
    assert.equal(answer.status, 200);
    const [red, green, blue] = ((await answer.json()) as readonly (readonly number[])[]).flat();
    assert.ok(red > 0.98 && green < 0.02 && blue < 0.02, `${red}, ${green}, ${blue}`);
  });

  test('is refused with what has to be told', async () => {
    const words = ['stream', '--input', 'film.mov', '--endpoint', address, '--model', 'net'];
    for (const [more, message] of [
      [[], /say what becomes of one, such as --picture/],
      [['--picture', 'labels=names.txt'], /say what becomes of 0\.\.255/],
      [['--picture', 'scale=0'], /scale is "0": a number above 0/],
      [['--picture', 'size=big'], /size is "big": WIDTHxHEIGHT/],
      [['--picture', 'colour=red'], /"colour=red" says nothing of a picture/],
      [['--picture', 'scale=1', 'labels=none.txt'], /none\.txt, which cannot be read/],
    ] as const) {
      const { code, stderr } = await gyre([...words, ...more], place);
      assert.notEqual(code, 0);
      assert.match(stderr, message);
    }
  });
});
