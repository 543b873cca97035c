import { createReadStream } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GyreError, hasCode, messageOf } from '#core';
import type { Clock } from '#core';
import { deliver, resolveCreation } from './deliver.ts';
import type { Outcome } from './deliver.ts';
import type { Counts, Entry, Head } from './entries.ts';
import { Journal } from './journal.ts';
import type { BodyPlace } from './journal.ts';
import { Names } from './names.ts';
import type { RelayStatus } from './status.ts';
import type { Upstream } from './upstream.ts';
import { View } from './view.ts';

/** A delivered journal is begun anew when its file is larger. */
const startOverBytes = 4 * 1024 * 1024;

/** So often a request that the server fails at (500) is tried before it is set aside. */
const mostFailures = 8;

interface Queued {
  readonly entry: Entry;
  readonly body: BodyPlace;
  /** Whether an earlier attempt may have reached the server. */
  uncertain: boolean;
}

export interface RelayOptions {
  readonly folder: string;
  readonly to: URL;
  readonly upstream: Upstream;
  readonly clock: Clock;
  /** Most bytes of journal and spool. */
  readonly limitBytes: number;
  /** Between attempts, the longest. */
  readonly retryMs: number;
  /** Told what happens, a line each. */
  readonly say: (line: string) => void;
}

/**
 * Keeps what was acknowledged until the server has it. Entries are delivered in the order in which they were taken; an entry that the server
 * refuses for good is set aside with the reason, as a file in `refused/`, and the next one follows.
 */
export class Relay implements AsyncDisposable {
  readonly names = new Names();
  readonly view = new View();
  readonly upstream: Upstream;
  readonly #options: RelayOptions;
  readonly #journal: Journal<Head>;
  readonly #queue: Queued[] = [];
  readonly #stop = new AbortController();
  #counts: Counts = { position: 0, delivered: 0, refused: 0 };
  #spooledBytes = 0;
  /** Requests that are on their way into the journal. */
  #keeping = 0;
  #delivering: Promise<void> | undefined;
  #server: RelayStatus['server'] = 'unknown';
  #since: number;
  #trouble: string | undefined;
  #damagedBytes = 0;
  #caughtUp = Promise.withResolvers<void>();
  /** Whether the server gives runs and models the ids that the relay chose; unknown before it made one. */
  keepsIds: boolean | undefined;

  private constructor(options: RelayOptions, journal: Journal<Head>) {
    this.#options = options;
    this.#journal = journal;
    this.upstream = options.upstream;
    this.#since = options.clock.now();
  }

