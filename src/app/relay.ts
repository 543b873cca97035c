import { randomInt, randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import type { RelayFlags } from '#cli';
import { GyreError, systemClock } from '#core';
import { openLock } from './data-folder.ts';
import { Relay, serveRelay, Upstream } from '#relay';

/** So long the server may say nothing to a request before it counts as away. */
const idleMs = 30_000;

/** Between attempts to reach a server that is away, the longest. */
const retryMs = 5_000;

/**
 * Runs a relay until the signal aborts. What it kept stays in the folder for the next one.
 * @throws GyreError INVALID_ARGUMENT for an address that is none, ALREADY_EXISTS when another relay has the folder or the port is taken
 */
export async function relay(flags: RelayFlags): Promise<void> {
  const to = serverAddress(flags.to);
  mkdirSync(flags.journal, { recursive: true, mode: 0o700 });
  // SQLite's lock on a small file: the kernel lets go of it however the process ends.
  using _lock = holdFolder(flags.journal);
  const authorization = authorizationOf(flags.environment);
  await using running = await Relay.open({
    folder: flags.journal,
    to,
    upstream: new Upstream({ to, idleMs, ...(authorization === undefined ? {} : { authorization }) }),
    clock: systemClock,
    limitBytes: flags.limitBytes,
    retryMs,
    say: flags.say,
  });
  await using server = await serveRelay({
    relay: running,
    clock: systemClock,
    ids: {
      hex: () => randomBytes(16).toString('hex'),
      digits: () => `${randomInt(1, 10)}${Array.from({ length: 17 }, () => randomInt(10)).join('')}`,
      below: (bound) => randomInt(bound),
    },
    port: flags.port,
    say: flags.say,
  });
  flags.ready({ address: server.address, waiting: running.status.waiting });
  if (!flags.signal.aborted) await new Promise((resolve) => flags.signal.addEventListener('abort', resolve, { once: true }));
}

function serverAddress(text: string): URL {
  const url = URL.parse(text);
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.username !== '' || url.password !== '')
    throw new GyreError('INVALID_ARGUMENT', `--to needs the server's address, such as https://gyre.example:7070, and no password in it`);
  return url;
}

/** As MLflow's clients find it: a token, or a name with a password. */
function authorizationOf(environment: RelayFlags['environment']): string | undefined {
  const {
    MLFLOW_TRACKING_TOKEN: mlflowToken,
    MLFLOW_TRACKING_USERNAME: name,
    MLFLOW_TRACKING_PASSWORD: password,
    GYRE_TOKEN: ownToken,
  } = environment;
  const token = mlflowToken ?? ownToken;
  if (token !== undefined && token !== '') return `Bearer ${token}`;
  if (name === undefined || password === undefined) return undefined;
  return `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
}

function holdFolder(folder: string): Disposable {
  try {
    const lock = openLock(folder, 0);
    return { [Symbol.dispose]: () => lock.close() };
  } catch (error) {
    throw new GyreError('ALREADY_EXISTS', `another relay has ${folder}; --journal names another folder`, {}, { cause: error });
  }
}
