import type { NamedRow, ReleaseManifest } from '#contract';
import { GyreError, isoInstant, messageOf } from '#core';
import { formatTraceparent } from '#telemetry';
import { boundOf, hiding } from './log-policy.ts';
import { outputRows } from './outcome.ts';
import type { Inference, Inferred, PlaneDeps } from './plane-port.ts';
import type { PlaneMetrics } from './plane-metrics.ts';

/** One answered request, on its way to the log. */
export interface LoggedAnswer {
  readonly manifest: ReleaseManifest;
  readonly inference: Inference;
  readonly inferred: Inferred;
  /** The rows as the caller said them. */
  readonly inputs: readonly NamedRow[];
}

/** What a plane writes down of its answers, as their manifest's policy says: in the log on this disk, and to whom else is told. */
export class PlaneLog {
  readonly #deps: Pick<PlaneDeps, 'spool' | 'events' | 'clock' | 'elapsed' | 'chance'>;
  readonly #counts: Pick<PlaneMetrics, 'dropped' | 'unlogged'>;

  constructor(
    deps: Pick<PlaneDeps, 'spool' | 'events' | 'clock' | 'elapsed' | 'chance'>,
    counts: Pick<PlaneMetrics, 'dropped' | 'unlogged'>,
  ) {
    this.#deps = deps;
    this.#counts = counts;
  }

  /** From now on the log may take of the disk what this manifest says. */
  follow({ log }: ReleaseManifest): void {
    if (this.#deps.spool !== undefined) this.#deps.spool.bound = boundOf(log);
  }

  /** Whether this request is among those that are logged. */
  isSampled({ log }: ReleaseManifest): boolean {
    const { spool, events, chance } = this.#deps;
    const isLogged = spool !== undefined || (events !== undefined && log.events !== undefined);
    return isLogged && (log.sample >= 1 || (log.sample > 0 && chance() < log.sample));
  }

  /**
   * Where every prediction is to be logged, one that cannot be is not answered: nobody could ever say what was predicted. A sample may miss some.
   * @throws GyreError UNAVAILABLE
   */
  async write({ manifest, inference, inferred, inputs: given }: LoggedAnswer): Promise<void> {
    const { spool, events, clock, elapsed } = this.#deps;
    const { environment, endpoint, generation, log } = manifest;
    const {
      ids,
      model: { entry },
    } = inferred;
    const said: readonly Readonly<Record<string, unknown>>[] = inferred.outcomes ?? outputRows(inferred.outputs, inferred.rows);
    const hide = hiding(log);
    const inputs = hide(given);
    const outputs = hide(said);
    if (spool !== undefined) {
      const payload = JSON.stringify({
        environment,
        endpoint,
        generation,
        package: entry.package,
        model: entry.name,
        version: entry.version,
        servedAt: isoInstant(clock.now()),
        eventTime: inference.eventTime,
        traceId: inference.note?.trace?.traceId,
        latencyMs: elapsed() - inference.receivedMs,
        rows: ids.map((id, row) => ({ id, inputs: inputs[row], outputs: outputs[row], key: inference.keys?.[row] })),
      });
      try {
        await spool.append(payload);
      } catch (error) {
        if (log.sample >= 1) {
          this.#counts.dropped.inc({ reason: 'log' });
          throw new GyreError(
            'UNAVAILABLE',
            `not answered, because every prediction of this endpoint must be logged: ${messageOf(error)}`,
            {},
            { cause: error },
          );
        }
        this.#counts.unlogged.inc({}, inferred.rows);
      }
    }
    if (log.events === undefined || events === undefined) return;
    const hideToo = hiding({ mask: log.events.mask });
    const { name: model, version } = entry;
    const trace = inference.note?.trace;
    const told = { environment, endpoint, model, version, ids, inputs: hideToo(inputs), outputs: hideToo(outputs) };
    events.offer(trace === undefined ? told : { ...told, traceparent: formatTraceparent(trace) }, log.events);
  }
}