  /** Opens a folder's journal and goes on where it ended. @throws GyreError PERMISSION_DENIED when the folder cannot be used */
  static async open(options: RelayOptions): Promise<Relay> {
    await mkdir(join(options.folder, 'spool'), { recursive: true, mode: 0o700 });
    await mkdir(join(options.folder, 'refused'), { recursive: true, mode: 0o700 });
    const { journal, records, damagedBytes } = await Journal.open<Head>(options.folder);
    const relay = new Relay(options, journal);
    relay.#damagedBytes = damagedBytes;
    const waiting = new Map<number, Queued>();
    for (const { head, body } of records) relay.#recall(head, body, waiting);
    relay.#queue.push(...waiting.values());
    await relay.#clearSpool();
    for (const { entry } of relay.#queue) relay.#spooledBytes += entry.spooled?.size ?? 0;
    if (relay.#queue.length > 0) relay.#start();
    return relay;
  }

  #recall(head: Head, body: BodyPlace, waiting: Map<number, Queued>): void {
    switch (head.kind) {
      case 'request':
        waiting.set(head.position, { entry: head, body, uncertain: true });
        this.#counts = { ...this.#counts, position: Math.max(this.#counts.position, head.position) };
        return;
      case 'done':
        waiting.delete(head.position);
        this.#count(head.refused !== undefined);
        if (head.renaming !== undefined) this.names.rename(head.renaming);
        if (head.move !== undefined) this.names.move(head.move);
        return;
      case 'known':
        this.view.learn(head.what, head.value);
        return;
      case 'state':
        this.#counts = head.counts;
        for (const renaming of head.renamings) this.names.rename(renaming);
        for (const move of head.moves) this.names.move(move);
    }
  }

  /** Files that no waiting entry names were left by a process that died before it acknowledged them, or after they were delivered. */
  async #clearSpool(): Promise<void> {
    const held = new Set(this.#queue.flatMap(({ entry }) => entry.spooled?.file ?? []));
    for (const file of await readdir(this.spoolFolder)) if (!held.has(file)) await rm(join(this.spoolFolder, file));
  }

  get spoolFolder(): string {
    return join(this.#options.folder, 'spool');
  }

  /** Whether nothing waits: only then a request may overtake the journal. */
  get isCaughtUp(): boolean {
    return this.#queue.length === 0;
  }

  /** Resolves with whether nothing waits any more, after `withinMs` at the latest. */
  async caughtUp(withinMs: number): Promise<boolean> {
    if (this.isCaughtUp) return true;
    if (this.#server === 'away') return false;
    const timer = new AbortController();
    try {
      await Promise.race([this.#caughtUp.promise, sleep(withinMs, undefined, { signal: timer.signal })]);
    } finally {
      timer.abort();
    }
    return this.isCaughtUp;
  }

  get status(): RelayStatus {
    const [oldest] = this.#queue;
    return {
      to: this.#options.to.href,
      server: this.#server,
      since: this.#since,
      waiting: this.#queue.length,
      bytes: this.#journal.bytes + this.#spooledBytes,
      limitBytes: this.#options.limitBytes,
      delivered: this.#counts.delivered,
      refused: this.#counts.refused,
      damagedBytes: this.#damagedBytes,
      ...(oldest === undefined ? {} : { oldestAt: oldest.entry.at }),
      ...(this.#trouble === undefined ? {} : { trouble: this.#trouble }),
    };
  }

  /** @throws GyreError RESOURCE_EXHAUSTED when what waits would outgrow the limit */
  requireRoom(bytes: number): void {
    const { limitBytes, folder } = this.#options;
    if (this.#journal.bytes + this.#spooledBytes + bytes <= limitBytes) return;
    throw new GyreError(
      'RESOURCE_EXHAUSTED',
      `the relay holds as much as it may (${limitBytes} bytes in ${folder}): it takes no more until the server has some of it`,
    );
  }

  /**
   * Keeps a request until the server has it; resolves when it is on the disk.
   * @param uncertain whether an attempt to deliver it may have reached the server
   */
  async keep(entry: Omit<Entry, 'kind' | 'position'>, body: Uint8Array, uncertain: boolean): Promise<void> {
    const size = entry.spooled?.size ?? 0;
    this.requireRoom(body.length);
    this.#counts = { ...this.#counts, position: this.#counts.position + 1 };
    const kept: Entry = { kind: 'request', position: this.#counts.position, ...entry };
    this.#keeping += 1;
    try {
      const place = await this.#journal.append(kept, body);
      this.#spooledBytes += size;
      this.#queue.push({ entry: kept, body: place, uncertain });
    } finally {
      this.#keeping -= 1;
    }
    this.#start();
  }

  /** Remembers what the server said about something, also for the time after this process. */
  async learn(what: 'experiment' | 'run' | 'model', value: Readonly<Record<string, unknown>>): Promise<void> {
    if (this.view.learn(what, value)) await this.#journal.note({ kind: 'known', what, value });
    if (this.isCaughtUp && this.#journal.bytes > startOverBytes) await this.#startOver();
  }

  /** What became of an attempt to reach the server. */
  saw(server: RelayStatus['server'], trouble?: string): void {
    this.#trouble = trouble;
    if (server === this.#server) return;
    if (server !== 'up' || this.#server !== 'unknown')
      this.#options.say(server === 'up' ? `${this.#options.to.origin} is back` : `${trouble ?? server}: what comes is kept`);
    this.#server = server;
    this.#since = this.#options.clock.now();
  }

  #start(): void {
    if (this.#delivering !== undefined || this.#stop.signal.aborted) return;
    this.#caughtUp = Promise.withResolvers<void>();
    this.#delivering = this.#deliverAll()
      .catch((error: unknown) => this.#options.say(`delivery stopped: ${messageOf(error)}`))
      .finally(() => {
        this.#delivering = undefined;
      });
  }

  async #deliverAll(): Promise<void> {
    let failures = 0;
    let waitMs = 100;
    for (let head = this.#queue[0]; head !== undefined && !this.#stop.signal.aborted; head = this.#queue[0]) {
      const outcome = await this.#attempt(head);
      if (outcome.kind === 'later') {
        head.uncertain = true;
        this.saw(outcome.why === 'credentials' ? 'refuses' : 'away', outcome.message);
        failures += outcome.why === 'failure' ? 1 : 0;
        if (failures < mostFailures) {
          await sleep(waitMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
          waitMs = Math.min(waitMs * 2, this.#options.retryMs);
          continue;
        }
      }
      failures = 0;
      waitMs = 100;
      if (outcome.kind !== 'later') this.saw('up');
      await this.#settle(head, outcome);
    }
    if (this.isCaughtUp) {
      if (this.#journal.bytes > startOverBytes) await this.#startOver();
      this.#caughtUp.resolve();
    }
  }

  async #attempt({ entry, body, uncertain }: Queued): Promise<Outcome> {
    const path = this.names.address(entry.path);
    if (path === undefined)
      return { kind: 'refused', message: 'the server keeps the artifacts of this run where they are not reached through it' };
    const context = { upstream: this.upstream, names: this.names };
    try {
      if (entry.spooled !== undefined) {
        const stream = createReadStream(join(this.spoolFolder, entry.spooled.file));
        return await deliver(context, entry, { path, body: { stream, size: entry.spooled.size } });
      }
      const bytes = await this.#journal.read(body);
      if (uncertain && entry.creates !== undefined) {
        const found = await resolveCreation(context, entry, entry.creates);
        if (found !== undefined) return found;
      }
      const outgoing = this.names.isEmpty ? bytes : Buffer.from(this.names.outward(bytes.toString('utf8')));
      return await deliver(context, entry, { path, body: outgoing });
    } catch (error) {
      if (hasCode(error, 'UNAVAILABLE')) return { kind: 'later', why: 'away', message: error.message };
      throw error;
    }
  }

  async #settle({ entry, body }: Queued, outcome: Outcome): Promise<void> {
    const refused = outcome.kind === 'delivered' ? undefined : outcome.message;
    if (refused !== undefined) await this.#setAside(entry, body, refused);
    const { renaming, move } = outcome.kind === 'delivered' ? outcome : {};
    if (renaming !== undefined) this.names.rename(renaming);
    if (move !== undefined) this.names.move(move);
    if (outcome.kind === 'delivered' && outcome.keptId !== undefined) this.keepsIds = outcome.keptId;
    await this.#journal.note({
      kind: 'done',
      position: entry.position,
      ...(refused === undefined ? {} : { refused }),
      ...(renaming === undefined ? {} : { renaming }),
      ...(move === undefined ? {} : { move }),
    });
    this.#count(refused !== undefined);
    if (entry.spooled !== undefined) {
      this.#spooledBytes -= entry.spooled.size;
      await rm(join(this.spoolFolder, entry.spooled.file), { force: true });
    }
    this.#queue.shift();
  }

  #count(refused: boolean): void {
    const { delivered, refused: before, position } = this.#counts;
    this.#counts = { position, delivered: delivered + (refused ? 0 : 1), refused: before + (refused ? 1 : 0) };
  }

  /** What the server does not take stays as a file: nothing that was acknowledged is thrown away. */
  async #setAside(entry: Entry, body: BodyPlace, reason: string): Promise<void> {
    this.#options.say(`${entry.method} ${entry.path.slice(0, 200)} was refused: ${reason}`);
    const folder = join(this.#options.folder, 'refused');
    const { authorization: _secret, ...headers } = entry.headers;
    if (entry.spooled !== undefined)
      await rename(join(this.spoolFolder, entry.spooled.file), join(folder, `${entry.position}.body`)).catch(() => undefined);
    const text = entry.spooled === undefined ? (await this.#journal.read(body)).toString('utf8') : undefined;
    await writeFile(
      join(folder, `${entry.position}.json`),
      `${JSON.stringify({ reason, ...entry, headers, body: text }, undefined, 2)}\n`,
      {
        mode: 0o600,
      },
    );
  }

  /** Lets go of what was delivered, unless something waits or is about to. */
  async #startOver(): Promise<void> {
    await this.#journal.startOver(() => {
      if (this.#queue.length > 0 || this.#keeping > 0) return undefined;
      const known = [...this.view.all()].map((one): Head => ({ kind: 'known', ...one }));
      const { renamings, moves } = this.names;
      return [{ kind: 'state', renamings, moves, counts: this.#counts }, ...known];
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#delivering;
    await this.#journal[Symbol.asyncDispose]();
    this.upstream[Symbol.dispose]();
  }
}
