import { eventType } from '#contract';
import type { Actor, ModelConversion, VersionConversion } from '#contract';
import { GyreError, hasCode, isGyreError, isoInstant, messageOf } from '#core';
import type { RegistryDeps, VersionName } from '../port.ts';
import type { Lookup } from '../lookup.ts';
import { conversionOf, keepConversion, listConversions, openConversionsOf } from './conversions-store.ts';
import type { VersionConverter } from './convert-version.ts';

/** How a version that only Python can load becomes one with a graph. */
export interface StartConversion extends VersionName, VersionConversion {
  readonly by: Actor;
}

export interface ConversionList {
  readonly model?: string;
  /** Default 100. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly after?: string;
}

/** Conversions on the platform, one at a time: each takes as much memory as a model and its library do. */
export interface Conversions extends AsyncDisposable {
  /**
   * Begins to convert a version that only Python can load to an ONNX graph, in a process of its own. The graph becomes the next version of the
   * model: with what the two differ by (`conversion.json`), the run of the old one, its address as source, and the tag `converted_from`.
   * @throws GyreError FAILED_PRECONDITION when the version has a graph, holds no model that is converted, or its code may not be executed here; NOT_FOUND
   */
  start(request: StartConversion): Promise<ModelConversion>;
  /** @throws GyreError NOT_FOUND */
  get(id: string): Promise<ModelConversion>;
  /** Newest first. @throws GyreError INVALID_ARGUMENT */
  list(options?: ConversionList): Promise<{ readonly items: readonly ModelConversion[]; readonly next?: string }>;
  /** Stops one with all that its process has started: nothing of it is kept. One that has ended stays as it is. @throws GyreError NOT_FOUND */
  cancel(id: string): Promise<ModelConversion>;
  /** When it has ended. @throws GyreError NOT_FOUND */
  wait(id: string): Promise<ModelConversion>;
  /** Says of those that a process which died left that they have failed; none is begun again by itself, since it may be why. @returns how many */
  endLeft(): Promise<number>;
}

interface Running {
  conversion: ModelConversion;
  readonly stop: AbortController;
  ended: Promise<void>;
}

/** A converter may print without end. */
const keptLines = 30;
const longestLine = 500;
const platformEnded = 'the platform ended while it was converted; convert it again';

export function openConversions(deps: RegistryDeps, lookup: Lookup, converter: VersionConverter): Conversions {
  return new OpenConversions(deps, lookup, converter);
}

class OpenConversions implements Conversions {
  readonly #deps: RegistryDeps;
  readonly #lookup: Lookup;
  readonly #converter: VersionConverter;
  readonly #owner: string;
  readonly #running = new Map<string, Running>();
  readonly #closing = new AbortController();
  #last: Promise<void> = Promise.resolve();

  constructor(deps: RegistryDeps, lookup: Lookup, converter: VersionConverter) {
    this.#deps = deps;
    this.#lookup = lookup;
    this.#converter = converter;
    this.#owner = deps.owner ?? '';
  }

  async start({ model, version: number, by, rows, ...said }: StartConversion): Promise<ModelConversion> {
    const { newId, clock } = this.#deps;
    const version = await this.#lookup.numbered(model, number);
    this.#converter.require(version);
    const conversion: ModelConversion = {
      id: newId(),
      state: 'queued',
      from: { id: version.id, model: version.model, version: version.version },
      request: { ...said, ...(rows === undefined ? {} : { rows: rows.length }) },
      said: [],
      queuedAt: isoInstant(clock.now()),
      by,
    };
    await this.#keep(conversion, 'model_conversion.started');
    const running: Running = { conversion, stop: new AbortController(), ended: Promise.resolve() };
    running.ended = this.#last.then(() => this.#work(running, rows === undefined ? said : { ...said, rows }));
    this.#last = running.ended;
    this.#running.set(conversion.id, running);
    return conversion;
  }

  async get(id: string): Promise<ModelConversion> {
    const found = this.#running.get(id)?.conversion ?? (await this.#deps.store.read((db) => conversionOf(db, id)));
    if (found !== undefined) return found;
    throw new GyreError('NOT_FOUND', `there is no conversion "${id}"; \`gyre model conversions\` lists them`, { id });
  }

