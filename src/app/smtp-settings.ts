import { readFileSync } from 'node:fs';
import { GyreError } from '#core';
import type { SmtpServer } from '#mail';
import { isLoopback } from './settings.ts';
import type { PlatformSettings } from './settings.ts';

const mailbox = /^[^\s@<>"]+@[^\s@<>"]+$/;

/**
 * The server that takes e-mail, as the settings say; undefined without one.
 * @param environment has the password, unless it is in a file
 * @throws GyreError INVALID_ARGUMENT naming the variable that is wrong; FAILED_PRECONDITION where a password would go in the clear
 */
export function smtpServerOf(values: PlatformSettings, environment: Readonly<Record<string, string | undefined>>): SmtpServer | undefined {
  const { smtpHost: host, smtpPort: port, smtpTls: tls, smtpFrom: from, smtpUser: user, smtpPasswordFile, smtpCa } = values;
  if (host === '') return undefined;
  if (tls !== 'starttls' && tls !== 'implicit' && tls !== 'none')
    throw new GyreError('INVALID_ARGUMENT', `GYRE_SMTP_TLS is "${tls}": starttls, implicit or none are right`);
  if (!mailbox.test(from))
    throw new GyreError('INVALID_ARGUMENT', `GYRE_SMTP_FROM is "${from}": an address such as gyre@example.org is needed`);
  if (!(port > 0 && port < 65_536)) throw new GyreError('INVALID_ARGUMENT', `GYRE_SMTP_PORT is ${port}: a port is between 1 and 65535`);
  const server: SmtpServer = { host, port, tls, from, ...(smtpCa === '' ? {} : { ca: textOf(smtpCa, 'GYRE_SMTP_CA') }) };
  if (user === '') return server;
  if (tls === 'none' && !isLoopback(host))
    throw new GyreError(
      'FAILED_PRECONDITION',
      `a password would go to "${host}" in the clear: GYRE_SMTP_TLS=starttls or implicit is needed`,
    );
  const password = smtpPasswordFile === '' ? environment['GYRE_SMTP_PASSWORD'] : textOf(smtpPasswordFile, 'GYRE_SMTP_PASSWORD_FILE').trim();
  if (password === undefined || password === '')
    throw new GyreError(
      'INVALID_ARGUMENT',
      `GYRE_SMTP_USER signs in with a password: GYRE_SMTP_PASSWORD or GYRE_SMTP_PASSWORD_FILE is needed`,
    );
  return { ...server, user, password };
}

function textOf(path: string, variable: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new GyreError('INVALID_ARGUMENT', `${variable}: "${path}" cannot be read`, {}, { cause });
  }
}
