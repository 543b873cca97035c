import type { NamedRow, ReleaseManifest } from '#contract';
import { GyreError } from '#core';
import { formatTraceparent } from '#telemetry';
import { boundOf, hiding } from './log-policy.ts';
import type { ServedModel } from './generation.ts';
import { logLine, namedRowTexts, outcomeText } from './log-line.ts';
import { namedRows, outputRows } from './outcome.ts';
import type { Inference, Inferred, PlaneDeps } from './plane-port.ts';
import type { PlaneMetrics } from './plane-metrics.ts';

/** One answered request, on its way to the log. */
export interface LoggedAnswer {
  readonly manifest: ReleaseManifest;
  readonly inference: Inference;
  readonly inferred: Inferred;
  /** The model that was asked: its signature names the inputs, whichever model answered. */
  readonly asked: Pick<ServedModel, 'entry'>;
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
  write(answer: LoggedAnswer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.writeSoon(answer, (fault) => {
        if (fault === undefined) resolve();
        else reject(fault);
      });
    });
  }

  /** As `write`, together with what others write in this turn of the event loop. @param done called once, with what `write` would throw */
  writeSoon(answer: LoggedAnswer, done: (fault?: GyreError) => void): void {
    const { spool, events, clock, elapsed } = this.#deps;
    const { manifest, inference, inferred } = answer;
    const { log } = manifest;
    const { entry } = inferred.model;
    // Made into objects only for those who look into them.
    const isTold = log.events !== undefined && events !== undefined;
    const isHidden = (log.mask ?? []).length + (log.drop ?? []).length > 0;
    const rows = isTold || isHidden ? shownRows(answer) : undefined;
    const logged = (): void => {
      if (rows !== undefined) this.#tell(answer, rows);
      done();
    };
    if (spool === undefined) {
      logged();
      return;
    }
    const inputs = rows?.inputs.map((row) => JSON.stringify(row)) ?? inputTexts(answer);
    const outputs = rows?.outputs.map((row) => JSON.stringify(row)) ?? outputTexts(inferred);
    const head = {
      manifest,
      entry,
      servedMs: clock.now(),
      latencyMs: elapsed() - inference.receivedMs,
      eventTime: inference.eventTime,
      traceId: inference.note?.trace?.traceId,
    };
    const line = logLine(
      head,
      inferred.ids.map((id, row) => ({ id, inputs: inputs[row], outputs: outputs[row], key: inference.keys?.[row] })),
    );
    spool.appendSoon(line, (fault) => {
      if (fault === undefined) logged();
      else if (log.sample < 1) {
        this.#counts.unlogged.inc({}, inferred.rows);
        logged();
      } else {
        this.#counts.dropped.inc({ reason: 'log' });
        const message = `not answered, because every prediction of this endpoint must be logged: ${fault.message}`;
        done(new GyreError('UNAVAILABLE', message, {}, { cause: fault }));
      }
    });
  }

  #tell({ manifest, inference, inferred }: LoggedAnswer, rows: ShownRows): void {
    const { events } = this.#deps;
    const { log } = manifest;
    if (log.events === undefined || events === undefined) return;
    const hideToo = hiding({ mask: log.events.mask });
    const { environment, endpoint } = manifest;
    const { name: model, version } = inferred.model.entry;
    const trace = inference.note?.trace;
    const told = { environment, endpoint, model, version, ids: inferred.ids, inputs: hideToo(rows.inputs), outputs: hideToo(rows.outputs) };
    events.offer(trace === undefined ? told : { ...told, traceparent: formatTraceparent(trace) }, log.events);
  }
}

interface ShownRows {
  readonly inputs: readonly NamedRow[];
  readonly outputs: readonly Readonly<Record<string, unknown>>[];
}

/** What was asked and what was said, row by row, without what the policy hides. */
function shownRows({ manifest: { log }, asked, inference, inferred }: LoggedAnswer): ShownRows {
  const hide = hiding(log);
  const said: readonly Readonly<Record<string, unknown>>[] = inferred.outcomes ?? outputRows(inferred.outputs, inferred.rows);
  return { inputs: hide(inference.rows ?? namedRows(asked.entry.signature, inference.feeds, inferred.rows)), outputs: hide(said) };
}

function inputTexts({ asked, inference, inferred }: LoggedAnswer): readonly string[] {
  const { rows } = inference;
  return rows === undefined ? namedRowTexts(asked.entry.signature, inference.feeds, inferred.rows) : rows.map((row) => JSON.stringify(row));
}

function outputTexts({ outcomes, outputs, rows }: Inferred): readonly string[] {
  return outcomes === undefined ? outputRows(outputs, rows).map((row) => JSON.stringify(row)) : outcomes.map(outcomeText);
}
