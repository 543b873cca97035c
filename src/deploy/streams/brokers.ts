import { readFile, stat } from 'node:fs/promises';
import { Type, type Static } from 'typebox';
import { Check, Errors } from 'typebox/schema';
import { GyreError, messageOf } from '#core';
import { resolveReferences } from '#project';
import { brokerText, topicFromText } from './addresses.ts';
import type { TopicAddress } from './addresses.ts';

const Text = Type.String({ minLength: 1, maxLength: 10_000 });

/** How to sign in to a broker. Values may be `${env:NAME}`; `ca`, `cert`, `key` and `credentials` are paths of files. */
const Login = Type.Object(
  {
    user: Type.Optional(Text),
    password: Type.Optional(Text),
    /** Of NATS. */
    token: Type.Optional(Text),
    /** Of NATS: a `.creds` file. */
    credentials: Type.Optional(Text),
    /** Of Kafka; default `plain` where there is a user. */
    mechanism: Type.Optional(Type.Union([Type.Literal('plain'), Type.Literal('scram-sha-256'), Type.Literal('scram-sha-512')])),
    ca: Type.Optional(Text),
    cert: Type.Optional(Text),
    key: Type.Optional(Text),
  },
  { additionalProperties: false },
);

const BrokerFile = Type.Record(Type.String(), Login);
type BrokerFile = Static<typeof BrokerFile>;

/** What a connection is opened with: files are read, references resolved. */
export interface BrokerLogin {
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  readonly credentials?: string;
  readonly mechanism?: Static<typeof Login>['mechanism'];
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** The brokers that whoever runs Gyre has named, with how to sign in. */
export interface BrokerBook {
  readonly names: readonly string[];
  /** @returns undefined for a broker that is not named @throws GyreError when a file or variable that it names is not there */
  loginOf(address: TopicAddress): Promise<BrokerLogin | undefined>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Nothing is named. */
export const noBrokers: BrokerBook = { names: [], loginOf: () => Promise.resolve(undefined) };

/**
 * Reads the file of brokers: JSON, `{"nats://host:4222": {"user": "…", "password": "${env:NATS_PASSWORD}"}}`. What signs in to one broker is
 * never sent to another.
 * @param path absolute
 * @throws GyreError NOT_FOUND when it cannot be read, INVALID_ARGUMENT naming the member that is wrong, FAILED_PRECONDITION when others may read
 * a file with passwords
 */
export async function readBrokers(path: string, environment: Environment): Promise<BrokerBook> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new GyreError('NOT_FOUND', `the file of brokers cannot be read: ${messageOf(error)}`, { path }, { cause: error });
  });
  const file = fileOf(text, path);
  const secrets = Object.values(file).some(({ password, token }) =>
    [password, token].some((one) => one !== undefined && !one.startsWith('${')),
  );
  // oxlint-disable-next-line no-bitwise -- permission bits
  if (secrets && ((await stat(path)).mode & 0o077) !== 0)
    throw new GyreError(
      'FAILED_PRECONDITION',
      `${path} holds passwords and others may read it: chmod 600 ${path}, or name \${env:NAME} there`,
    );
  const logins = new Map(
    Object.entries(file).map(([name, login]) => [
      brokerText(topicFromText(`${name.replace(/\/+$/, '')}/x`, `"${name}" in ${path}`)),
      login,
    ]),
  );
  return {
    names: [...logins.keys()],
    async loginOf(address) {
      const login = logins.get(brokerText(address));
      return login === undefined ? undefined : settled(login, environment);
    },
  };
}

function fileOf(text: string, path: string): BrokerFile {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // What the parser says quotes the text, which may hold passwords.
    throw new GyreError('INVALID_ARGUMENT', `${path} is no JSON`, { path });
  }
  if (Check(BrokerFile, json)) return json;
  const [, [first]] = Errors(BrokerFile, json);
  throw new GyreError('INVALID_ARGUMENT', `${path}: ${first.instancePath === '' ? 'the file' : first.instancePath} ${first.message}`, {
    path,
  });
}

async function settled(login: Static<typeof Login>, environment: Environment): Promise<BrokerLogin> {
  const { mechanism, ...texts } = login;
  const found: [string, string][] = [];
  for (const [name, text] of Object.entries(texts)) {
    const value = resolveReferences(text, environment);
    found.push([name, ['ca', 'cert', 'key', 'credentials'].includes(name) ? await fileText(value) : value]);
  }
  return { ...Object.fromEntries(found), ...(mechanism === undefined ? {} : { mechanism }) };
}

async function fileText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch((error: unknown) => {
    throw new GyreError(
      'NOT_FOUND',
      `a file that the file of brokers names cannot be read: ${messageOf(error)}`,
      { path },
      { cause: error },
    );
  });
}
