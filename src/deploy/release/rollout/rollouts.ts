import { GyreError, isoInstant, messageOf } from '#core';
import { isJudged } from '#contract';
import type { Rollout } from '#contract';
import { requireJudged } from '#registry';
import type { Tx } from '#store';
import type { Gatekeeper } from '../gatekeeper.ts';
import { servedByAgents } from '../planes.ts';
import { missingGates, type Missing } from '../gates.ts';
import type { ReleaseDeps } from '../port.ts';
import { selectByState } from '../release-store.ts';
import type { Switch } from '../switch.ts';
import { nothingAnswered } from './answers.ts';
import { requireAlike } from './alike.ts';
import { rolloutController } from './controller.ts';
import type { Rollouts, StartRollout } from './port.ts';
import { requireUnderWay, rolloutRecords } from './records.ts';
import { selectRollout, selectRollouts } from './rollout-store.ts';
import { rolloutSteps } from './steps.ts';
import { inTurns } from './turns.ts';

/** Opens rollouts over the switch of environments. @param settled resolves when a start has put right what a dead process left */
export function openRollouts(deps: ReleaseDeps, keeper: Gatekeeper, switches: Switch, settled: () => Promise<unknown>): Rollouts {
  const { store, clock, newId, versions } = deps;
  const records = rolloutRecords(deps);
  const steps = rolloutSteps(deps, keeper, switches, records);
  const turns = inTurns();
  const controller = rolloutController(deps, keeper, { records, steps, turns });

  const get = async (id: string): Promise<Rollout> => {
    const rollout = await store.read((db) => selectRollout(db, id));
    if (rollout === undefined) throw new GyreError('NOT_FOUND', `no rollout "${id}"; gyre release rollout list names those that there are`);
    return rollout;
  };
  const refuse = async (
    what: string,
    { modelVersion, environment }: Pick<Rollout, 'modelVersion' | 'environment'>,
    by: StartRollout['by'],
    reasons: readonly Missing[],
  ): Promise<never> => {
    const version = await versions.getById(modelVersion);
    const attempted = `${what} of ${version.model} version ${version.version} to "${environment}"`;
    return keeper.refuse({ attempted, version, environment, by, reasons });
  };
  /** Decisions about an environment go one after the other, those of people and those of the controller. */
  const decide = async (id: string, work: (rollout: Rollout) => Promise<unknown>): Promise<Rollout> => {
    await settled();
    const { environment } = await get(id);
    await turns(environment, async () => work(await store.read((db) => requireUnderWay(db, id))));
    return get(id);
  };

  const drafted = async ({ environment, modelVersion, plan: asked, reason, by }: StartRollout): Promise<Rollout> => {
    const plan = asked ?? deps.settings().rollouts?.[environment];
    if (keeper.environmentOf(environment).agents === true)
      throw servedByAgents(
        environment,
        'a step is judged by what a data plane has just counted; release at once (gyre release roll --at-once)',
      );
    if (plan === undefined)
      throw new GyreError(
        'FAILED_PRECONDITION',
        `"${environment}" has no \`roll\` in gyre.yaml (release.environments): say there how a version comes to it, or with the rollout`,
        { environment },
      );
    const live = await store.read((db) => selectByState(db, environment, 'live'));
    if (live === undefined)
      throw new GyreError(
        'FAILED_PRECONDITION',
        `nothing is live in "${environment}": the first version is released at once (gyre release roll)`,
        {
          environment,
        },
      );
    const version = await versions.getById(modelVersion);
    if (live.modelVersion === version.id)
      throw new GyreError('FAILED_PRECONDITION', `"${environment}" serves ${version.model} version ${version.version} already`);
    if (!isJudged(version)) {
      const factsIn = await keeper.factsReader(version, keeper.environmentOf(environment));
      return refuse('rollout', { modelVersion, environment }, by, missingGates(await store.read(factsIn)));
    }
    requireAlike(requireJudged(await versions.getById(live.modelVersion), 'a rollout'), version, plan.strategy);
    return {
      id: newId(),
      environment,
      endpoint: live.endpoint,
      modelVersion: version.id,
      package: version.package,
      stable: live.modelVersion,
      plan,
      state: 'running',
      step: 0,
      weight: 0,
      observed: { stable: nothingAnswered, candidate: nothingAnswered },
      checks: [],
      reason,
      startedBy: by,
      startedAt: isoInstant(clock.now()),
      history: [],
    };
  };

  return {
    start: async (request) => {
      await settled();
      const { name } = keeper.environmentOf(request.environment);
      return turns(name, async () => {
        const rollout = await drafted(request);
        const cause = { by: request.by, why: request.reason };
        let missing: readonly Missing[];
        try {
          missing = await steps.toStep(rollout, 0, cause, true);
        } catch (error) {
          const begun = await store.read((db) => selectRollout(db, rollout.id));
          if (begun?.state === 'running' && begun.stepStartedAt === undefined) {
            const decision = { by: request.by, why: messageOf(error), at: isoInstant(clock.now()) };
            await store.write((tx: Tx) => records.ended(tx, rollout.id, 'aborted', decision), undefined);
          }
          throw error;
        }
        if (missing.length > 0) return refuse('rollout', rollout, request.by, missing);
        await controller.beginCount(rollout.id);
        return get(rollout.id);
      });
    },
    pause: ({ id, reason, by }) =>
      decide(id, () => store.write((tx: Tx) => records.paused(tx, id, { by, why: reason, at: isoInstant(clock.now()) }), undefined)),
    resume: ({ id, reason, by }) =>
      decide(id, () => store.write((tx: Tx) => records.resumed(tx, id, { by, why: reason, at: isoInstant(clock.now()) }), undefined)),
    promote: ({ id, reason, by }) =>
      decide(id, async (rollout) => {
        const missing = await steps.toAll(rollout, { by, why: reason });
        if (missing.length > 0) await refuse('promotion', rollout, by, missing);
      }),
    rollBack: ({ id, reason, by }) => decide(id, (rollout) => steps.back(rollout, { by, why: reason })),
    get,
    list: (filter = {}) => store.read((db) => selectRollouts(db, filter)),
    advance: async (by) => {
      await settled();
      return controller.advance(by);
    },
  };
}
