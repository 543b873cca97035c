import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { blobsPlaceOf, dataMemoryOf, defaultLevelOf, hostNamesOf, isLoopback, settleSettings } from './settings.ts';

/** Self-signed, of a key that was thrown away; its names: DNS:gyre.example, DNS:*.example, IP:10.0.0.1. */
const certificate = `-----BEGIN CERTIFICATE-----
MIIBmDCCAT+gAwIBAgIUByxtwhW7pioR3ykuREvfcjE04rYwCgYIKoZIzj0EAwIw
DDEKMAgGA1UEAwwBeDAgFw0yNjExMjExMjE5MTBaGA8yMTI2MTAyODEyMTkxMFow
DDEKMAgGA1UEAwwBeDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABCzUkPc3YR2K
wBmUpvSikZAlHDFJBAHK2gqnlKFu3WPnbmqnGxJd6rQQCIMbiD8986OZxDC+sWT0
pawsQbuOf7mjfTB7MB0GA1UdDgQWBBQUY7/ZrTzoytbaC7dD3qLY3zfNqDAfBgNV
HSMEGDAWgBQUY7/ZrTzoytbaC7dD3qLY3zfNqDAPBgNVHRMBAf8EBTADAQH/MCgG
A1UdEQQhMB+CDGd5cmUuZXhhbXBsZYIJKi5leGFtcGxlhwQKAAABMAoGCCqGSM49
BAMCA0cAMEQCIElSeiHXWVqIanh6IglqyJJAfx2OPqy13nRAEH7KIr4EAiAZZSPr
Ll/X0X0u82FJEb83rBOweE4AMDKd2jFbMKe6fg==
-----END CERTIFICATE-----`;

describe('the platform’s settings', () => {
  test('come from flag, environment, file and default, in this order, and say so', () => {
    const { values, resolved, dataFolder } = settleSettings('/project', {
      flags: { port: 1 },
      environment: { GYRE_PORT: '2', GYRE_HOST: '127.0.0.2', GYRE_DATABASE: 'postgres://someone:secret@db/x' },
      file: { path: 'gyre.yaml', values: { port: 3, host: '127.0.0.3', logLevel: 'warn' } },
    });
    assert.deepEqual([values.port, values.host, values.logLevel, values.workers], [1, '127.0.0.2', 'warn', 0]);
    const sourceOf = (name: string): string | undefined => resolved.find((one) => one.name === name)?.source;
    assert.deepEqual(['port', 'host', 'logLevel', 'workers'].map(sourceOf), ['flag', 'environment', 'file', 'default']);
    assert.equal(resolved.find(({ name }) => name === 'database')?.value, '***', 'a secret is not shown');
    assert.equal(dataFolder, '/project/.gyre');
  });

  test('say where blobs are: in the data folder, in another folder, or in a bucket', () => {
    const place = (environment: Record<string, string>) =>
      blobsPlaceOf(settleSettings('/project', { environment }), { blobs: '/project/.gyre/blobs', blobCache: '/project/.gyre/blob-cache' });
    const copies = { cache: '/project/.gyre/blob-cache', cacheBytes: 20e9 };
    assert.deepEqual(place({}), { address: '/project/.gyre/blobs', ...copies });
    assert.equal(place({ GYRE_BLOBS: '/elsewhere' }).address, '/elsewhere');
    assert.equal(place({ GYRE_BLOBS: 'nearby' }).address, '/project/.gyre/nearby');
    assert.deepEqual(place({ GYRE_BLOBS: 's3://bucket/x', GYRE_S3_ENDPOINT: 'http://s3', GYRE_S3_REGION: 'r', GYRE_BLOB_CACHE_MB: '5' }), {
      address: 's3://bucket/x',
      cache: '/project/.gyre/blob-cache',
      cacheBytes: 5e6,
      s3Endpoint: 'http://s3',
      s3Region: 'r',
    });
  });

  test('what holds on records without grants is one of the levels', () => {
    const level = (environment: Record<string, string>): string => defaultLevelOf(settleSettings('/project', { environment }).values);
    assert.equal(level({}), 'ROLES');
    assert.equal(level({ GYRE_DEFAULT_PERMISSION: 'READ' }), 'READ');
    for (const wrong of ['DENY', 'read'])
      assert.throws(() => level({ GYRE_DEFAULT_PERMISSION: wrong }), /it may be ROLES, NO_PERMISSIONS, READ, USE, EDIT, MANAGE/);
  });

  test('say what the engine of tables may take, and refuse what is too little to work with', () => {
    const memory = (environment: Record<string, string>): number => dataMemoryOf(settleSettings('/project', { environment }).values);
    assert.deepEqual([memory({}), memory({ GYRE_DATA_MEMORY_MIB: '300' })], [1024, 300]);
    assert.throws(() => memory({ GYRE_DATA_MEMORY_MIB: '100' }), {
      code: 'INVALID_ARGUMENT',
      message: /GYRE_DATA_MEMORY_MIB is 100; at least 256/,
    });
  });

  test('know which addresses only this machine reaches', () => {
    assert.deepEqual(['127.0.0.1', '127.8.8.8', '::1', 'localhost', '0.0.0.0', '::', '192.168.1.2'].map(isLoopback), [
      true,
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  test('answer to the names that were given and to those of the certificate', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gyre-settings-'));
    try {
      const tlsCert = join(folder, 'cert.pem');
      await writeFile(tlsCert, certificate);
      assert.deepEqual(hostNamesOf({ hostNames: ' other.example, gyre.example', tlsCert }), ['other.example', 'gyre.example']);
      assert.deepEqual(hostNamesOf({ hostNames: '', tlsCert }), ['gyre.example']);
      assert.deepEqual(hostNamesOf({ hostNames: '', tlsCert: '' }), []);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
