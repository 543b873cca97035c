import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openStore } from '#store';
import { mailContract } from './contract.ts';
import { smtpClient } from './smtp.ts';
import { openSmtpStand } from './testing.ts';

mailContract('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'gyre-mail-'));
  return {
    open: () => openStore({ url: `sqlite:${join(folder, 'gyre.db')}` }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
});

describe('an SMTP server', () => {
  const letter = {
    id: 'e.1',
    topic: 'sign_off.wanted',
    event: 'e',
    identity: 'ada',
    subject: 'Gyre: naïve\r\nBcc: x@example.org',
    text: '.\nwaits\n',
  } as const;

  const skip = spawnSync('openssl', ['version']).status === 0 ? false : 'openssl, which makes the certificate, is not here';

  test('is spoken to over TLS, with user and password, where it offers that', { skip }, async () => {
    const certificate = await selfSigned();
    await using stand = await openSmtpStand(certificate);
    const server = {
      host: '127.0.0.1',
      port: stand.port,
      tls: 'starttls',
      from: 'gyre@example.org',
      user: 'gyre',
      password: 'secret',
    } as const;
    const client = await smtpClient({ ...server, ca: certificate.cert });
    assert.equal(await client.send(letter, 'ada@example.org', 0), undefined);
    const [taken] = stand.taken;
    assert.deepEqual([taken.to, taken.isEncrypted, taken.signedIn], [['ada@example.org'], true, 'gyre:secret']);
    assert.doesNotMatch(taken.text, /^Bcc/m, 'a subject makes no header');
    const stranger = await smtpClient(server);
    assert.match((await stranger.send(letter, 'ada@example.org', 0))?.error ?? '', /self-signed/, 'a certificate that nobody vouches for');
  });

  test('gets nothing in the clear where TLS is wanted', async () => {
    await using stand = await openSmtpStand();
    const client = await smtpClient({
      host: '127.0.0.1',
      port: stand.port,
      tls: 'starttls',
      from: 'gyre@example.org',
      user: 'gyre',
      password: 'secret',
    });
    const refusal = await client.send(letter, 'ada@example.org', 0);
    assert.equal(refusal?.passes, true);
    assert.ok(!refusal.error.includes('secret'));
    assert.deepEqual(stand.taken, []);
  });
});

async function selfSigned(): Promise<{ readonly cert: string; readonly key: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'gyre-mail-'));
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  try {
    const asked =
      'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1';
    execFileSync('openssl', [...asked.split(' '), '-keyout', keyFile, '-out', certFile], { stdio: 'ignore' });
    return { cert: await readFile(certFile, 'utf8'), key: await readFile(keyFile, 'utf8') };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
