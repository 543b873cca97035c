import type { ChainStep, InputColumn, Signature } from '#contract';
import { GyreError } from '#core';
import type { Feeds, SessionValue, Tensor } from '#onnx';
import type { Ran } from './batcher.ts';
import type { Runnable, ServedModel } from './generation.ts';
import { decide } from './outcome.ts';
import { pythonPlatform } from './python/open-python.ts';

interface Link {
  readonly model: ServedModel;
  readonly rename: NonNullable<ChainStep['rename']>;
}

/**
 * Models that run one after the other, entered as one. A model's input is the tensor of its name that a model before it gave last, else the
 * request's. What the request must bring is what no model before gives; the answer is the last model's.
 */
class Chain implements Runnable {
  readonly inputs: readonly SessionValue[];
  readonly outputs: readonly SessionValue[];
  readonly rowWise: boolean;
  readonly statistics: Runnable['statistics'];
  readonly #links: readonly Link[];
  readonly #elapsed: () => number;

  constructor(links: readonly Link[], chosen: ServedModel, elapsed: () => number) {
    this.#links = links;
    this.#elapsed = elapsed;
    this.inputs = requestInputs(links);
    this.outputs = links[links.length - 1].model.loaded.outputs;
    this.rowWise = links.every(({ model }) => model.loaded.rowWise);
    this.statistics = chosen.loaded.statistics;
  }

  get lane(): Runnable['lane'] {
    return this.#links.every(({ model }) => model.loaded.lane !== 'inline') ? 'workers' : 'inline';
  }

  /** That of a model that Python runs, where one is among them. */
  get platform(): string {
    const platforms = this.#links.map(({ model }) => model.loaded.platform);
    return platforms.find((platform) => platform === pythonPlatform) ?? platforms[0];
  }

  async run(feeds: Feeds, rows: number, timeoutMs?: number): Promise<Ran> {
    const startedMs = this.#elapsed();
    let values: Feeds = feeds;
    let outputs: Readonly<Record<string, Tensor>> = {};
    let queuedMs = 0;
    let batch: Ran['batch'] = { rows, requests: 1, worker: undefined };
    for (const { model, rename } of this.#links) {
      const own = Object.fromEntries(model.loaded.inputs.map(({ name }) => [name, values[rename[name] ?? name]]));
      const leftMs = timeoutMs === undefined ? undefined : Math.max(0, timeoutMs - (this.#elapsed() - startedMs));
      const ran = await model.loaded.run(own, rows, leftMs);
      queuedMs += ran.queuedMs;
      ({ batch } = ran);
      outputs = decide(model.entry.signature, ran.outputs);
      values = { ...values, ...outputs };
    }
    return { outputs, queuedMs, batch };
  }
}

/** @throws GyreError FAILED_PRECONDITION when a tensor has not the type that a model takes it as */
function requestInputs(links: readonly Link[]): SessionValue[] {
  const given = new Map<string, SessionValue>();
  const wanted = new Map<string, SessionValue>();
  for (const { model, rename } of links) {
    for (const input of model.loaded.inputs) {
      const name = rename[input.name] ?? input.name;
      const known = given.get(name) ?? wanted.get(name);
      if (known === undefined) wanted.set(name, { ...input, name });
      else if (known.type !== input.type) {
        throw new GyreError(
          'FAILED_PRECONDITION',
          `${model.entry.name} ${model.entry.version} takes "${input.name}" as ${input.type}; in its chain "${name}" is ${known.type}`,
        );
      }
    }
    for (const output of model.loaded.outputs) given.set(output.name, output);
  }
  return [...wanted.values()];
}

/**
 * A model with what runs before and behind it, as the endpoint answers.
 * @param elapsed milliseconds since some fixed moment, not stepping back
 * @throws GyreError FAILED_PRECONDITION when they do not fit each other
 */
export function chained(before: readonly Link[], chosen: ServedModel, after: readonly Link[], elapsed: () => number): ServedModel {
  const links = [...before, { model: chosen, rename: {} }, ...after];
  const loaded = new Chain(links, chosen, elapsed);
  const last = links[links.length - 1].model.entry.signature;
  const signature: Signature = { ...last, inputs: columnsOf(links, loaded.inputs) };
  return { ...chosen, entry: { ...chosen.entry, signature }, loaded };
}

/** The columns that callers name; none unless every tensor of the request is a column. */
function columnsOf(links: readonly Link[], inputs: readonly SessionValue[]): InputColumn[] {
  const columns = new Map<string, InputColumn>();
  for (const { model, rename } of links) {
    for (const column of model.entry.signature.inputs) {
      const name = rename[column.name] ?? column.name;
      if (!columns.has(name)) columns.set(name, { ...column, name });
    }
  }
  const found = inputs.map(({ name }) => columns.get(name));
  return found.every((column) => column !== undefined) ? found : [];
}
