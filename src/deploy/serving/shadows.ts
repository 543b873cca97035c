import type { LogPolicy, ShadowFigures } from '#contract';
import type { Feeds } from '#onnx';
import type { Clock } from '#core';
import type { Metrics } from '#telemetry';
import { AnswerCounts } from './answer-counts.ts';
import type { Outputs } from './batcher.ts';
import { titleOf } from './generation.ts';
import type { Routed, ServedModel } from './generation.ts';
import { hiding } from './log-policy.ts';
import type { Hide } from './log-policy.ts';
import { decide, outcomesOf, outputRows } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import type { Inferred } from './plane-port.ts';

/** Requests that may wait to be asked again of a shadow; the memory of their tensors is bounded as well. */
const mostWaiting = 1000;
const mostWaitingBytes = 64 * 1024 * 1024;
/** Values that differ by less than this part of their size are the same: what sums in another order differ by in float32. */
const tolerance = 1e-5;

export interface ShadowDeps {
  readonly clock: Clock;
  readonly elapsed: () => number;
  /** Uniform in [0, 1). */
  readonly chance: () => number;
  readonly metrics: Metrics;
  /** Whether a run would hold up nobody. */
  readonly isCalm: (model: ServedModel) => boolean;
  /** Takes what was compared, a JSON object each. */
  readonly log?: (line: string) => void;
}

interface Waiting {
  readonly model: ServedModel;
  readonly feeds: Feeds;
  readonly rows: number;
  readonly answered: Inferred;
  readonly bytes: number;
  /** Hides from the log what the policy of the request's manifest hides. */
  readonly hide: Hide;
  /** Lets the manifest go that the model belongs to. */
  readonly letGo: () => void;
}

type Said = Readonly<Record<string, unknown>>;

interface Tally {
  requests: number;
  same: number;
  different: number;
  failed: number;
  dropped: number;
  difference: number;
  maxDifference: number;
  ms: number;
  readonly counts: AnswerCounts;
}

/**
 * Asks shadow models what was asked of the one that answered, after it has answered, one request at a time, and only while that holds up
 * nobody. What they say is compared and logged.
 */
export class Shadows {
  readonly #deps: ShadowDeps;
  readonly #waiting: Waiting[] = [];
  readonly #tallies = new Map<string, Tally & { readonly model: ServedModel }>();
  readonly #requests;
  #bytes = 0;
  #running = false;

  constructor(deps: ShadowDeps) {
    this.#deps = deps;
    this.#requests = deps.metrics.counter({
      name: 'gyre_shadow_requests_total',
      help: 'requests offered to a shadow, by what came of it: same, different, failed or dropped',
      labels: ['model', 'version', 'result'],
    });
  }

  get figures(): ShadowFigures[] {
    return [...this.#tallies.values()].map(({ model: { entry }, difference, ms, counts, ...tally }) => {
      const compared = Math.max(1, tally.same + tally.different);
      return {
        name: entry.name,
        version: entry.version,
        ...tally,
        meanDifference: difference / compared,
        meanMs: ms / compared,
        answers: { ...counts.totals, different: tally.different },
      };
    });
  }

  /**
   * Notes an answered request for the shadows that it is sampled for.
   * @param policy of the request's manifest: what it hides from the prediction log is hidden here too
   * @param hold keeps the manifest loaded until the returned function is called
   */
  offer(shadows: Routed['shadows'], feeds: Feeds, answered: Inferred, policy: LogPolicy, hold: () => () => void): void {
    if (shadows.length === 0) return;
    const hide = hiding(policy);
    for (const { model, sample } of shadows) {
      if (sample < 1 && this.#deps.chance() >= sample) continue;
      const bytes = sizeOf(feeds);
      if (this.#waiting.length >= mostWaiting || this.#bytes + bytes > mostWaitingBytes) {
        this.#count(model, 'dropped');
        continue;
      }
      this.#bytes += bytes;
      this.#waiting.push({ model, feeds, rows: answered.rows, answered, bytes, hide, letGo: hold() });
    }
  }

  /** Asks what may be asked now. */
  async pump(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      while (this.#waiting.length > 0 && this.#deps.isCalm(this.#waiting[0].model)) {
        const next = this.#take();
        if (next === undefined) break;
        await this.#ask(next);
      }
    } finally {
      this.#running = false;
    }
  }

  /** Forgets what waits: the manifest that it belongs to is replaced. */
  drop(): void {
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      this.#count(next.model, 'dropped');
      next.letGo();
    }
  }

  #take(): Waiting | undefined {
    const next = this.#waiting.shift();
    this.#bytes -= next?.bytes ?? 0;
    return next;
  }

  async #ask({ model, feeds, rows, answered, hide, letGo }: Waiting): Promise<void> {
    const { elapsed, log } = this.#deps;
    const startedMs = elapsed();
    try {
      const ran = await model.loaded.run(feeds, rows);
      const outputs = decide(model.entry.signature, ran.outputs);
      const ms = elapsed() - startedMs;
      const outcomes = outcomesOf(model.entry.signature, outputs, rows);
      const compared = compare(answered, outputs, outcomes);
      const tally = this.#count(model, compared.same ? 'same' : 'different');
      tally.difference += compared.difference;
      tally.maxDifference = Math.max(tally.maxDifference, compared.difference);
      tally.ms += ms;
      tally.counts.note(ms, false);
      tally.counts.predicted(model.entry.signature, outcomes);
      log?.(
        JSON.stringify({
          predictions: answered.ids,
          answered: { ...titled(answered.model), outputs: hide<Said>(answered.outcomes ?? outputRows(answered.outputs, rows)) },
          shadow: { ...titled(model), outputs: hide<Said>(outcomes ?? outputRows(outputs, rows)), ms },
          ...compared,
        }),
      );
    } catch {
      this.#count(model, 'failed').counts.note(elapsed() - startedMs, true);
    } finally {
      letGo();
    }
  }

  #count(model: ServedModel, result: 'same' | 'different' | 'failed' | 'dropped'): Tally {
    const tally = this.#tallies.getOrInsertComputed(titleOf(model.entry), () => ({
      model,
      requests: 0,
      same: 0,
      different: 0,
      failed: 0,
      dropped: 0,
      difference: 0,
      maxDifference: 0,
      ms: 0,
      counts: new AnswerCounts(this.#deps.clock.now()),
    }));
    if (result !== 'dropped') tally.requests += 1;
    tally[result] += 1;
    this.#requests.inc({ ...titled(model, 'model'), result });
    return tally;
  }
}