  async list({ model, limit = 100, after }: ConversionList = {}): Promise<{
    readonly items: readonly ModelConversion[];
    readonly next?: string;
  }> {
    const before = after === undefined ? undefined : Number(after);
    if (before !== undefined && !Number.isSafeInteger(before))
      throw new GyreError('INVALID_ARGUMENT', `"${after}" is no page token`, { after });
    const found = await this.#deps.store.read((db) => listConversions(db, model, limit + 1, before));
    const items = found.slice(0, limit);
    return {
      items: items.map(({ conversion }) => this.#running.get(conversion.id)?.conversion ?? conversion),
      ...(found.length > limit ? { next: String(items[items.length - 1].position) } : {}),
    };
  }

  async cancel(id: string): Promise<ModelConversion> {
    const running = this.#running.get(id);
    if (running !== undefined) {
      running.stop.abort();
      await running.ended;
    }
    return this.get(id);
  }

  async wait(id: string): Promise<ModelConversion> {
    await this.#running.get(id)?.ended;
    return this.get(id);
  }

  async endLeft(): Promise<number> {
    const { store, clock } = this.#deps;
    const left = (await store.read((db) => openConversionsOf(db, this.#owner))).filter(({ id }) => !this.#running.has(id));
    for (const conversion of left) {
      const { stage: _, ...before } = conversion;
      const failed: ModelConversion = {
        ...before,
        state: 'failed',
        error: platformEnded,
        code: 'ABORTED',
        finishedAt: isoInstant(clock.now()),
      };
      await this.#keep(failed, 'model_conversion.finished');
    }
    return left.length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled([...this.#running.values()].map(({ ended }) => ended));
  }

  async #work(running: Running, request: VersionConversion): Promise<void> {
    const { clock } = this.#deps;
    const { id } = running.conversion;
    const signal = AbortSignal.any([running.stop.signal, this.#closing.signal]);
    try {
      if (signal.aborted) throw new GyreError('CANCELLED', 'stopped before it began');
      running.conversion = { ...running.conversion, state: 'running', startedAt: isoInstant(clock.now()) };
      await this.#keep(running.conversion);
      const { from, by } = running.conversion;
      const { version, parity } = await this.#converter.convert(await this.#lookup.getById(from.id), request, {
        by,
        signal,
        onStage: (stage) => {
          running.conversion = { ...running.conversion, stage };
        },
        onLine: (line) => {
          const said = [...running.conversion.said, line.slice(0, longestLine)].slice(-keptLines);
          running.conversion = { ...running.conversion, said };
        },
      });
      await this.#end(running, { state: 'finished', made: { id: version.id, version: version.version }, parity });
    } catch (error) {
      // What cannot be kept now is told when the platform starts again.
      await this.#end(running, this.#failure(running, error)).catch(() => undefined);
    } finally {
      this.#running.delete(id);
    }
  }

  async #end(running: Running, ended: Partial<ModelConversion>): Promise<void> {
    const { stage: _, ...before } = running.conversion;
    running.conversion = { ...before, ...ended, finishedAt: isoInstant(this.#deps.clock.now()) };
    await this.#keep(running.conversion, 'model_conversion.finished');
  }

  /** @param told the event that goes with it */
  #keep(conversion: ModelConversion, told?: 'model_conversion.started' | 'model_conversion.finished'): Promise<void> {
    const { store, events } = this.#deps;
    const owner = this.#owner;
    return store.write(async (tx, kept: ModelConversion) => {
      await keepConversion(tx, { conversion: kept, owner });
      if (told === undefined) return;
      const { id, from, state, made, error, by } = kept;
      const data = { id, model: from.model, version: from.version, modelVersion: from.id };
      const event = { subject: from.id, actor: by.identity };
      if (told === 'model_conversion.started') events.publish(tx, { ...event, type: eventType(told), data });
      else
        events.publish(tx, {
          ...event,
          type: eventType(told),
          data: {
            ...data,
            state,
            ...(made === undefined ? {} : { made: made.version }),
            ...(error === undefined ? {} : { error }),
          },
        });
    }, conversion);
  }

  #failure({ stop }: Running, error: unknown): Partial<ModelConversion> {
    if (stop.signal.aborted || hasCode(error, 'CANCELLED'))
      return { state: 'cancelled', error: 'stopped: nothing of it was kept', code: 'CANCELLED' };
    if (this.#closing.signal.aborted) return { state: 'failed', error: platformEnded, code: 'ABORTED' };
    return { state: 'failed', error: messageOf(error), code: isGyreError(error) ? error.code : 'INTERNAL' };
  }
}
