import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { hasCode } from '#core';
import { challengeOf, realmOf } from './challenge.ts';
import { referenceOf } from './reference.ts';
import { RegistryClient } from './registry-client.ts';

describe('who pushes', () => {
  let stack: AsyncDisposableStack;
  let registry = '';
  let other = '';
  /** What the other host was asked, and what it was told of who asks. */
  const seen: (readonly [string, string | undefined])[] = [];
  const basic = `Basic ${Buffer.from('pusher:secret').toString('base64')}`;

  const hosted = async (listener: RequestListener): Promise<string> => {
    const server = createServer(listener).listen(0, '127.0.0.1');
    stack.defer(async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    });
    await once(server, 'listening');
    const address = server.address();
    return `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  };

  before(async () => {
    stack = new AsyncDisposableStack();
    other = await hosted((request, response) => {
      const { url = '', headers } = request;
      seen.push([url, headers.authorization]);
      const challenge = url.startsWith('/basic') ? 'Basic realm="elsewhere"' : `Bearer realm="http://${other}/token",service="elsewhere"`;
      if (url.startsWith('/token')) response.end(JSON.stringify({ token: 'theirs' }));
      else response.writeHead(401, { 'www-authenticate': challenge }).end();
    });
    registry = await hosted(({ url = '', headers }, response) => {
      if (headers.authorization !== basic) response.writeHead(401, { 'www-authenticate': 'Basic realm="here"' }).end();
      else if (url.endsWith('/blobs/here')) response.end('a blob');
      else response.writeHead(307, { location: `http://${other}${url.slice(url.lastIndexOf('/'))}` }).end();
    });
  });
  after(() => stack.disposeAsync());

  test('is told to the registry that asks for it', async () => {
    const client = new RegistryClient(referenceOf(`${registry}/churn:1`), { credentials: { user: 'pusher', password: 'secret' } });
    const answer = await client.ask({ method: 'GET', path: 'blobs/here', expected: [200] });
    assert.equal(await answer.text(), 'a blob');
  });

  test('is told to no other host that the registry leads to, whatever that one asks for', async () => {
    for (const path of ['blobs/basic', 'blobs/bearer', new URL(`http://${other}/basic`), new URL(`http://${other}/bearer`)]) {
      const client = new RegistryClient(referenceOf(`${registry}/churn:1`), { credentials: { user: 'pusher', password: 'secret' } });
      await assert.rejects(
        client.ask({ method: 'GET', path, expected: [200] }),
        (error) => hasCode(error, 'UNAUTHENTICATED') && String(error).includes(other),
        String(path),
      );
    }
    assert.deepEqual(
      seen,
      ['/basic', '/bearer', '/basic', '/bearer'].map((url) => [url, undefined]),
    );
  });

  test('is told for a token over TLS alone, but for a registry of this machine that sends to this machine', () => {
    const { scheme, parameters } = challengeOf('Bearer Realm="https://auth.example.org/token",service="images"');
    assert.deepEqual([scheme, parameters], ['bearer', { realm: 'https://auth.example.org/token', service: 'images' }]);
    assert.equal(realmOf('https://auth.example.org/token', 'registry.example.org', false).host, 'auth.example.org');
    assert.equal(realmOf('http://127.0.0.1:5001/token', 'localhost:5000', false).port, '5001');
    assert.equal(realmOf('http://auth.example.org/token', 'registry.example.org', true).host, 'auth.example.org');
    for (const [realm, host] of [
      ['http://auth.example.org/token', 'registry.example.org'],
      ['http://auth.example.org/token', 'localhost:5000'],
      ['http://127.0.0.1:8080/token', 'registry.example.org'],
      ['file:///etc/passwd', 'localhost:5000'],
      ['https://user:word@auth.example.org/token', 'registry.example.org'],
      [undefined, 'registry.example.org'],
    ] as const)
      assert.throws(() => realmOf(realm, host, false), (error) => hasCode(error, 'FAILED_PRECONDITION'), realm); // prettier-ignore
  });
});
