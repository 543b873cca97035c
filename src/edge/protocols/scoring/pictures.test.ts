import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { hasCode, sha256, WireWriter } from '#core';
import { decodeImage, resizeRaster } from '#images';
import { readSegment } from '#serving';
import { image, photo, servePictures } from './pictures-fixture.ts';
import type { ServedPictures } from './pictures-fixture.ts';

/** SHA-256 of the pixels of `hat.jpg` at 20 x 16, as image/1 makes them: whoever changes what comes out must change the function's name. */
const hatPixels = 'a051febf72f6023a3c0acb4cdf5bd8b7f86b54f4e63ce8ae9e100edf864c8a8d';

interface Tensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

describe('a model of pictures', () => {
  let folder = '';
  let served: ServedPictures;
  const base64 = (name: Parameters<typeof photo>[0]): string => Buffer.from(photo(name)).toString('base64');
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-pictures-'));
    served = await servePictures(join(folder, 'log'));
  });
  after(async () => {
    await served[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const post = async (
    path: string,
    body: NonNullable<RequestInit['body']>,
    headers: Readonly<Record<string, string>> = { 'content-type': 'application/json' },
  ): Promise<{ readonly status: number; readonly body: unknown }> => {
    const response = await fetch(served.http.address + path, { method: 'POST', body, headers });
    return { status: response.status, body: await response.json() };
  };
  const asked = (data: readonly unknown[], more: object = {}): string =>
    JSON.stringify({ inputs: [{ name: 'image', shape: [data.length], datatype: 'BYTES', data, ...more }] });
  const infer = async (body: string): Promise<Record<string, Tensor>> => {
    const answer = await post('/v2/models/warmth/infer', body);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    const { outputs } = answer.body as { outputs: readonly Tensor[] };
    return Object.fromEntries(outputs.map((output) => [output.name, output]));
  };
  const refused = async (body: string): Promise<string> => {
    const answer = await post('/v2/models/warmth/infer', body);
    assert.equal(answer.status, 400, JSON.stringify(answer.body));
    return (answer.body as { error: string }).error;
  };
  /** What training sees of a photo. */
  const trained = async (name: Parameters<typeof photo>[0]): Promise<Uint8Array> =>
    resizeRaster(await decodeImage(photo(name)), image).data;

  test('is given the very pixels that training was given, whose digest never changes under one name', async () => {
    const { pixels } = await infer(asked([base64('hat'), base64('shoes')]));
    assert.deepEqual(pixels.shape, [2, 16, 20, 3]);
    const size = 16 * 20 * 3;
    assert.equal(sha256(Uint8Array.from(pixels.data.slice(0, size))), hatPixels);
    assert.equal(sha256(await trained('hat')), hatPixels);
    assert.deepEqual(Uint8Array.from(pixels.data.slice(size)), new Uint8Array(await trained('shoes')));
  });

  test('says that it takes pictures as BYTES, and what becomes of them', async () => {
    const { inputs } = (await (await fetch(`${served.http.address}/v2/models/warmth`)).json()) as { inputs: readonly unknown[] };
    assert.deepEqual(inputs, [
      {
        name: 'image',
        datatype: 'BYTES',
        shape: [-1],
        parameters: { content_type: 'base64', image: { ...image, shape: [-1, 16, 20, 3] } },
      },
    ]);
  });

  test('takes base64 with MLServer’s content type, bytes behind the JSON, and the tensor of pixels under its own name', async () => {
    const expected = (await infer(asked([base64('hat')]))).probabilities.data;
    const coded = await infer(asked([`data:image/jpeg;base64,${base64('hat')}`], { parameters: { content_type: 'base64' } }));
    assert.deepEqual(coded.probabilities.data, expected);

    const bytes = photo('hat');
    const head = Buffer.alloc(4);
    head.writeUInt32LE(bytes.length);
    const parameters = { binary_data_size: bytes.length + 4 };
    const start = JSON.stringify({ inputs: [{ name: 'image', shape: [1, 1], datatype: 'BYTES', parameters }] });
    const binary = await post('/v2/models/warmth/infer', Buffer.concat([Buffer.from(start), head, bytes]), {
      'inference-header-content-length': String(start.length),
      'content-type': 'application/octet-stream',
    });
    assert.equal(binary.status, 200, JSON.stringify(binary.body));

    const pixels = await infer(
      JSON.stringify({ inputs: [{ name: 'image', shape: [1, 16, 20, 3], datatype: 'UINT8', data: [...(await trained('hat'))] }] }),
    );
    assert.deepEqual(pixels.probabilities.data, expected);
    for (const answer of [binary.body as { outputs: readonly Tensor[] }])
      assert.deepEqual(answer.outputs.find(({ name }) => name === 'probabilities')?.data, expected);
  });

  test('is asked over gRPC with raw and with typed contents', async () => {
    const bytes = photo('shoes');
    const request = (raw: boolean): Uint8Array => {
      const writer = new WireWriter();
      writer.string(1, 'warmth');
      writer.message(5, (input) => {
        input.string(1, 'image');
        input.string(2, 'BYTES');
        input.packedInts(3, [1]);
        if (!raw) input.message(5, (contents) => contents.bytes(8, bytes));
      });
      const head = Buffer.alloc(4);
      head.writeUInt32LE(bytes.length);
      if (raw) writer.bytes(7, Buffer.concat([head, bytes]));
      return writer.finish();
    };
    const session = connect(served.rpc.address.replace('grpc', 'http'));
    for (const raw of [true, false]) {
      const { status, message } = await new Promise<{ status: string; message: Buffer }>((resolve, reject) => {
        const stream = session.request({
          ':method': 'POST',
          ':path': '/inference.GRPCInferenceService/ModelInfer',
          'content-type': 'application/grpc',
          te: 'trailers',
        });
        const chunks: Buffer[] = [];
        let code = '';
        stream.on('trailers', (trailers) => (code = String(trailers['grpc-status'])));
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => resolve({ status: code, message: Buffer.concat(chunks) }));
        stream.on('error', reject);
        const body = request(raw);
        const prefix = Buffer.alloc(5);
        prefix.writeUInt32BE(body.byteLength, 1);
        stream.end(Buffer.concat([prefix, body]));
      });
      assert.equal(status, '0');
      const pixels = Buffer.from(await trained('shoes'));
      // Of typed outputs each small number is one byte or two; raw ones are the pixels as they are.
      assert.ok(!raw || message.includes(pixels), 'the pixels of training are in the answer');
    }
    session.close();
  });

  test('is asked as other servers are: TensorFlow Serving’s b64, TorchServe’s body, MLflow’s tables, a form, a picture as the body', async () => {
    const label = (await post('/predict/park', JSON.stringify({ rows: [{ image: base64('hat') }] }))).body as {
      predictions: readonly [{ readonly label: string; readonly probabilities: Readonly<Record<string, number>> }];
    };
    const [{ probabilities, label: said }] = label.predictions;
    const jpeg = { 'content-type': 'image/jpeg' };
    const form = new FormData();
    for (const name of ['hat', 'shoes'] as const) form.append('data', new Blob([photo(name)]), `${name}.jpg`);
    const tf = async (body: object): Promise<unknown> => (await post('/v1/models/warmth:predict', JSON.stringify(body))).body;
    const first = (answer: unknown): readonly number[] =>
      (answer as { predictions: readonly [{ readonly probabilities: readonly number[] }] }).predictions[0].probabilities;
    const shares = [probabilities.cold, probabilities.warm];
    assert.deepEqual(first(await tf({ instances: [{ image: { b64: base64('hat') } }] })), shares);
    assert.deepEqual(first(await tf({ instances: [{ b64: base64('hat') }] })), shares);
    const columns = (await tf({ inputs: { image: [{ b64: base64('hat') }] } })) as { outputs: { probabilities: readonly unknown[] } };
    assert.deepEqual(columns.outputs.probabilities, [shares]);

    // As `curl -T hat.jpg` sends it: without a content type.
    const put = await fetch(`${served.http.address}/predictions/warmth`, { method: 'PUT', body: new Blob([photo('hat')]) });
    assert.deepEqual(await put.json(), probabilities);
    assert.deepEqual((await post('/predictions/warmth', photo('hat'), jpeg)).body, probabilities);
    const sent = new Response(form);
    const several = await post('/predictions/warmth', await sent.clone().arrayBuffer(), {
      'content-type': String(sent.headers.get('content-type')),
    });
    assert.deepEqual((several.body as readonly unknown[])[0], probabilities);
    assert.equal((several.body as readonly unknown[]).length, 2);
    const formed = await post('/predict/park', await sent.arrayBuffer(), { 'content-type': String(sent.headers.get('content-type')) });
    assert.equal((formed.body as { predictions: readonly unknown[] }).predictions.length, 2);
    const bare = await post('/predict/park', photo('hat'), jpeg);
    assert.deepEqual((bare.body as typeof label).predictions[0].probabilities, probabilities);

    const table = { dataframe_split: { columns: ['image'], data: [[base64('hat')]] } };
    assert.deepEqual((await post('/invocations', JSON.stringify(table))).body, { predictions: [said] });
    assert.deepEqual((await post('/invocations', photo('hat'), { 'content-type': 'application/x-image' })).body, { predictions: [said] });
  });

  test('refuses a bad picture by its row, and answers those who ask beside it', async () => {
    const cut = Buffer.from(photo('shirt').subarray(0, 900)).toString('base64');
    const good = asked([base64('hat')]);
    const [error, ...others] = await Promise.all([
      refused(asked([base64('hat'), cut, base64('shoes')])),
      ...Array.from({ length: 5 }, () => infer(good)),
    ]);
    assert.match(error, /row 1 of the input "image": the image cannot be decoded: .*(end too early|cannot be decoded)/);
    assert.equal(others.length, 5);
    assert.match(await refused(asked(['no base64!'])), /row 0 of the input "image" is no base64/);
    assert.match(await refused(asked([5])), /row 0 of the input "image": a number was found/);
    assert.match(await refused(asked([''])), /row 0 .*0 bytes/);
    assert.match(await refused(asked([Buffer.from('<svg/>').toString('base64')])), /row 0 .*no image that is known|svg is not decoded/);
    assert.match(await refused(asked([base64('hat')], { shape: [1, 2] })), /pictures are \[rows\]/);
    assert.match(await refused(asked([base64('hat')], { shape: [2] })), /has 1 values/);
    assert.match(await refused(asked([base64('hat')], { parameters: { content_type: 'np' } })), /pictures come as base64/);
    const rows = await post('/predict/park', JSON.stringify({ rows: [{ image: base64('hat') }, { image: null }] }));
    assert.equal(rows.status, 400);
    assert.match(JSON.stringify(rows.body), /row 1 of the input .*null was found/);
    const more = await post('/predict/park', JSON.stringify({ rows: [{ image: base64('hat'), age: 3 }] }));
    assert.equal(more.status, 400);
    assert.equal((await post('/predict/park', 'a=1', { 'content-type': 'application/x-www-form-urlencoded' })).status, 400);
    const own = { 'content-type': 'application/x-www-form-urlencoded' };
    assert.equal(
      (await post('/predict/park', JSON.stringify({ rows: [{ image: base64('hat') }] }), own)).status,
      200,
      'as curl -d sends it',
    );
    const foreign = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'cross-site' };
    assert.equal((await post('/predict/park', JSON.stringify({ rows: [{ image: base64('hat') }] }), foreign)).status, 415);
    assert.equal((await post('/predictions/warmth', 'a=1', { 'content-type': 'text/plain' })).status, 415);
    assert.equal((await post('/predict/park', 'nothing', { 'content-type': 'multipart/form-data; boundary=x' })).status, 400);
  });

  test('refuses a picture that claims to be huge before it is decoded, and more pictures than a request may hold', async () => {
    // A PNG of a few bytes whose header says 60,000 x 60,000 (PNG, 11.2.2 IHDR).
    const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
    png.writeUInt32BE(60_000, 16);
    png.writeUInt32BE(60_000, 20);
    const { crc32 } = await import('node:zlib');
    png.writeUInt32BE(crc32(png.subarray(12, 29)), 29);
    assert.match(await refused(asked([png.toString('base64')])), /row 0 .*60000 x 60000 pixels; \d+ are decoded at most/);
    const many = await post('/v2/models/warmth/infer', asked(Array.from({ length: 51 }, () => png.toString('base64'))));
    assert.equal(many.status, 413);
    assert.match(JSON.stringify(many.body), /51 pictures are too many for one request/);
  });

  test('logs what a picture was by its SHA-256 and size, never its bytes', async () => {
    await infer(asked([base64('shirt')]));
    const segments = await served.plane.flush();
    const logged = (await Promise.all(segments.map((path) => readSegment(path)))).flatMap(({ predictions }) => predictions);
    const text = JSON.stringify(logged);
    const rows = JSON.stringify({ image: sha256(photo('shirt')), 'image.size': photo('shirt').length });
    assert.ok(text.includes(rows), 'the row says digest and size');
    assert.ok(!text.includes(base64('shirt').slice(100, 160)));
  });

  test('is not served when its pixels were made by another function, or its graph takes another tensor', async () => {
    const open = (changes: Parameters<typeof servePictures>[1]): Promise<unknown> => servePictures(join(folder, 'other'), changes);
    await assert.rejects(
      open({ function: 'image/0' }),
      (error) => hasCode(error, 'FAILED_PRECONDITION') && /image\/0.*image\/1/.test(error.message),
    );
    await assert.rejects(
      open({ width: 16 }),
      (error) => hasCode(error, 'FAILED_PRECONDITION') && /the graph takes UINT8 \[N, 16, 20, 3\]/.test(error.message),
    );
  });
});
