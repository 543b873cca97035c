import { hasCode, isoInstant, messageOf } from '#core';
import type { Actor, Rollout } from '#contract';
import { requireJudged } from '#registry';
import type { Tx } from '#store';
import type { Gatekeeper } from '../gatekeeper.ts';
import { withdrawals } from '../gates.ts';
import type { Missing } from '../gates.ts';
import type { ReleaseDeps } from '../port.ts';
import { analyse } from './analysis.ts';
import { addedUp, answeredSince, readingOf } from './answers.ts';
import { nextMove } from './plan.ts';
import type { RolloutRecords } from './records.ts';
import { selectAllUnderWay, selectReading, selectRollout } from './rollout-store.ts';
import type { Cause, RolloutSteps } from './steps.ts';
import type { Turns } from './turns.ts';

/** How often a step that cannot be taken is tried; a way back is tried for ever. */
const mostTries = 3;
const firstRetryMs = 1_000;
const longestRetryMs = 5_000;

export interface RolloutController {
  advance(by: Actor): Promise<readonly { readonly rollout: string; readonly reason: string }[]>;
  /** Reads what the data plane has counted until now: what comes after it is of the step that has just begun. */
  beginCount(id: string): Promise<void>;
}

interface Failure {
  readonly tries: number;
  /** Milliseconds since 1970. */
  readonly again: number;
  /** It ends by this, and nothing else is tried any more. */
  readonly ending?: Cause;
}

interface Tools {
  readonly records: RolloutRecords;
  readonly steps: RolloutSteps;
  readonly turns: Turns;
}

/** Moves rollouts by what is observed of them. All that it knows is on record: whatever process comes next goes on. */
export function rolloutController(deps: ReleaseDeps, keeper: Gatekeeper, { records, steps, turns }: Tools): RolloutController {
  const { store, clock, versions } = deps;
  /** What could not be done, and when it is tried again. */
  const failures = new Map<string, Failure>();
  /** Environments that are looked at just now. */
  const looked = new Set<string>();

  /** What the data plane has counted since it was last read, added to what the record has; undefined while it tells nothing. */
  const observe = async (rollout: Rollout): Promise<Rollout | undefined> => {
    const { id, environment, plan, step } = rollout;
    const figures = await deps.planes.figures?.(environment);
    if (figures === undefined) return undefined;
    const [stable, candidate] = await Promise.all(
      [rollout.stable, rollout.modelVersion].map(async (one) => requireJudged(await versions.getById(one), 'a rollout')),
    );
    const now = readingOf(figures, stable, candidate, plan.steps[step]);
    const before = await store.read((db) => selectReading(db, id));
    const began = before.stable !== undefined && now.stable !== undefined && before.stable.since !== now.stable.since;
    const restarts = (rollout.observed.restarts ?? 0) + (began ? 1 : 0);
    const observed = {
      ...(restarts === 0 ? {} : { restarts }),
      stable: addedUp(rollout.observed.stable, answeredSince(before.stable, now.stable)),
      candidate: addedUp(rollout.observed.candidate, answeredSince(before.candidate, now.candidate)),
    };
    const seen: Rollout = { ...rollout, observed, checks: [...analyse(plan.analysis, observed)] };
    await store.write((tx: Tx) => records.observed(tx, seen, { ...before, ...now }), undefined);
    return seen;
  };

  const withdrawn = async ({ modelVersion, environment }: Rollout): Promise<readonly Missing[]> => {
    const factsIn = await keeper.factsReader(await versions.getById(modelVersion), keeper.environmentOf(environment), { bytes: false });
    // Before each step up its decisions are judged anew.
    return store.read(async (db) => withdrawals(await factsIn(db), { approvals: [] }));
  };

  const fail = async (rollout: Rollout, cause: Cause): Promise<void> => {
    if (rollout.plan.onFailure === 'rollback') return steps.back(rollout, cause);
    const decision = { ...cause, at: isoInstant(clock.now()) };
    await store.write((tx: Tx) => records.paused(tx, rollout.id, decision), undefined);
  };

  /** A step that was refused for lack of a gate leads back: what it was let through on does not hold any more. */
  const goOn = async (rollout: Rollout, by: Actor, to: number | 'all'): Promise<void> => {
    const cause = { by, why: 'all checks passed' };
    const missing = to === 'all' ? await steps.toAll(rollout, cause) : await steps.toStep(rollout, to, cause);
    if (missing.length > 0) return steps.back(rollout, { by, why: reasonsOf(missing) });
    if (to !== 'all') await beginCount(rollout.id);
  };

  const move = async (rollout: Rollout, by: Actor): Promise<void> => {
    const gone = await withdrawn(rollout);
    if (gone.length > 0) return steps.back(rollout, { by, why: reasonsOf(gone) });
    if (rollout.state === 'paused') return undefined;
    // The process ended before its first step was live.
    if (rollout.stepStartedAt === undefined) return goOn(rollout, by, 0);
    const seen = await observe(rollout);
    // On nothing, and on what was seen before, nothing is decided.
    if (seen === undefined) return;
    const elapsedMs = clock.now() - Date.parse(rollout.stepStartedAt);
    const next = nextMove({ plan: seen.plan, step: seen.step, elapsedMs, checks: seen.checks });
    if (next.move === 'fail') await fail(seen, { by, why: next.why });
    else if (next.move === 'step') await goOn(seen, by, next.step);
    else if (next.move === 'promote') await goOn(seen, by, 'all');
  };

  const beginCount = async (id: string): Promise<void> => {
    const rollout = await store.read((db) => selectRollout(db, id));
    // What cannot be read now is read by the next look.
    if (rollout?.state === 'running') await observe(rollout).catch(() => undefined);
  };

  const look = async (id: string, by: Actor): Promise<string | undefined> => {
    const rollout = await store.read((db) => selectRollout(db, id));
    if (rollout?.state !== 'running' && rollout?.state !== 'paused') return undefined;
    // Somebody has looked at it meanwhile: what failed before counts no more.
    if (rollout.state === 'paused') failures.delete(id);
    const { tries, again, ending } = failures.get(id) ?? { tries: 0, again: 0 };
    if (clock.now() < again) return undefined;
    try {
      await (ending === undefined ? move(rollout, by) : fail(rollout, ending));
      failures.delete(id);
      return undefined;
    } catch (error) {
      // Somebody else switches just now: the next look sees what came of it.
      if (hasCode(error, 'ABORTED')) return undefined;
      const failed: Failure = { tries: tries + 1, again: clock.now() + Math.min(firstRetryMs * 2 ** tries, longestRetryMs) };
      const why = `it could not go on: ${messageOf(error)}`;
      failures.set(id, ending !== undefined || tries + 1 >= mostTries ? { ...failed, ending: ending ?? { by, why } } : failed);
      return messageOf(error);
    }
  };

  return {
    beginCount,
    advance: async (by) => {
      // An environment that is being switched, or whose data plane answers late, holds up no other.
      const free = (await store.read(selectAllUnderWay)).filter(({ environment }) => !looked.has(environment));
      const problems = await Promise.all(
        free.map(async ({ id, environment }) => {
          looked.add(environment);
          try {
            const reason = await turns(environment, () => look(id, by));
            return reason === undefined ? [] : [{ rollout: id, reason }];
          } finally {
            looked.delete(environment);
          }
        }),
      );
      return problems.flat();
    },
  };
}

function reasonsOf(missing: readonly Missing[]): string {
  return missing.map(({ reason }) => reason).join('; ');
}
