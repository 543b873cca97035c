import type { Approval, DeliveredChange, DeliveryMetrics, Deployment, ModelVersion } from '#contract';
import { isTrained } from '#contract';
import type { Gatekeeper } from '../gatekeeper.ts';
import type { ReleaseDeps } from '../port.ts';
import { selectApplicationTests, selectApprovals, selectCertifications, selectDeployments } from '../release-store.ts';
import { selectRollouts } from '../rollout/rollout-store.ts';
import { deliveryMetrics, isFailed, isFailedRollout, restoreMsOf, stagesOf, tenuresOf } from './metrics.ts';

/** More than an environment sees in years. */
const mostRecords = 10_000;

export interface DeliveryRequest {
  readonly environment: string;
  /** Milliseconds of the epoch. Default: 90 days before `to`. */
  readonly from?: number;
  /** Milliseconds of the epoch. Default: now. */
  readonly to?: number;
}

export interface Delivery {
  /** How often, how fast and how safely versions come to an environment, from the records of how they did. @throws GyreError NOT_FOUND */
  delivery(request: DeliveryRequest): Promise<DeliveryMetrics>;
}

type Way = Pick<DeliveredChange, 'model' | 'version' | 'stages' | 'leadTimeMs'>;

const defaultSpanMs = 90 * 86_400_000;

export function deliveryVerbs(deps: ReleaseDeps, keeper: Gatekeeper): Delivery {
  const { store, clock, versions } = deps;
  /** Of deployments by their ids: how they came about does not change any more. */
  const ways = new Map<string, Way>();

  /** When what a version was made of was there: its data, its code, else when its training began. */
  const changedAt = async (version: ModelVersion): Promise<string> => {
    const known = await deps.changedAt?.(version);
    if (known !== undefined) return known;
    return isTrained(version) ? (await deps.training.getRun(version.run)).startedAt : version.createdAt;
  };

  const delivered = async (first: Deployment): Promise<Way> => {
    const known = ways.get(first.id);
    if (known !== undefined) return known;
    const version = await versions.getById(first.modelVersion);
    const [tests, certifications, approvals] = await store.read(async (db) => [
      await selectApplicationTests(db, version.id),
      await selectCertifications(db, version.id),
      await selectApprovals(db, version.id),
    ]);
    const certification = certifications.find(({ id }) => id === first.certification);
    const tested =
      certification === undefined
        ? tests.find(({ passed, endedAt }) => passed && endedAt <= first.deployedAt)
        : tests.find(({ id }) => id === certification.report);
    const approved = lastOf(approvals, first);
    const { model, version: number } = version;
    const way: Way = {
      model,
      version: number,
      ...stagesOf(await changedAt(version), {
        build: version.createdAt,
        ...(tested === undefined ? {} : { test: tested.endedAt }),
        ...(certification === undefined ? {} : { certify: certification.certifiedAt }),
        ...(approved === undefined ? {} : { approve: approved }),
        release: first.deployedAt,
      }),
    };
    if (ways.size >= mostRecords) ways.clear();
    ways.set(first.id, way);
    return way;
  };

  return {
    delivery: async ({ environment, to = clock.now(), from = to - defaultSpanMs }) => {
      const { name } = keeper.environmentOf(environment);
      const [deployments, rollouts] = await store.read(async (db) => [
        await selectDeployments(db, { environment: name, limit: mostRecords }),
        await selectRollouts(db, { environment: name, state: 'rolled_back', limit: mostRecords }),
      ]);
      const isIn = (at: string): boolean => Date.parse(at) >= from && Date.parse(at) < to;
      const changes: DeliveredChange[] = [];
      for (const tenure of tenuresOf(deployments)) {
        const { first } = tenure;
        if (!isIn(first.deployedAt)) continue;
        const restoreMs = restoreMsOf(tenure);
        changes.push({
          deployment: first.id,
          modelVersion: first.modelVersion,
          ...(await delivered(first)),
          at: first.deployedAt,
          failed: isFailed(tenure),
          ...(restoreMs === undefined ? {} : { restoreMs }),
        });
      }
      for (const rollout of rollouts.filter(isFailedRollout)) {
        const { id, modelVersion, history, endedAt } = rollout;
        const at = history.find(({ what }) => what === 'step')?.at ?? rollout.startedAt;
        if (!isIn(at)) continue;
        const { model, version } = await versions.getById(modelVersion);
        const restored = endedAt === undefined ? {} : { restoreMs: Date.parse(endedAt) - Date.parse(at) };
        changes.push({ rollout: id, modelVersion, model, version, at, stages: {}, failed: true, ...restored });
      }
      return deliveryMetrics(name, changes, { from, to });
    },
  };
}

/** When the last of the approvals was given that a deployment was let through on. */
function lastOf(approvals: readonly Approval[], { approvals: on }: Deployment): string | undefined {
  return approvals
    .filter(({ id }) => on.includes(id))
    .map(({ approvedAt }) => approvedAt)
    .toSorted()
    .at(-1);
}
