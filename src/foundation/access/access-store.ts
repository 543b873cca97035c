import type { Identity, Role, Token } from '#contract';
import { isoInstant } from '#core';
import type { Db, Tx } from '#store';

export interface IdentityRow {
  id: string;
  name: string;
  roles: Role[];
  simulated: boolean;
  disabled: boolean;
  owner: boolean;
  password: string | null;
  created_at: number;
}

export interface TokenRow {
  id: string;
  identity: string;
  label: string;
  hash: string;
  created_at: number;
  expires_at: number | null;
  revoked_at: number | null;
}

interface BrowserSecretRow {
  hash: string;
  kind: 'code' | 'session';
  identity: string;
  created_at: number;
  expires_at: number;
}

interface AttemptRow {
  account: string;
  failures: number;
  locked_until: number;
}

interface Tables {
  identities: IdentityRow;
  tokens: TokenRow;
  browser_secrets: BrowserSecretRow;
  login_attempts: AttemptRow;
}

const from = (db: Db): ReturnType<typeof db.tables<Tables>> => db.tables<Tables>();

export function identityOf(row: IdentityRow): Identity {
  const { id, name, roles, simulated, disabled, created_at } = row;
  return { id, name, roles, simulated, disabled, createdAt: isoInstant(created_at) };
}

export function tokenOf(row: TokenRow): Token {
  return {
    id: row.id,
    identity: row.identity,
    label: row.label,
    createdAt: isoInstant(row.created_at),
    ...(row.expires_at === null ? {} : { expiresAt: isoInstant(row.expires_at) }),
    ...(row.revoked_at === null ? {} : { revokedAt: isoInstant(row.revoked_at) }),
  };
}

export function findIdentity(db: Db, by: { readonly id: string } | { readonly name: string }): Promise<IdentityRow | undefined> {
  const query = from(db).selectFrom('identities').selectAll();
  return ('id' in by ? query.where('id', '=', by.id) : query.where('name', '=', by.name)).executeTakeFirst();
}

export function findOwner(db: Db): Promise<IdentityRow | undefined> {
  return from(db).selectFrom('identities').selectAll().where('owner', '=', true).executeTakeFirst();
}

/** In the order in which they were made. */
export function listIdentities(db: Db): Promise<IdentityRow[]> {
  return from(db).selectFrom('identities').selectAll().orderBy('created_at').orderBy('name').execute();
}

export async function insertIdentity(tx: Tx, row: IdentityRow): Promise<void> {
  await from(tx).insertInto('identities').values(row).execute();
}

export async function updateIdentity(
  tx: Tx,
  id: string,
  change: Partial<Pick<IdentityRow, 'disabled' | 'password' | 'roles'>>,
): Promise<void> {
  await from(tx).updateTable('identities').set(change).where('id', '=', id).execute();
}

export function findToken(db: Db, by: { readonly id: string } | { readonly hash: string }): Promise<TokenRow | undefined> {
  const query = from(db).selectFrom('tokens').selectAll();
  return ('id' in by ? query.where('id', '=', by.id) : query.where('hash', '=', by.hash)).executeTakeFirst();
}

/** Who a token or a session stands for. */
export interface Credential {
  readonly identity: IdentityRow;
  readonly expiresAt: number | null;
  readonly isRevoked: boolean;
}

/** What a secret of a token leads to, in one query: each request asks for it. */
export async function findByToken(db: Db, hash: string): Promise<Credential | undefined> {
  const row = await from(db)
    .selectFrom('tokens')
    .innerJoin('identities', 'identities.id', 'tokens.identity')
    .selectAll('identities')
    .select(['tokens.expires_at', 'tokens.revoked_at'])
    .where('tokens.hash', '=', hash)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { expires_at: expiresAt, revoked_at: revokedAt, ...identity } = row;
  return { identity, expiresAt, isRevoked: revokedAt !== null };
}

/** What a secret of a session leads to. */
export async function findBySession(db: Db, hash: string): Promise<Credential | undefined> {
  const row = await from(db)
    .selectFrom('browser_secrets')
    .innerJoin('identities', 'identities.id', 'browser_secrets.identity')
    .selectAll('identities')
    .select('browser_secrets.expires_at')
    .where('browser_secrets.hash', '=', hash)
    .where('browser_secrets.kind', '=', 'session')
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { expires_at: expiresAt, ...identity } = row;
  return { identity, expiresAt, isRevoked: false };
}

/** Newest first. */
export function listTokens(db: Db, identity: string | undefined): Promise<TokenRow[]> {
  const query = from(db).selectFrom('tokens').selectAll().orderBy('created_at', 'desc').orderBy('id');
  return (identity === undefined ? query : query.where('identity', '=', identity)).execute();
}

export async function insertToken(tx: Tx, row: TokenRow): Promise<void> {
  await from(tx).insertInto('tokens').values(row).execute();
}

export async function markRevoked(tx: Tx, id: string, at: number): Promise<void> {
  await from(tx).updateTable('tokens').set({ revoked_at: at }).where('id', '=', id).execute();
}

export async function insertBrowserSecret(tx: Tx, row: BrowserSecretRow): Promise<void> {
  await from(tx).deleteFrom('browser_secrets').where('expires_at', '<', row.created_at).execute();
  await from(tx).insertInto('browser_secrets').values(row).execute();
}

export function findBrowserSecret(db: Db, kind: BrowserSecretRow['kind'], hash: string): Promise<BrowserSecretRow | undefined> {
  return from(db).selectFrom('browser_secrets').selectAll().where('hash', '=', hash).where('kind', '=', kind).executeTakeFirst();
}

/** @returns whether it was there: of two that delete one secret, one finds it */
export async function deleteBrowserSecret(tx: Tx, hash: string): Promise<boolean> {
  const [result] = await from(tx).deleteFrom('browser_secrets').where('hash', '=', hash).execute();
  return result.numDeletedRows > 0n;
}

export async function deleteBrowserSecretsOf(tx: Tx, identity: string): Promise<void> {
  await from(tx).deleteFrom('browser_secrets').where('identity', '=', identity).execute();
}

export function findAttempts(db: Db, account: string): Promise<AttemptRow | undefined> {
  return from(db).selectFrom('login_attempts').selectAll().where('account', '=', account).executeTakeFirst();
}

/** Replaces an account's row, and forgets accounts whose lock ended long ago. */
export async function putAttempts(tx: Tx, row: AttemptRow, forgetBefore: number): Promise<void> {
  await from(tx)
    .deleteFrom('login_attempts')
    .where((where) => where.or([where('account', '=', row.account), where('locked_until', '<', forgetBefore)]))
    .execute();
  await from(tx).insertInto('login_attempts').values(row).execute();
}

export async function clearAttempts(tx: Tx, account: string): Promise<void> {
  await from(tx).deleteFrom('login_attempts').where('account', '=', account).execute();
}
