import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { settleSettings } from './settings.ts';
import { smtpServerOf } from './smtp-settings.ts';

describe('the server of e-mail in the settings', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gyre-smtp-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  const serverOf = (environment: Readonly<Record<string, string>>) => {
    const { values, resolved } = settleSettings(folder, { environment });
    return { server: smtpServerOf(values, environment), shown: JSON.stringify(resolved) };
  };
  const usual = { GYRE_SMTP_HOST: 'mail.example.org', GYRE_SMTP_FROM: 'gyre@example.org' };

  test('is none where no host is named, and asks for TLS where one is', () => {
    assert.equal(serverOf({}).server, undefined);
    assert.deepEqual(serverOf(usual).server, { host: 'mail.example.org', port: 587, tls: 'starttls', from: 'gyre@example.org' });
  });

  test('has its password from a variable or a file, and no setting shows it', () => {
    const signed = { ...usual, GYRE_SMTP_USER: 'gyre', GYRE_SMTP_PASSWORD: 'of the variable' };
    assert.equal(serverOf(signed).server?.password, 'of the variable');
    assert.ok(!serverOf(signed).shown.includes('of the variable'));
    writeFileSync(join(folder, 'password'), 'of the file\n');
    assert.equal(serverOf({ ...signed, GYRE_SMTP_PASSWORD_FILE: join(folder, 'password') }).server?.password, 'of the file');
    assert.throws(() => serverOf({ ...signed, GYRE_SMTP_PASSWORD: '' }), /GYRE_SMTP_PASSWORD or GYRE_SMTP_PASSWORD_FILE is needed/);
  });

  test('is refused where it is wrong, or a password would go in the clear', () => {
    assert.throws(() => serverOf({ ...usual, GYRE_SMTP_TLS: 'maybe' }), /starttls, implicit or none/);
    assert.throws(() => serverOf({ ...usual, GYRE_SMTP_FROM: 'gyre' }), /GYRE_SMTP_FROM/);
    const clear = { ...usual, GYRE_SMTP_TLS: 'none', GYRE_SMTP_USER: 'gyre', GYRE_SMTP_PASSWORD: 'x' };
    assert.throws(() => serverOf(clear), /in the clear/);
    assert.equal(serverOf({ ...clear, GYRE_SMTP_HOST: '127.0.0.1' }).server?.tls, 'none');
  });
});
