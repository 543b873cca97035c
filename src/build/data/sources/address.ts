import { GyreError } from '#core';

/** A database's address as records may hold it: without user, password and parameters. @throws GyreError INVALID_ARGUMENT without the text */
export function publicDatabase(address: string, kind: 'postgres' | 'mysql'): string {
  const url = URL.parse(address);
  const schemes = { postgres: ['postgres:', 'postgresql:'], mysql: ['mysql:', 'mariadb:'] }[kind];
  // the text itself could hold a secret
  if (url === null || !schemes.includes(url.protocol))
    throw new GyreError('INVALID_ARGUMENT', `the address of the database is none: ${kind}://user:password@host:port/database is needed`);
  return `${kind}://${url.host}${url.pathname}`;
}

/** What a database's client says, without the secrets of the address. */
export function withoutSecrets(message: string, address: string): string {
  const url = URL.parse(address);
  const secrets = [url?.password, decodeURIComponent(url?.password ?? '')].filter((secret) => secret !== undefined && secret !== '');
  return secrets.reduce<string>((text, secret) => text.replaceAll(String(secret), '***'), message.replaceAll(address, '…'));
}

const codes: Readonly<Record<string, 'UNAUTHENTICATED' | 'PERMISSION_DENIED' | 'UNAVAILABLE' | 'NOT_FOUND'>> = {
  '28P01': 'UNAUTHENTICATED',
  '28000': 'UNAUTHENTICATED',
  '42501': 'PERMISSION_DENIED',
  '3D000': 'NOT_FOUND',
  '57P01': 'UNAVAILABLE',
  '57P03': 'UNAVAILABLE',
  '53300': 'UNAVAILABLE',
  ECONNREFUSED: 'UNAVAILABLE',
  ECONNRESET: 'UNAVAILABLE',
  ENOTFOUND: 'UNAVAILABLE',
  ETIMEDOUT: 'UNAVAILABLE',
  EPIPE: 'UNAVAILABLE',
  PROTOCOL_CONNECTION_LOST: 'UNAVAILABLE',
  ER_ACCESS_DENIED_ERROR: 'UNAUTHENTICATED',
  ER_DBACCESS_DENIED_ERROR: 'PERMISSION_DENIED',
  ER_TABLEACCESS_DENIED_ERROR: 'PERMISSION_DENIED',
  ER_BAD_DB_ERROR: 'NOT_FOUND',
  ER_NO_SUCH_TABLE: 'NOT_FOUND',
  '42P01': 'NOT_FOUND',
  ER_SERVER_SHUTDOWN: 'UNAVAILABLE',
  ER_CONNECTION_KILLED: 'UNAVAILABLE',
};

/** What a database or the way to it says, in our words. */
export function databaseError(shown: string, address: string, error: unknown): GyreError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const several: readonly unknown[] = error instanceof AggregateError ? error.errors : [];
  const own = several[0] ?? error;
  const message = own instanceof Error && own.message !== '' ? own.message : code;
  const isLost = /terminated|closed|lost|timeout/i.test(message) && codes[code] === undefined;
  return new GyreError(codes[code] ?? (isLost ? 'UNAVAILABLE' : 'INVALID_ARGUMENT'), `${shown}: ${withoutSecrets(message, address)}`, {
    database: shown,
  });
}

/** A text as a literal of standard SQL. */
export const sqlLiteral = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** A query to stand in parentheses: without the semicolon that ends it. */
export const innerQuery = (query: string): string => query.trim().replace(/;\s*$/, '');

/** The millisecond after an instant: what lies beyond it, where instants have more digits than we keep. */
export const nextMillisecond = (instant: string): string => new Date(Date.parse(instant) + 1).toISOString();
