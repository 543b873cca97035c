import type { Facts } from './entries.ts';
import { factsOf, isFacts, listOf, textOf } from './entries.ts';

/** So many things of a kind are remembered: the ones that were used last. */
const remembered = 5_000;

export type Kind = 'experiment' | 'run' | 'model';

/**
 * What the relay can answer by itself: experiments, runs and logged models that went through it, as their clients know them. Of what a run
 * logged it has what the server last said and what the journal holds since then.
 */
export class View {
  readonly #things: Readonly<Record<Kind, Map<string, Facts>>> = { experiment: new Map(), run: new Map(), model: new Map() };
  /** The server's version as it said it. */
  version: string | undefined;

  /** @returns whether this says something new about it, metrics, parameters and tags aside */
  learn(kind: Kind, value: Facts): boolean {
    const id = idOf(kind, value);
    if (id === undefined) return false;
    const before = this.#things[kind].get(id);
    this.#put(kind, id, value);
    return before === undefined || JSON.stringify(identityOf(kind, before)) !== JSON.stringify(identityOf(kind, value));
  }

  get(kind: Kind, id: string): Facts | undefined {
    return this.#things[kind].get(id);
  }

  experimentNamed(name: string): Facts | undefined {
    return [...this.#things.experiment.values()].findLast((experiment) => experiment['name'] === name);
  }

  /** Changes what is known of a run or a model; nothing where nothing is known. */
  change(kind: Kind, id: string, change: (value: Facts) => Facts): Facts | undefined {
    const value = this.#things[kind].get(id);
    if (value === undefined) return undefined;
    const next = change(value);
    this.#put(kind, id, next);
    return next;
  }

  /** All that is known, as it was learnt, for a new journal. */
  *all(): Generator<{ readonly what: Kind; readonly value: Facts }> {
    for (const what of ['experiment', 'run', 'model'] as const) for (const value of this.#things[what].values()) yield { what, value };
  }

  #put(kind: Kind, id: string, value: Facts): void {
    const things = this.#things[kind];
    things.delete(id);
    things.set(id, value);
    for (const oldest of things.keys()) {
      if (things.size <= remembered) break;
      things.delete(oldest);
    }
  }
}

function idOf(kind: Kind, value: Facts): string | undefined {
  if (kind === 'experiment') return textOf(value['experiment_id']);
  const info = factsOf(value['info']);
  return textOf(kind === 'run' ? info['run_id'] : info['model_id']);
}

function identityOf(kind: Kind, value: Facts): Facts {
  if (kind !== 'experiment') return factsOf(value['info']);
  const { tags: _tags, last_update_time: _time, ...rest } = value;
  return rest;
}

/** A run with what a request logged. Of a metric it keeps the point that is latest by step, time and value, as the protocol does. */
export function withLogged(
  run: Facts,
  logged: { readonly metrics?: readonly Facts[]; readonly params?: readonly Facts[]; readonly tags?: readonly Facts[] },
): Facts {
  const data = factsOf(run['data']);
  return {
    ...run,
    data: {
      ...data,
      metrics: latest([...listOf(data['metrics']), ...(logged.metrics ?? [])]),
      params: byKey([...listOf(data['params']), ...(logged.params ?? [])]),
      tags: byKey([...listOf(data['tags']), ...(logged.tags ?? [])]),
    },
  };
}

/** A run without a tag. */
export function withoutTag(run: Facts, key: string): Facts {
  const data = factsOf(run['data']);
  return { ...run, data: { ...data, tags: listOf(data['tags']).filter((tag) => tag['key'] !== key) } };
}

/** The last of each key. */
export function byKey(items: readonly Facts[]): readonly Facts[] {
  return [...new Map(items.map((item) => [item['key'], item])).values()];
}

function latest(points: readonly Facts[]): readonly Facts[] {
  const found = new Map<unknown, Facts>();
  for (const point of points) {
    const before = found.get(point['key']);
    if (before === undefined || isLater(point, before)) found.set(point['key'], point);
  }
  return [...found.values()];
}

function isLater(a: Facts, b: Facts): boolean {
  for (const member of ['step', 'timestamp', 'value']) {
    const difference = Number(a[member] ?? 0) - Number(b[member] ?? 0);
    if (difference !== 0 && !Number.isNaN(difference)) return difference > 0;
  }
  return true;
}

/** The object that an answer holds under a name. */
export function heldBy(answer: unknown, member: string): Facts | undefined {
  const value = isFacts(answer) ? answer[member] : undefined;
  return isFacts(value) ? value : undefined;
}
