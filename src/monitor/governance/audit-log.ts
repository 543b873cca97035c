import type { Actor, AuditEntry, AuditVerification } from '#contract';
import { digestOf, hasCode, messageOf } from '#core';
import type { AnyEvent } from '#events';
import { appendEntries, genesis, readHead, selectEntries } from './audit-store.ts';
import type { AuditHead } from './audit-store.ts';
import type { GovernanceDeps } from './port.ts';

type Deps = Pick<GovernanceDeps, 'store' | 'events' | 'actorOf' | 'onProblem'>;

const batch = 200;
/** What happens within so long is one transaction of the log; a training server makes many runs a second. */
const gatherMs = 250;

/**
 * The audit log follows the events, all of them, in their order. Its own head is its cursor: entries and head are one transaction, so
 * every event is in the log exactly once, whatever process writes it and whenever that dies.
 */
export class AuditLog implements AsyncDisposable {
  readonly #deps: Deps;
  readonly #stop = new AbortController();
  readonly #actors = new Map<string, Actor>();
  #appending: Promise<void> = Promise.resolve();
  readonly #following: Promise<void>;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#following = this.#follow();
  }

  /** Resolves when everything that was committed until now is in the log. @returns the position of its last entry */
  caughtUp(): Promise<number> {
    const run = this.#appending.then(() => this.#append());
    this.#appending = run.then(
      () => undefined,
      () => undefined,
    );
    return run;
  }

  /** The events only wake it: what it writes it reads in portions behind its own head. */
  async #follow(): Promise<void> {
    const { events, store, onProblem } = this.#deps;
    const { signal } = this.#stop;
    try {
      const { position } = await store.read(readHead);
      let seen = position;
      for await (const event of events.tail({ after: position, signal, gatherMs })) {
        if (event.position <= seen) continue;
        try {
          seen = await this.caughtUp();
        } catch (error) {
          // The next event, a reader or the next start tries again: the head says what is missing.
          onProblem?.(`the audit log could not be written: ${messageOf(error)}`);
        }
      }
    } catch (error) {
      if (!signal.aborted) onProblem?.(`the audit log no longer follows the events: ${messageOf(error)}`);
    }
  }

  async #append(): Promise<number> {
    const { store, events } = this.#deps;
    for (;;) {
      const after = await store.read(readHead);
      const next = await events.read({ after: after.position, limit: batch });
      const last = next.at(-1);
      if (last === undefined) return after.position;
      const entries: AuditEntry[] = [];
      let previous = after.hash;
      for (const event of next) {
        const entry = entryOf(event, await this.#actorOf(event.actor), previous);
        entries.push(entry);
        previous = entry.hash;
      }
      const isAppended = await store.write(appendEntries, { after, entries });
      if (isAppended && next.length < batch) return last.position;
    }
  }

  async #actorOf(identity: string): Promise<Actor> {
    const known = this.#actors.get(identity);
    if (known !== undefined) return known;
    try {
      const actor = await this.#deps.actorOf(identity);
      this.#actors.set(identity, actor);
      return actor;
    } catch (error) {
      if (!hasCode(error, 'NOT_FOUND')) throw error;
      return { identity, name: identity };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#following;
    await this.#appending;
  }
}

function entryOf(event: AnyEvent, actor: Actor, previous: string): AuditEntry {
  const entry = {
    position: event.position,
    time: event.time,
    actor,
    action: event.type,
    subject: event.subject,
    ...(event.reason === undefined ? {} : { reason: event.reason }),
    data: { ...event.data },
    event: event.id,
    previous,
  };
  return { ...entry, hash: digestOf(entry) };
}

/** Recomputes the chain from its first entry, and holds each entry against the event that it is made of. */
export async function verifyAudit({ store, events }: Deps): Promise<AuditVerification> {
  // The head first: what is added meanwhile lies behind it and is left for the next time.
  const head = await store.read(readHead);
  let previous = genesis;
  let entries = 0;
  let position = 0;
  const broken = (at: number, message: string): AuditVerification => ({
    entries,
    intact: false,
    firstBroken: at,
    head: head.hash,
    message: `position ${at}: ${message}`,
  });
  while (position < head.position) {
    const [found, happened] = await Promise.all([
      store.read((db) => selectEntries(db, { after: position, limit: batch })),
      events.read({ after: position, limit: batch }),
    ]);
    const entryAt = new Map(found.map((entry) => [entry.position, entry]));
    const eventAt = new Map(happened.map((event) => [event.position, event]));
    const positions = [...new Set([...entryAt.keys(), ...eventAt.keys()])].sort((a, b) => a - b);
    // Where one side's portion ended earlier, the rest waits for the next round.
    const complete = Math.min(lastOf(found, batch), lastOf(happened, batch), head.position);
    if (positions.length === 0) break;
    for (const at of positions) {
      if (at > complete) break;
      const [entry, event] = [entryAt.get(at), eventAt.get(at)];
      if (entry === undefined) return broken(at, `the entry of event ${event?.id ?? ''} is gone`);
      const fault = faultOf(entry, event, previous);
      if (fault !== undefined) return broken(at, fault);
      previous = entry.hash;
      entries += 1;
      position = at;
    }
    if (position < complete) position = complete;
  }
  return closing(head, { entries, previous, position }, broken);
}

/** Up to which position a portion is known to be whole. */
function lastOf(portion: readonly { readonly position: number }[], asked: number): number {
  return portion.length < asked ? Number.POSITIVE_INFINITY : (portion.at(-1)?.position ?? Number.POSITIVE_INFINITY);
}

function faultOf({ hash, ...entry }: AuditEntry, event: AnyEvent | undefined, previous: string): string | undefined {
  if (entry.previous !== previous) return 'the entry does not continue the one before it: an entry was taken out or put in';
  if (digestOf(entry) !== hash) return 'the entry was changed: its hash is another';
  if (event === undefined) return 'the entry speaks of an event that is not in the stream';
  const { hash: made } = entryOf(event, entry.actor, previous);
  if (made !== hash || entry.actor.identity !== event.actor)
    return `the entry says something else than event ${event.id}, which it is made of`;
  return undefined;
}

function closing(
  head: AuditHead,
  { entries, previous, position }: { readonly entries: number; readonly previous: string; readonly position: number },
  broken: (at: number, message: string) => AuditVerification,
): AuditVerification {
  if (previous !== head.hash || entries !== head.entries) {
    return broken(position + 1, `the log ends here with ${entries} entries, but ${head.entries} were written: its end was cut off`);
  }
  return { entries, intact: true, head: head.hash, message: `${entries} entries, each continues the one before and says what happened` };
}
