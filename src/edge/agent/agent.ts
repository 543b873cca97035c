import { writeFileSync } from 'node:fs';
import { GyreError, hasCode, messageOf } from '#core';
import { agentFolder } from './agent-folder.ts';
import { openContact } from './contact.ts';
import { pinnedKey } from './enrolment.ts';
import { Keeper } from './keeper.ts';
import { pause, Pauses } from './pauses.ts';
import type { AgentDeps, Contact } from './port.ts';
import { reportOf } from './report.ts';
import { sendSegments } from './send-segments.ts';

/** What an agent hears from a platform that does not know it. */
const strangers = ['UNAUTHENTICATED', 'PERMISSION_DENIED', 'NOT_FOUND', 'FAILED_PRECONDITION'] as const;

/**
 * Makes an environment's desired state true on this machine until the signal aborts: fetches, checks, has it served, reports, and sends the prediction
 * log. While the platform is away it goes on serving; started without it, it serves what it served last.
 */
export async function runAgent(deps: AgentDeps): Promise<void> {
  const { enrolment, times, signal, say } = deps;
  const folder = agentFolder(deps.folder, deps.replaceFile);
  writeFileSync(folder.key, pinnedKey(enrolment).export({ type: 'spki', format: 'pem' }), { mode: 0o600 });
  const ended = new AbortController();
  const contact = openContact(enrolment, ended.signal);
  await using plane = deps.openPlane((paths) => sendSegments(contact, paths, say));
  const keeper = new Keeper({ ...deps, plane, contact, agentFolder: folder, memory: await folder.remembered() });
  const presence = new Presence(say, enrolment.server);
  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => stop(), { once: true });
  if (signal.aborted) return;

  await keeper.takeUp();
  const loops = [
    follow(deps, keeper, contact, presence),
    every(deps, times.reportMs, presence, keeper.onChange, async () => {
      await contact.post('reports', await reportOf({ ...deps, plane, keeper }));
      presence.here();
    }),
    every(deps, times.shipMs, presence, undefined, async () => {
      // What is not to be sent now is better left in few large pieces.
      if (presence.isThere) await plane.ship();
    }),
  ];
  await stopped;
  // What the data plane is sending when it is stopped is a part of the last try.
  const lastTry = setTimeout(() => ended.abort(), times.lastTryMs);
  await plane.stop();
  if (presence.isThere) await plane.ship().catch(() => undefined);
  clearTimeout(lastTry);
  // A call that waits for news would be waited for.
  ended.abort();
  await Promise.all(loops);
}

/** Asks what is to be served, for ever. */
async function follow(deps: AgentDeps, keeper: Keeper, contact: Contact, presence: Presence): Promise<void> {
  const { times, signal } = deps;
  const pauses = new Pauses(deps);
  while (!signal.aborted) {
    const after = keeper.after();
    try {
      const waitMs = Math.round(Math.min(times.waitMs, keeper.retryInMs()));
      const answer = await untilAborted(contact.get(`desired?after=${after}&waitMs=${waitMs}`, { timeoutMs: waitMs + 15_000 }), signal);
      presence.here();
      const isTaken = await keeper.take(answer);
      // What was not believed is not asked for again at once.
      if (isTaken) pauses.succeeded();
      else await pauses.afterFailure();
    } catch (error) {
      if (signal.aborted) return;
      presence.away(error);
      if (!keeper.isServing) await keeper.takeUp();
      await pauses.afterFailure();
    }
  }
}

/** Does something again and again; what fails is tried after a pause. @param onNews tells when it is to be done before its time, until what it returns is called */
async function every(
  deps: AgentDeps,
  ms: number,
  presence: Presence,
  onNews: ((listener: () => void) => () => void) | undefined,
  work: () => Promise<void>,
): Promise<void> {
  const { signal } = deps;
  const pauses = new Pauses(deps);
  while (!signal.aborted) {
    // What changes while it is done is done at once afterwards.
    const early = new AbortController();
    const listenNoMore = onNews?.(() => early.abort());
    try {
      await work();
      pauses.succeeded();
      await pause(ms, AbortSignal.any([signal, early.signal]));
    } catch (error) {
      if (signal.aborted) return;
      presence.away(error);
      await pauses.afterFailure();
    } finally {
      listenNoMore?.();
    }
  }
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(new GyreError('CANCELLED', 'the agent stops'));
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/** Whether the platform is there, said once when that changes. */
class Presence {
  readonly #say: (line: string) => void;
  readonly #server: string;
  #state: 'unknown' | 'here' | 'away' = 'unknown';

  constructor(say: (line: string) => void, server: string) {
    this.#say = say;
    this.#server = server;
  }

  get isThere(): boolean {
    return this.#state === 'here';
  }

  here(): void {
    if (this.#state !== 'here') this.#say(this.#state === 'away' ? `${this.#server} answers again` : `connected to ${this.#server}`);
    this.#state = 'here';
  }

  away(error: unknown): void {
    const isStranger = strangers.some((code) => hasCode(error, code));
    if (this.#state !== 'away')
      this.#say(
        `${messageOf(error)}; ${isStranger ? 'the platform does not take this agent' : 'the platform is away'}: what is served goes on`,
      );
    this.#state = 'away';
  }
}
