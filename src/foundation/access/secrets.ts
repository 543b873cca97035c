import { argon2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { GyreError, sha256 } from '#core';
import type { RandomBytes } from '#core';

const computeArgon2 = promisify(argon2);

const prefixes = { token: 'gyre_', session: 'gyres_', code: 'gyrec_' } as const;
export type SecretKind = keyof typeof prefixes;

/** A new secret of 256 random bits; its prefix tells what it is, also to those who search for leaked ones. */
export function newSecret(kind: SecretKind, randomBytes: RandomBytes): string {
  return prefixes[kind] + Buffer.from(randomBytes(32)).toString('base64url');
}

/** The kind of a secret by its form; undefined for what cannot be one of ours. */
export function kindOfSecret(secret: string): SecretKind | undefined {
  const match = /^(gyre_|gyres_|gyrec_)[A-Za-z0-9_-]{43}$/.exec(secret);
  if (match === null) return undefined;
  return match[1] === prefixes.token ? 'token' : match[1] === prefixes.session ? 'session' : 'code';
}

/** What is kept of a secret. With 256 random bits in it, one round of SHA-256 is enough: there is nothing to guess. */
export function hashOfSecret(secret: string): string {
  return sha256(secret);
}

/** Cost of a password hash: the second recommended option of RFC 9106 scaled by OWASP's password storage advice (19 MiB, 2 passes, 1 lane). */
const cost = { memory: 19_456, passes: 2, parallelism: 1 } as const;
const tagLength = 32;

/** Argon2id (RFC 9106) in the PHC string format, with a salt of its own. */
export async function hashPassword(password: string, randomBytes: RandomBytes): Promise<string> {
  const salt = Buffer.from(randomBytes(16));
  const tag = await compute(password, salt, cost, tagLength);
  return `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.parallelism}$${unpadded(salt)}$${unpadded(tag)}`;
}

/** Whether a password is the one that was hashed. @throws GyreError DATA_LOSS when the hash is none of ours */
export async function verifyPassword(password: string, phc: string): Promise<boolean> {
  const match = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(phc);
  if (match === null) throw new GyreError('DATA_LOSS', 'a stored password hash cannot be read; set the password again');
  const [, memory, passes, parallelism, salt, tag] = match;
  const expected = Buffer.from(tag, 'base64');
  const parameters = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism) };
  const actual = await compute(password, Buffer.from(salt, 'base64'), parameters, expected.length);
  return timingSafeEqual(actual, expected);
}

async function compute(
  password: string,
  nonce: Buffer,
  parameters: typeof cost | Record<keyof typeof cost, number>,
  length: number,
): Promise<Buffer> {
  // Unicode has several spellings of one letter; which one a keyboard sends must not matter.
  return computeArgon2('argon2id', { ...parameters, message: password.normalize('NFKC'), nonce, tagLength: length });
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
