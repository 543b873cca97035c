import { eventType } from '#contract';
import type { SignedDesiredState } from '#contract';
import { canonicalJson, GyreError, isoInstant, steadyMs } from '#core';
import type { Tx } from '#store';
import { signDesired } from './desired-state.ts';
import { replaceDesired, selectAgents, selectDesired } from './fleet-store.ts';
import type { AgentRow } from './fleet-store.ts';
import { judgeAgent } from './judge-agent.ts';
import type { News } from './news.ts';
import type { AgentPlanes, FleetDeps } from './port.ts';

/** Who was heard of within it counts as connected, though it asks nothing at this moment: it is busy with what it was told. */
const connectedMs = 25_000;
const lookAgainMs = 1_000;

interface Wanted {
  readonly environment: string;
  readonly manifest: string | null;
  readonly now: number;
  /** Only while this is what is desired. */
  readonly instead?: number;
}

/** Releases to environments that agents serve. `settled` waits for those that are under way. */
export function agentPlanes(
  deps: FleetDeps,
  {
    news,
    reports,
    signal,
    isCalling,
  }: {
    readonly news: News;
    readonly reports: News;
    readonly signal: AbortSignal;
    readonly isCalling: (agent: string) => boolean;
  },
): AgentPlanes & { readonly settled: () => Promise<void> } {
  const { store, blobs, events, clock } = deps;
  const underWay = new Set<Promise<unknown>>();

  async function want(tx: Tx, { environment, manifest, now, instead }: Wanted): Promise<SignedDesiredState | undefined> {
    await tx.lock(`desired:${environment}`);
    const before = await selectDesired(tx, environment);
    if (instead !== undefined && before?.desired.revision !== instead) return undefined;
    // By the clock: a platform that was restored from a backup does not begin again with revisions that agents have seen.
    const revision = Math.max((before?.desired.revision ?? 0) + 1, now);
    const signed = signDesired({ format: 'gyre.desired.v1', environment, revision, manifest, issuedAt: isoInstant(now) }, deps.privateKey);
    await replaceDesired(tx, signed);
    events.publish(tx, {
      type: eventType('desired_state.set'),
      subject: environment,
      actor: deps.actor.identity,
      data: { environment, revision, manifest },
    });
    tx.afterCommit(() => news.tell(environment));
    return signed;
  }

  const isConnected = ({ id, revoked_at: revoked, last_seen_at: seen }: AgentRow): boolean =>
    revoked === null && (isCalling(id) || (seen !== null && clock.now() - seen < connectedMs));

  /**
   * Until every agent that is connected serves it or has refused it, for so long at most.
   * @param mayRefuse whose refusal fails it
   * @throws GyreError FAILED_PRECONDITION, UNAVAILABLE
   */
  async function taken(signed: SignedDesiredState, waitMs: number, mayRefuse: (row: AgentRow) => boolean): Promise<void> {
    const { environment, revision } = signed.desired;
    const begun = steadyMs();
    for (;;) {
      const connected = (await store.read((db) => selectAgents(db, environment))).filter(isConnected);
      const refused = connected.filter(({ report }) => report?.refused?.revision === revision);
      const refusing = refused.find(mayRefuse);
      if (refusing !== undefined)
        throw new GyreError('FAILED_PRECONDITION', `agent "${refusing.name}" refused it: ${refusing.report?.refused?.reason ?? ''}`, {
          environment,
          agent: refusing.name,
        });
      const leftMs = waitMs - (steadyMs() - begun);
      if (connected.every((row) => refused.includes(row) || judgeAgent(row, signed, clock.now()).state === 'in step') || leftMs <= 0)
        return;
      if (signal.aborted) throw new GyreError('UNAVAILABLE', 'the platform stopped while agents were told what to serve', { environment });
      await reports.wait(environment, Math.min(leftMs, lookAgainMs), signal);
    }
  }

  const apply: AgentPlanes['apply'] = async (manifest, { keep = false } = {}) => {
    const { environment } = manifest.manifest;
    const { digest } = await blobs.put(Buffer.from(canonicalJson(manifest)));
    const { before, serving } = await store.read(async (db) => ({
      before: await selectDesired(db, environment),
      serving: await selectAgents(db, environment),
    }));
    if (before?.desired.manifest === digest) return;
    const had = (before?.desired.manifest ?? null) !== null;
    // Whoever did not serve what was desired before has no say: a machine that never fitted would keep all others where they are.
    const inStep = new Set(serving.filter((row) => judgeAgent(row, before, clock.now()).state === 'in step').map(({ id }) => id));
    const mayRefuse = ({ id }: AgentRow): boolean => !keep && (!had || inStep.has(id));
    const signed = await store.write(want, { environment, manifest: digest, now: clock.now() });
    if (signed === undefined) return;
    const waitMs = deps.environments().find(({ name }) => name === environment)?.agentsWaitMs ?? 0;
    try {
      await taken(signed, waitMs, mayRefuse);
    } catch (error) {
      if (keep) throw error;
      await store.write(want, {
        environment,
        manifest: before?.desired.manifest ?? null,
        now: clock.now(),
        instead: signed.desired.revision,
      });
      throw error;
    }
  };

  return {
    serves: (environment) => deps.environments().find(({ name }) => name === environment)?.agents === true,
    apply: async (manifest, options) => {
      const work = apply(manifest, options);
      underWay.add(work);
      await work.finally(() => underWay.delete(work));
    },
    clear: async (environment) => {
      const before = await store.read((db) => selectDesired(db, environment));
      if (before === undefined || before.desired.manifest === null) return;
      await store.write(want, { environment, manifest: null, now: clock.now(), instead: before.desired.revision });
    },
    summary: (environment) =>
      store.read(async (db) => {
        const signed = await selectDesired(db, environment);
        const rows = (await selectAgents(db, environment)).filter(({ revoked_at: revoked }) => revoked === null);
        const judged = rows.map((row) => ({ name: row.name, ...judgeAgent(row, signed, clock.now()) }));
        const { desired } = signed ?? {};
        return {
          ...(desired === undefined ? {} : { revision: desired.revision, since: desired.issuedAt }),
          enrolled: rows.length,
          inStep: judged.filter(({ state }) => state === 'in step').length,
          waitsFor: judged.flatMap(({ name, state, why }) =>
            state === 'in step' ? [] : [`${name}: ${state}${why === undefined ? '' : `, ${why}`}`],
          ),
        };
      }),
    settled: async () => void (await Promise.allSettled(underWay)),
  };
}
