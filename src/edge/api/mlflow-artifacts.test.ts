import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { sha256 } from '#core';
import type { FaultPoint } from '#core';
import { openBench } from './testing.ts';
import { turnTheLoop } from './testing-loop.ts';
import type { Bench } from './testing.ts';

interface FileInfo {
  readonly path: string;
  readonly is_dir: boolean;
  readonly file_size?: number;
}

interface Created {
  readonly upload_id: string;
  readonly credentials: readonly {
    readonly url: string;
    readonly part_number: number;
    readonly headers: Readonly<Record<string, string>>;
  }[];
}

type Init = Omit<RequestInit, 'headers'> & { readonly headers?: Readonly<Record<string, string>> };

const proxy = '/api/2.0/mlflow-artifacts';
const author = { identity: 'ada', name: 'Ada' };

describe('artifacts as MLflow clients know them', () => {
  let bench: Bench;
  let token: string;
  let isFull = false;
  const faults = {
    at: (point: FaultPoint): void => {
      if (isFull && point === 'blob.write') throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    },
  };
  before(async () => {
    bench = await openBench({ artifactLimitBytes: 1_000_000, faults });
    token = bench.tokens['data-scientist'];
  });
  after(() => bench[Symbol.asyncDispose]());

  const ask = (path: string, init: Init = {}): Promise<Response> =>
    fetch(`${bench.address}${path}`, { ...init, headers: { authorization: `Bearer ${token}`, ...init.headers } });
  const put = async (path: string, body: string): Promise<void> => {
    const response = await ask(`${proxy}/artifacts/${path}`, { method: 'PUT', body });
    assert.deepEqual([response.status, await response.text()], [200, '{}']);
  };
  const list = async (path?: string): Promise<readonly FileInfo[]> => {
    const response = await ask(`${proxy}/artifacts${path === undefined ? '' : `?path=${encodeURIComponent(path)}`}`);
    assert.equal(response.status, 200);
    return ((await response.json()) as { files: readonly FileInfo[] }).files;
  };
  const refused = async (response: Response, status: number, code: string): Promise<string> => {
    const body = (await response.json()) as { error_code: string; message: string };
    assert.deepEqual([response.status, body.error_code], [status, code], body.message);
    return body.message;
  };
  const startRun = async (): Promise<string> => {
    const environment = { gyre: '0.1.0', node: '26', platform: 'linux-x64', lock: sha256('lock') };
    const run = await bench.deps.training.startRun({ code: { commit: null, dirty: false }, environment, by: author });
    return run.id;
  };

  test('are stored, listed, given back and deleted below mlflow-artifacts:/, under both prefixes', async () => {
    await put('tree/a.txt', '0');
    await put('tree/dir/b.txt', 'one');
    assert.deepEqual(await list('tree'), [
      { path: 'a.txt', is_dir: false, file_size: 1 },
      { path: 'dir', is_dir: true },
    ]);
    assert.deepEqual(await list('tree/dir'), [{ path: 'b.txt', is_dir: false, file_size: 3 }]);
    assert.ok((await list()).some(({ path, is_dir }) => path === 'tree' && is_dir));
    for (const prefix of ['/api', '/ajax-api'])
      assert.equal(await (await ask(`${prefix}/2.0/mlflow-artifacts/artifacts/tree/dir/b.txt`)).text(), 'one');
    assert.equal((await ask(`${proxy}/artifacts/tree/dir`, { method: 'DELETE' })).status, 200);
    assert.deepEqual(await list('tree'), [{ path: 'a.txt', is_dir: false, file_size: 1 }]);
    await refused(await ask(`${proxy}/artifacts/tree/dir/b.txt`), 404, 'RESOURCE_DOES_NOT_EXIST');
    assert.match(await refused(await ask(`${proxy}/artifacts/tree`), 400, 'INVALID_PARAMETER_VALUE'), /is a folder/);
  });

  test('names may have blanks, signs and any script', async () => {
    for (const name of ['größe ½ 日本.txt', "it's (1) & more+.txt", '100%.txt', 'a%20b.txt']) {
      await put(`names/${encodeURIComponent(name)}`, name);
      assert.equal(await (await ask(`${proxy}/artifacts/names/${encodeURIComponent(name)}`)).text(), name);
    }
    assert.deepEqual((await list('names')).map(({ path }) => path).sort(), [
      '100%.txt',
      'a%20b.txt',
      'größe ½ 日本.txt',
      "it's (1) & more+.txt",
    ]);
  });

  test('give the part that was asked for, and say what has not changed', async () => {
    await put('ranges/ten.txt', '0123456789');
    const part = async (headers: Readonly<Record<string, string>>): Promise<readonly [number, string | null, string]> => {
      const response = await ask(`${proxy}/artifacts/ranges/ten.txt`, { headers });
      return [response.status, response.headers.get('content-range'), response.status === 416 ? '' : await response.text()];
    };
    const etag = `"${sha256('0123456789')}"`;
    assert.deepEqual(await part({ range: 'bytes=4-' }), [206, 'bytes 4-9/10', '456789']);
    assert.deepEqual(await part({ range: 'bytes=-3' }), [206, 'bytes 7-9/10', '789']);
    assert.deepEqual(await part({ range: 'bytes=4-5', 'if-range': etag }), [206, 'bytes 4-5/10', '45']);
    assert.deepEqual(await part({ range: 'bytes=4-5', 'if-range': '"another"' }), [200, null, '0123456789']);
    assert.deepEqual(await part({ range: 'bytes=10-' }), [416, 'bytes */10', '']);
    assert.deepEqual(await part({ 'if-none-match': etag }), [304, null, '']);
    const head = await ask(`${proxy}/artifacts/ranges/ten.txt`, { method: 'HEAD' });
    assert.deepEqual([head.status, head.headers.get('content-length'), head.headers.get('etag')], [200, '10', etag]);
  });

  test('whatever runs in a browser is saved instead, in an origin of its own, and nobody guesses what it is', async () => {
    const types: Readonly<Record<string, string>> = {
      'page.html': 'text/html',
      'drawing.svg': 'image/svg+xml',
      'script.js': 'text/plain',
      'feed.xml': 'text/plain',
      'page.xhtml': 'application/octet-stream',
      MLmodel: 'text/plain',
      'model.pkl': 'application/octet-stream',
      'plot.png': 'image/png',
    };
    const run = await startRun();
    const folder = await bench.deps.training.artifactFolder(run);
    for (const [name, type] of Object.entries(types)) {
      await put(`${folder}/${name}`, '<script>alert(1)</script>');
      for (const path of [`${proxy}/artifacts/${folder}/${name}`, `/get-artifact?run_id=${run}&path=${name}`]) {
        const { headers } = await ask(path, { headers: { accept: 'text/html' } });
        assert.equal(headers.get('content-type'), type, name);
        assert.equal(headers.get('content-disposition'), `attachment; filename=${name}`);
        assert.equal(headers.get('x-content-type-options'), 'nosniff');
        assert.match(headers.get('content-security-policy') ?? '', /^sandbox; default-src 'none'/);
      }
    }
    await put('quoted/%22%3B%20filename%3Dx.html', 'x');
    const { headers } = await ask(`${proxy}/artifacts/quoted/%22%3B%20filename%3Dx.html`);
    assert.equal(headers.get('content-disposition'), "attachment; filename*=UTF-8''%22%3B%20filename%3Dx.html");
  });

  test('of a run are listed with its address, taken from a page and given by run and path', async () => {
    const run = await startRun();
    const uploaded = await ask(`/ajax-api/2.0/mlflow/upload-artifact?run_uuid=${run}&path=dir/test.txt`, { method: 'POST', body: 'hello' });
    assert.equal(uploaded.status, 200);
    await bench.deps.training.logArtifact(run, 'a.txt', new TextEncoder().encode('0'));
    const listed = async (query: string): Promise<unknown> => (await ask(`/api/2.0/mlflow/artifacts/list?${query}`)).json();
    const root_uri = `mlflow-artifacts:/${await bench.deps.training.artifactFolder(run)}`;
    assert.deepEqual(await listed(`run_id=${run}`), {
      root_uri,
      files: [
        { path: 'a.txt', is_dir: false, file_size: 1 },
        { path: 'dir', is_dir: true },
      ],
    });
    assert.deepEqual(await listed(`run_uuid=${run}&path=dir`), {
      root_uri,
      files: [{ path: 'dir/test.txt', is_dir: false, file_size: 5 }],
    });
    assert.equal(await (await ask(`/get-artifact?run_uuid=${run}&path=dir%2Ftest.txt`)).text(), 'hello');

    const said: Readonly<Record<string, string>> = {
      '': 'Request must specify run_uuid.',
      [`run_uuid=${run}`]: 'Request must specify path.',
      [`run_uuid=${run}&path=`]: 'Request must specify path.',
      [`run_uuid=${run}&path=../test.txt`]: 'Invalid path',
      [`run_uuid=${run}&path=test.txt`]: 'Request must specify data.',
    };
    for (const [query, message] of Object.entries(said)) {
      const response = await ask(`/ajax-api/2.0/mlflow/upload-artifact?${query}`, { method: 'POST' });
      assert.equal(await refused(response, 400, 'INVALID_PARAMETER_VALUE'), message);
    }
    await refused(await ask(`/get-artifact?run_id=${'0'.repeat(32)}&path=a`), 404, 'RESOURCE_DOES_NOT_EXIST');
  });

  test('come in parts, with the upload’s own key instead of credentials', async () => {
    const post = (path: string, body: object): Promise<Response> =>
      ask(`${proxy}/mpu/${path}`, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });
    const created = (await (await post('create/mpu/model', { path: '/home/ada/big.bin', num_parts: 2 })).json()) as Created;
    assert.equal(created.credentials.length, 2);
    const parts = await Promise.all(
      created.credentials.map(async ({ url, part_number, headers }) => {
        const response = await fetch(url, { method: 'PUT', headers, body: `part ${part_number};` });
        assert.equal(response.status, 200);
        return { part_number, etag: response.headers.get('etag'), url };
      }),
    );
    const [{ url, headers }] = created.credentials;
    await refused(await fetch(url, { method: 'PUT', body: 'x' }), 401, 'UNAUTHENTICATED');
    await refused(await fetch(url, { method: 'PUT', body: 'x', headers: { 'x-gyre-upload-key': 'guessed' } }), 401, 'UNAUTHENTICATED');
    await refused(await fetch(url.replace(/1$/, '3'), { method: 'PUT', body: 'x', headers }), 400, 'BAD_REQUEST');
    assert.deepEqual(await list('mpu/model'), [], 'nothing half');
    const whole = { path: 'big.bin', upload_id: created.upload_id, parts };
    assert.match(
      await refused(await post('complete/mpu/model', { ...whole, parts: parts.slice(1) }), 400, 'INVALID_PARAMETER_VALUE'),
      /part 1 of "mpu\/model\/big.bin"/,
    );
    for (let again = 0; again < 2; again++) assert.equal((await post('complete/mpu/model', whole)).status, 200);
    assert.equal(await (await ask(`${proxy}/artifacts/mpu/model/big.bin`)).text(), 'part 1;part 2;');

    const other = (await (await post('create/mpu', { path: 'C:\\data\\other.bin', num_parts: 1 })).json()) as Created;
    assert.equal((await post('abort/mpu', { path: 'other.bin', upload_id: other.upload_id })).status, 200);
    const late = await fetch(other.credentials[0].url, { method: 'PUT', body: 'x', headers: other.credentials[0].headers });
    await refused(late, 401, 'UNAUTHENTICATED');
    await refused(await post('create/mpu', { path: 'many.bin', num_parts: 10_001 }), 400, 'INVALID_PARAMETER_VALUE');
    await refused(await ask(`${proxy}/presigned/mpu/model/big.bin`), 501, 'NOT_IMPLEMENTED');
  });

  test('are refused beyond the limit, said in advance or not, and nothing is left', async () => {
    const chunk = new Uint8Array(300_000);
    const endless = new ReadableStream<Uint8Array>({ pull: (controller) => controller.enqueue(chunk) });
    // duplex: the body is a stream, which fetch has to be told
    const streamed = await ask(`${proxy}/artifacts/large/streamed`, { method: 'PUT', body: endless, duplex: 'half' } as Init);
    assert.match(await refused(streamed, 413, 'BAD_REQUEST'), /at most 1000000 bytes/);
    const declared = await ask(`${proxy}/artifacts/large/declared`, { method: 'PUT', body: new Uint8Array(1_000_001) });
    await refused(declared, 413, 'BAD_REQUEST');
    assert.deepEqual(await list('large'), []);
    assert.equal((await ask(`${proxy}/artifacts/large/fits`, { method: 'PUT', body: new Uint8Array(1_000_000) })).status, 200);
  });

  test('a full disk is said, leaves nothing half-written, and takes files again when there is room', async () => {
    isFull = true;
    try {
      const response = await ask(`${proxy}/artifacts/full/a.bin`, { method: 'PUT', body: new Uint8Array(500_000) });
      assert.match(await refused(response, 507, 'RESOURCE_EXHAUSTED'), /the disk is full/);
      assert.deepEqual(await list('full'), []);
    } finally {
      isFull = false;
    }
    assert.equal((await ask(`${proxy}/artifacts/full/a.bin`, { method: 'PUT', body: 'x' })).status, 200);
  });

  test('an upload that ends early leaves nothing', async () => {
    const { hostname, port } = new URL(bench.address);
    const socket = connect(Number(port), hostname);
    const head = `PUT ${proxy}/artifacts/early/a.txt HTTP/1.1\r\nhost: ${hostname}:${port}\r\nauthorization: Bearer ${token}\r\n`;
    await new Promise((resolve) => socket.write(`${head}content-length: 13\r\n\r\na long`, resolve));
    socket.destroy();
    assert.deepEqual(await list('early'), []);
    await put('early/a.txt', 'a long object');
  });

  test('what Gyre’s own trainers left is neither replaced nor deleted', async () => {
    await using loop = await openBench();
    await turnTheLoop(loop);
    const { items } = await loop.deps.training.listRuns({ status: 'FINISHED' });
    const run = items.find(({ study }) => study !== undefined);
    assert.ok(run !== undefined, 'the loop trained a model');
    const folder = await loop.deps.training.artifactFolder(run.id);
    const at = `${loop.address}${proxy}/artifacts/${folder}`;
    const headers = { authorization: `Bearer ${loop.tokens['data-scientist']}` };
    const before = await (await fetch(`${at}/model.onnx`, { headers })).bytes();
    assert.ok(before.length > 0);
    for (const path of [`${at}/model.onnx`, at]) {
      const said = await refused(await fetch(path, { method: 'DELETE', headers }), 400, 'INVALID_PARAMETER_VALUE');
      assert.match(said, /neither replaced nor deleted/);
    }
    await refused(await fetch(`${at}/model.onnx`, { method: 'PUT', headers, body: 'other' }), 400, 'INVALID_PARAMETER_VALUE');
    assert.deepEqual(await (await fetch(`${at}/model.onnx`, { headers })).bytes(), before);
  });

  test('reading needs a token, and writing the permission to log', async () => {
    await put('mine/a.txt', 'x');
    const path = `${bench.address}${proxy}/artifacts/mine/a.txt`;
    await refused(await fetch(path), 401, 'UNAUTHENTICATED');
    const stakeholder = { authorization: `Bearer ${bench.tokens.stakeholder}` };
    assert.equal((await fetch(path, { headers: stakeholder })).status, 200);
    for (const method of ['PUT', 'DELETE'])
      assert.match(await refused(await fetch(path, { method, headers: stakeholder }), 403, 'PERMISSION_DENIED'), /"log"/);
  });
});
