import { isDeepStrictEqual } from 'node:util';
import type { AgentReport, Check, SignedManifest } from '#contract';
import { asSha256, GyreError, hasCode, isoInstant, messageOf } from '#core';
import { checkMachine, requireFit } from '#machine';
import type { AgentFolder, Memory } from './agent-folder.ts';
import { pinnedKey } from './enrolment.ts';
import { fetchFiles, filesOf, missingFiles } from './fetch-files.ts';
import type { AgentDeps, AgentPlane, Contact } from './port.ts';
import { type Desired, verifiedDesired } from './verify-desired.ts';

/** So many manifests that were served before keep their files. */
const keptBefore = 2;

export interface KeeperDeps extends AgentDeps {
  readonly plane: AgentPlane;
  readonly contact: Contact;
  readonly agentFolder: AgentFolder;
  readonly memory: Memory;
}

/** Keeps true what is desired: one change at a time, and what is served stays until the next is served. */
export class Keeper {
  readonly #deps: KeeperDeps;
  #memory: Memory;
  #doing: AgentReport['doing'] = 'waiting';
  #checks: readonly Check[] | undefined;
  #servingManifest: SignedManifest | undefined;
  /** A data plane that did not start may have been given bad bytes. */
  #distrust = false;
  /** What was refused without being believed, for the report alone. */
  #unbelieved: Memory['refused'];
  #retryAt = 0;
  readonly #listeners = new Set<() => void>();
  /** Why what was served last is not served again, for what is said alone. */
  #notTakenUp: string | undefined;

  constructor(deps: KeeperDeps) {
    this.#deps = deps;
    this.#memory = deps.memory;
  }

  get doing(): AgentReport['doing'] {
    return this.#doing;
  }

  get checks(): readonly Check[] | undefined {
    return this.#checks;
  }

  get refused(): Memory['refused'] {
    return this.#unbelieved ?? this.#memory.refused;
  }

  /** What is served since when. */
  get serving(): AgentReport['serving'] {
    const { current } = this.#memory;
    const signed = this.#servingManifest;
    if (current === undefined || signed === undefined) return undefined;
    const { generation, models } = signed.manifest;
    return { ...current, generation, models: models.map(({ name, version }) => `${name}/${version}`) };
  }

