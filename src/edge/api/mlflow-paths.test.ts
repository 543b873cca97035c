import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { sha256 } from '#core';
import { openBench } from './testing.ts';
import type { Bench } from './testing.ts';

/*
 * Each of these left the root of an MLflow server, or was meant to (CVE-2023-1177, -2023-2780, -2023-6018, -2023-6831, -2023-6909, -2023-6977,
 * -2024-1483, -2024-1558, -2024-1560, -2024-1593, -2024-1594, -2024-2928, -2024-3573, -2024-3848, and their kin).
 */
const hostile: readonly string[] = [
  '..',
  '../secret',
  'a/../../secret',
  '%2e%2e/secret',
  '%2E%2E%2Fsecret',
  '..%2fsecret',
  '%252e%252e/secret',
  '%252e%252e%252fsecret',
  '%25252e%25252e%25252fsecret',
  'a/%2e%2e/%2e%2e/secret',
  './a',
  'a/./b',
  'a//b',
  '/etc/passwd',
  '//etc/passwd',
  '%2fetc%2fpasswd',
  '%252fetc%252fpasswd',
  '..%5c..%5csecret',
  '..\\..\\secret',
  '%5c%5cserver%5cshare',
  'C:/windows/win.ini',
  'C%3a%5cwindows%5cwin.ini',
  'c:secret',
  'file:/etc/passwd',
  'file:///etc/passwd',
  'file%3a%2f%2f%2fetc%2fpasswd',
  'FILE:%2f%2fetc/passwd',
  'http://127.0.0.1/secret',
  'a%00b',
  'a%2500b',
  'a%0ab',
  'a%23/../../secret',
  'a%3f/../../secret',
  '%ef%bc%8e%ef%bc%8e/secret',
  '%e2%80%a5/secret',
  '%e2%80%a4%e2%80%a4/secret',
  '%e2%80%aegnp.exe',
  '%c0%ae%c0%ae/secret',
  '%ed%a0%80',
  `${'n'.repeat(256)}`,
  Array.from({ length: 1200 }, () => 'n').join('/'),
];

describe('paths that leave the root of artifacts', () => {
  let bench: Bench;
  let run: string;
  before(async () => {
    bench = await openBench();
    const environment = { gyre: '0.1.0', node: '26', platform: 'linux-x64', lock: sha256('lock') };
    const by = { identity: 'ada', name: 'Ada' };
    run = (await bench.deps.training.startRun({ code: { commit: null, dirty: false }, environment, by })).id;
  });
  after(() => bench[Symbol.asyncDispose]());

  /** As it stands, by a client that makes no path shorter. */
  const raw = async (method: string, path: string, body?: string): Promise<readonly [number, string]> => {
    const { hostname, port } = new URL(bench.address);
    const headers = {
      authorization: `Bearer ${bench.tokens['data-scientist']}`,
      ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)), 'content-type': 'application/json' }),
    };
    const asked = request({ hostname, port, method, path, headers });
    asked.end(body);
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    const chunks: Uint8Array[] = [];
    for await (const chunk of response) chunks.push(chunk as Uint8Array);
    return [response.statusCode ?? 0, Buffer.concat(chunks).toString()];
  };
  const everything = async (): Promise<readonly string[]> => (await bench.deps.training.artifacts.files('')).items.map(({ path }) => path);

  for (const path of hostile) {
    const shown = path.length > 60 ? `${path.slice(0, 20)}… of ${path.length} characters` : path;
    test(`${shown} is refused wherever a path is taken`, async () => {
      const before = await everything();
      const query = path.includes('%') ? path : encodeURIComponent(path);
      const root = '/api/2.0/mlflow-artifacts';
      const upload = JSON.stringify({ path: 'x', num_parts: 1, upload_id: 'none', parts: [{ part_number: 1, etag: 'x' }] });
      const answers = [
        await raw('PUT', `${root}/artifacts/${path.replaceAll('\\', '%5c')}`, 'hostile'),
        await raw('GET', `${root}/artifacts/${path.replaceAll('\\', '%5c')}`),
        await raw('DELETE', `${root}/artifacts/${path.replaceAll('\\', '%5c')}`),
        await raw('GET', `${root}/artifacts?path=${query}`),
        await raw('POST', `${root}/mpu/create/${path.replaceAll('\\', '%5c')}`, upload),
        await raw('POST', `${root}/mpu/complete/${path.replaceAll('\\', '%5c')}`, upload),
        await raw('POST', `${root}/mpu/create/folder`, JSON.stringify({ path: decoded(path), num_parts: 1 })),
        await raw('GET', `/api/2.0/mlflow/artifacts/list?run_id=${run}&path=${query}`),
        await raw('GET', `/get-artifact?run_id=${run}&path=${query}`),
        await raw('POST', `/ajax-api/2.0/mlflow/upload-artifact?run_uuid=${run}&path=${query}`, 'hostile'),
        await raw('GET', `/api/v1/runs/${run}/artifacts?folder=${query}`),
      ];
      for (const [at, [status, body]] of answers.entries()) {
        // An upload takes the last name of a local path, whatever stands before it.
        if (at === 6 && status === 200) continue;
        // Our API reads what is no UTF-8 as it stands: a name of percent signs.
        if (at === 10 && path.startsWith('%c0')) continue;
        assert.ok(status >= 400 && status < 500, `request ${at}: ${status} ${body.slice(0, 300)}`);
        assert.doesNotMatch(body, /root:x:|\n\s+at /);
      }
      assert.deepEqual(await everything(), before, 'nothing was stored');
    });
  }

  test('the file of an upload stands below its folder whatever the local path was', async () => {
    for (const path of ['/etc/passwd', '..\\..\\secret', '../../secret']) {
      const [status, body] = await raw('POST', '/api/2.0/mlflow-artifacts/mpu/create/folder', JSON.stringify({ path, num_parts: 1 }));
      assert.equal(status, 200, body);
    }
    for (const path of ['..', '/', 'a/..', 'a\u0000b']) {
      const [status] = await raw('POST', '/api/2.0/mlflow-artifacts/mpu/create/folder', JSON.stringify({ path, num_parts: 1 }));
      assert.equal(status, 400, path);
    }
  });

  test('an address that is no text is refused', async () => {
    for (const method of ['PUT', 'GET', 'DELETE']) {
      const [status] = await raw(method, '/api/2.0/mlflow-artifacts/artifacts/%zz');
      assert.equal(status, 400);
    }
  });

  test('an archive is a file like any other: its names are never opened', async () => {
    const name = 'zip/../../evil.zip';
    const [status] = await raw('PUT', `/api/2.0/mlflow-artifacts/artifacts/${name}`, 'PK\u0003\u0004../../etc/passwd');
    assert.equal(status, 400);
    const [stored] = await raw('PUT', '/api/2.0/mlflow-artifacts/artifacts/zip/evil.zip', 'PK\u0003\u0004../../etc/passwd');
    assert.equal(stored, 200);
    assert.deepEqual(
      (await bench.deps.training.artifacts.list('zip')).items.map(({ path }) => path),
      ['zip/evil.zip'],
    );
  });
});

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
