import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import { describe, test } from 'node:test';
import { openApi } from './api.ts';
import { openBench } from './testing.ts';
import { selfSigned } from './testing-certificate.ts';

function ask(
  address: string,
  { ca, method = 'GET', token }: { readonly ca: string; readonly method?: string; readonly token?: string },
): Promise<{ readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    request(address, { ca, method, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    })
      .on('error', reject)
      .end();
  });
}

describe('with a certificate', () => {
  test('the API speaks HTTPS, and the session’s cookie never travels without it', async () => {
    const tls = selfSigned();
    await using bench = await openBench({ tls });
    assert.match(bench.address, /^https:/);
    assert.equal((await ask(`${bench.address}/health`, { ca: tls.cert })).status, 200);
    const made = await ask(`${bench.address}/api/v1/one-time-codes`, { ca: tls.cert, method: 'POST', token: bench.tokens.qa });
    const { path } = JSON.parse(made.body) as { path: string };
    const login = await ask(bench.address + path, { ca: tls.cert });
    assert.match(login.headers['set-cookie']?.[0] ?? '', /HttpOnly; SameSite=Strict; .*; Secure$/);
  });

  test('a key that does not fit the certificate is refused at the start', async () => {
    await using bench = await openBench();
    const tls = { cert: selfSigned().cert, key: selfSigned().key };
    await assert.rejects(openApi({ ...bench.deps, tls }), { code: 'INVALID_ARGUMENT', message: /certificate and key cannot be used/ });
  });
});