  /** Has it told of each change of what a report says, until what is returned is called. */
  readonly onChange = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  };

  get isServing(): boolean {
    return this.#servingManifest !== undefined;
  }

  /** The revision that is dealt with; 0 when it is to be told again. */
  after(): number {
    return this.#memory.refused !== undefined && this.retryInMs() <= 0 ? 0 : this.#memory.done;
  }

  /** Until what was refused is tried again. */
  retryInMs(): number {
    return this.#memory.refused === undefined ? Number.POSITIVE_INFINITY : Math.max(0, this.#retryAt - this.#deps.clock.now());
  }

  /** Serves what was served last, or what was before that where it is refused. A data plane that died may come up at the next try. */
  async takeUp(): Promise<void> {
    const { agentFolder, plane, say } = this.#deps;
    const { current, previous } = this.#memory;
    for (const digest of current === undefined ? [] : [current.manifest, ...previous]) {
      try {
        const signed = await agentFolder.manifest(digest);
        await plane.apply(signed);
        this.#isServed(signed);
        this.#notTakenUp = undefined;
        if (digest !== current?.manifest)
          this.#remember({ current: { manifest: digest, since: isoInstant(this.#deps.clock.now()) }, done: 0 });
        return;
      } catch (error) {
        this.#distrust = true;
        this.#remember({ done: 0 });
        if (this.#notTakenUp !== messageOf(error)) say(`what was served last could not be served again: ${messageOf(error)}`);
        this.#notTakenUp = messageOf(error);
        if (hasCode(error, 'UNAVAILABLE')) return;
      }
    }
  }

  /** Deals with an answer of the platform. @returns false for one that was not believed @throws GyreError UNAVAILABLE when the platform goes away meanwhile */
  async take(answer: unknown): Promise<boolean> {
    const { enrolment, say } = this.#deps;
    let desired: Desired | undefined;
    try {
      desired = verifiedDesired(answer, { key: pinnedKey(enrolment), environment: enrolment.environment, seen: this.#memory.seen });
    } catch (error) {
      const revision = error instanceof GyreError ? Number(error.details['revision']) : Number.NaN;
      if (this.#unbelieved?.reason !== messageOf(error)) say(`refused: ${messageOf(error)}; what is served goes on`);
      if (Number.isInteger(revision)) this.#unbelieved = { revision, reason: messageOf(error), at: isoInstant(this.#deps.clock.now()) };
      this.#tell();
      return false;
    }
    this.#unbelieved = undefined;
    if (desired === undefined || (desired.revision === this.#memory.done && this.retryInMs() > 0)) return true;
    if (desired.revision > this.#memory.seen) this.#remember({ seen: desired.revision });
    try {
      if (desired.manifest === undefined) await this.#serveNothing();
      else await this.#serve(desired.manifest);
      const { refused: _past, ...rest } = this.#memory;
      this.#replace({ ...rest, done: desired.revision });
    } catch (error) {
      if (hasCode(error, 'UNAVAILABLE') || this.#deps.signal.aborted) throw error;
      this.#refuse(desired.revision, error);
    } finally {
      this.#at('waiting');
    }
    await this.#letGo();
    return true;
  }

  #refuse(revision: number, error: unknown): void {
    const { clock, times, say } = this.#deps;
    const reason = messageOf(error).slice(0, 2000);
    if (this.#memory.refused?.reason !== reason) say(`refused: ${reason}; what is served goes on`);
    this.#retryAt = clock.now() + times.refusedMs;
    this.#remember({ refused: { revision, reason, at: isoInstant(clock.now()) }, done: revision });
  }

  async #serveNothing(): Promise<void> {
    const { plane, say } = this.#deps;
    this.#at('switching');
    await plane.stop();
    this.#servingManifest = undefined;
    const { current, ...rest } = this.#memory;
    this.#replace({ ...rest, previous: current === undefined ? rest.previous : [current.manifest, ...rest.previous].slice(0, keptBefore) });
    say('nothing is to be served: the data plane has ended');
  }

  async #serve({ digest, signed }: NonNullable<Desired['manifest']>): Promise<void> {
    const { agentFolder, blobs, contact, plane, say, clock } = this.#deps;
    const { current, previous } = this.#memory;
    if (current?.manifest === digest && this.#servingManifest !== undefined) return;
    const missing = await missingFiles(blobs, filesOf(signed.manifest), this.#distrust);
    // What ran here before is not kept from coming back.
    if (!(await this.#ranHere(signed)))
      await this.#check(
        signed,
        missing.reduce((sum, { size }) => sum + size, 0),
      );
    this.#at('fetching');
    await fetchFiles(blobs, contact, missing);
    agentFolder.keepManifest(digest, signed);
    this.#at('switching');
    await plane.apply(signed).catch((error: unknown) => {
      this.#distrust = true;
      throw new GyreError('FAILED_PRECONDITION', messageOf(error), {}, { cause: error });
    });
    this.#distrust = false;
    this.#isServed(signed);
    this.#remember({
      current: { manifest: digest, since: isoInstant(clock.now()) },
      previous: [...(current === undefined ? [] : [current.manifest]), ...previous].filter((one) => one !== digest).slice(0, keptBefore),
    });
    const { generation, models } = signed.manifest;
    say(`generation ${generation} is served: ${models.map(({ name, version }) => `${name}/${version}`).join(', ')}`);
  }

  /** Whether all that it serves was served here lately, under the same requirements: a rollback is a new manifest of packages that ran before. */
  async #ranHere(signed: SignedManifest): Promise<boolean> {
    const { current, previous } = this.#memory;
    const now = current === undefined ? undefined : await this.#deps.agentFolder.manifest(current.manifest).catch(() => undefined);
    if (!isDeepStrictEqual(now?.manifest.requires, signed.manifest.requires)) return false;
    const ran = new Set<string>();
    for (const digest of [...(current === undefined ? [] : [current.manifest]), ...previous]) {
      const before = await this.#deps.agentFolder.manifest(digest).catch(() => undefined);
      for (const model of before?.manifest.models ?? []) ran.add(model.package);
    }
    return signed.manifest.models.every((model) => ran.has(model.package));
  }

  async #check(signed: SignedManifest, bytesToFetch: number): Promise<void> {
    const { machine, plane, folder } = this.#deps;
    this.#at('checking');
    const isRunning = plane.address !== undefined;
    const served = this.#servingManifest?.manifest;
    const checks = await checkMachine(machine, {
      manifest: signed.manifest,
      folder,
      bytesToFetch,
      loaded: new Set([...(served?.models ?? []), ...(served?.warm ?? [])].map((model) => model.package)),
      host: plane.host,
      ports: isRunning ? [] : plane.ports,
      ownPorts: isRunning ? plane.ports : [],
    });
    this.#checks = checks;
    requireFit(checks);
  }

  /** Files that neither what is served nor what was served before names. */
  async #letGo(): Promise<void> {
    const { agentFolder, blobs } = this.#deps;
    const { current, previous } = this.#memory;
    const kept = new Set([...(current === undefined ? [] : [current.manifest]), ...previous]);
    const named = new Set<string>();
    for (const digest of kept) {
      const signed = await agentFolder.manifest(digest).catch(() => undefined);
      for (const file of signed === undefined ? [] : filesOf(signed.manifest)) named.add(file.digest);
    }
    // What was fetched for a manifest that was refused stays for the next try.
    if (this.#memory.refused === undefined) {
      for await (const { digest } of blobs.list()) if (!named.has(digest)) await blobs.delete(asSha256(digest));
      await agentFolder.forgetManifestsBut(kept);
    }
  }

  #isServed(signed: SignedManifest): void {
    this.#servingManifest = signed;
    const { address } = this.#deps.plane;
    if (address !== undefined) this.#deps.serving?.({ address, generation: signed.manifest.generation });
  }

  #at(doing: AgentReport['doing']): void {
    this.#doing = doing;
    this.#tell();
  }

  #remember(change: Partial<Memory>): void {
    this.#replace({ ...this.#memory, ...change });
  }

  #replace(memory: Memory): void {
    this.#deps.agentFolder.remember(memory);
    this.#memory = memory;
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
