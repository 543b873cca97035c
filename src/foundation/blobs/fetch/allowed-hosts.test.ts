import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { describe, test } from 'node:test';
import { allowedHosts } from './allowed-hosts.ts';

describe('hosts that may be asked', () => {
  test('are judged by the very address that is connected to, so that a name which leads elsewhere the second time is no way in', async () => {
    let asked = 0;
    const server = createServer((_request, response) => {
      asked += 1;
      response.end('secret');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? String(address.port) : '';
    const answers = ['93.184.215.14', '127.0.0.1', '::1', '169.254.169.254'];
    let turn = 0;
    const hosts = allowedHosts('public', 'GYRE_WEBHOOK_HOSTS', 'webhooks may go there', (_name, _options, done) => {
      const found = answers[Math.min(turn++, answers.length - 1)];
      done(null, [{ address: found, family: found.includes(':') ? 6 : 4 }]);
    });
    try {
      // The name passes, as it may lead anywhere; the first answer is one of the public internet.
      hosts.require('rebind.example.org', port);
      const lookup = hosts.lookupFor('rebind.example.org', port);
      assert.ok(lookup !== undefined);
      const first = await new Promise((resolve, reject) => {
        lookup('rebind.example.org', {}, (error, found) => (error === null ? resolve(found) : reject(error)));
      });
      assert.equal(first, '93.184.215.14');
      for (const found of answers.slice(1)) {
        const asking = request({ hostname: 'rebind.example.org', port, lookup, agent: false });
        asking.end();
        const [error] = (await once(asking, 'error')) as [Error];
        assert.ok(error.message.includes(`leads to ${found}, which is not allowed`), error.message);
      }
      assert.equal(asked, 0);
    } finally {
      server.close();
    }
  });

  test('of several addresses only those that are allowed are connected to', async () => {
    const hosts = allowedHosts('public', 'GYRE_FETCH_HOSTS', undefined, (_name, _options, done) =>
      done(null, [
        { address: '10.0.0.1', family: 4 },
        { address: '2606:2800:21f::1', family: 6 },
        { address: '::ffff:10.0.0.1', family: 6 },
      ]),
    );
    const lookup = hosts.lookupFor('mixed.example.org', '80');
    assert.ok(lookup !== undefined);
    const found = await new Promise((resolve, reject) => {
      lookup('mixed.example.org', { all: true }, (error, all) => (error === null ? resolve(all) : reject(error)));
    });
    assert.deepEqual(found, [{ address: '2606:2800:21f::1', family: 6 }]);
  });
});