function titled({ entry }: ServedModel, as?: 'model'): Record<string, string> {
  return as === undefined ? { name: entry.name, version: entry.version } : { model: entry.name, version: entry.version };
}

/** How far two answers lie apart. */
interface Compared {
  /** Labels are equal; values, where there are no labels, too but for what sums in another order differ by. */
  readonly same: boolean;
  /** The largest of a probability or value. */
  readonly difference: number;
}

function compare(answered: Inferred, outputs: Outputs, outcomes: readonly Outcome[] | undefined): Compared {
  if (answered.outcomes !== undefined && outcomes !== undefined) {
    const pairs = answered.outcomes.map((one, row) => [one, outcomes[row]] as const);
    const differences = pairs.map(([one, other]) => differenceOf(one, other));
    return {
      same: pairs.every(([one, other], row) => (one.label === undefined ? isNear(one.value, differences[row]) : one.label === other.label)),
      difference: Math.max(0, ...differences),
    };
  }
  let difference = 0;
  let same = true;
  for (const [name, tensor] of Object.entries(answered.outputs)) {
    const other = outputs[name];
    if (other === undefined || other.data.length !== tensor.data.length) {
      same = false;
      continue;
    }
    for (let at = 0; at < tensor.data.length; at++) {
      if (tensor.type === 'STRING' || other.type === 'STRING') {
        same &&= tensor.data[at] === other.data[at];
        continue;
      }
      const apart = Math.abs(Number(tensor.data[at]) - Number(other.data[at]));
      if (Number.isNaN(apart)) continue;
      difference = Math.max(difference, apart);
      same &&= isNear(Number(tensor.data[at]), apart);
    }
  }
  return { same, difference };
}

function differenceOf(one: Outcome, other: Outcome): number {
  if (one.value !== undefined && other.value !== undefined) return Math.abs(one.value - other.value);
  const shares = Object.entries(one.probabilities ?? {}).map(([name, share]) => Math.abs(share - (other.probabilities?.[name] ?? 0)));
  return Math.max(0, ...shares);
}

function isNear(value: number | undefined, difference: number): boolean {
  return difference <= tolerance * Math.max(1, Math.abs(value ?? 0));
}

function sizeOf(feeds: Feeds): number {
  let bytes = 0;
  for (const { data } of Object.values(feeds)) bytes += 'byteLength' in data ? data.byteLength : data.length * 64;
  return bytes;
}
