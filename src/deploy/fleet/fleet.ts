import { eventType } from '#contract';
import type { Agent, AgentReport, DesiredAnswer, SignedDesiredState, SignedManifest } from '#contract';
import { asSha256, GyreError, isoInstant, steadyMs } from '#core';
import type { Db, Tx } from '#store';
import { agentPlanes } from './agent-planes.ts';
import { publicKeyOf } from './desired-state.ts';
import { insertAgent, insertChange, selectAgent, selectAgents, selectChanges, selectDesired, updateAgent } from './fleet-store.ts';
import type { AgentRow } from './fleet-store.ts';
import { agentOf, judgeAgent } from './judge-agent.ts';
import { News } from './news.ts';
import type { Fleet, FleetDeps } from './port.ts';

/** News of another process of the platform is found by looking. */
const lookAgainMs = 10_000;
/** An agent that asks often is not written down each time. */
const touchEveryMs = 5_000;

/** Opens the room over a migrated store. */
export function openFleet(deps: FleetDeps): Fleet {
  const { store, blobs, events, clock, newId, access } = deps;
  const news = new News();
  /** Of what agents report, which only a release waits for. */
  const reports = new News();
  const closing = new AbortController();
  /** Agents that wait for an answer just now. */
  const calling = new Map<string, number>();
  const planes = agentPlanes(deps, { news, reports, signal: closing.signal, isCalling: (id) => calling.has(id) });

  const required = (environment: string): void => {
    const known = deps.environments();
    const found = known.find(({ name }) => name === environment);
    if (found === undefined)
      throw new GyreError(
        'NOT_FOUND',
        `there is no environment "${environment}"; the project has ${known.map(({ name }) => `"${name}"`).join(', ')}`,
        { environment },
      );
    if (found.agents) return;
    throw new GyreError(
      'FAILED_PRECONDITION',
      `no agents serve "${environment}": say "agents: true" of it in gyre.yaml (release.environments)`,
      { environment },
    );
  };
  const byName = async (idOrName: string): Promise<AgentRow> => {
    const found = await store.read(
      async (db) =>
        (await selectAgent(db, { column: 'id', value: idOrName })) ?? (await selectAgent(db, { column: 'name', value: idOrName })),
    );
    if (found !== undefined) return found;
    const names = (await store.read((db) => selectAgents(db))).map(({ name }) => name);
    throw new GyreError('NOT_FOUND', `there is no agent "${idOrName}"; there are: ${names.join(', ') || 'none'}`, { agent: idOrName });
  };
  /** The agent that calls. */
  const caller = async (identity: string): Promise<AgentRow> => {
    const row = await store.read((db) => selectAgent(db, { column: 'identity', value: identity }));
    if (row === undefined || row.revoked_at !== null)
      throw new GyreError('NOT_FOUND', 'this token is of no agent that is enrolled: gyre agent enrol gives one');
    required(row.environment);
    return row;
  };
  const shown = async (db: Db, row: AgentRow): Promise<Agent> => agentOf(row, await selectDesired(db, row.environment), clock.now());

  async function touch(row: AgentRow): Promise<void> {
    if (row.last_seen_at !== null && clock.now() - row.last_seen_at < touchEveryMs) return;
    await store.write((tx, { id, now }) => updateAgent(tx, id, { last_seen_at: now }), { id: row.id, now: clock.now() });
  }

  /** States what became of an agent, where that is news. */
  async function stateIn(tx: Tx, row: AgentRow, { changeId, now }: { readonly changeId: string; readonly now: number }): Promise<void> {
    const { state, why } = judgeAgent(row, await selectDesired(tx, row.environment), now);
    if (state === row.state && (why ?? null) === row.why) return;
    await updateAgent(tx, row.id, { state, why: why ?? null });
    // That it is busy now with something else is no change of its state.
    if (state === row.state && state !== 'refused') return;
    const said = why === undefined ? {} : { why };
    await insertChange(tx, changeId, row.id, { at: isoInstant(now), state, ...said });
    events.publish(tx, {
      type: eventType('agent.changed'),
      subject: row.id,
      actor: state === 'silent' ? deps.actor.identity : row.identity,
      data: { id: row.id, name: row.name, environment: row.environment, state, ...said },
    });
  }

  async function recordReport(
    tx: Tx,
    asked: { readonly id: string; readonly report: AgentReport; readonly now: number; readonly changeId: string },
  ): Promise<Agent | undefined> {
    const { id, report, now } = asked;
    await tx.lock(`agent:${id}`);
    const row = await selectAgent(tx, { column: 'id', value: id });
    if (row === undefined || row.revoked_at !== null) return undefined;
    const seen = { ...row, report, last_seen_at: now };
    await updateAgent(tx, id, { report, last_seen_at: now });
    await stateIn(tx, seen, asked);
    tx.afterCommit(() => reports.tell(row.environment));
    return shown(tx, seen);
  }

  const answerOf = async (state: SignedDesiredState | undefined): Promise<DesiredAnswer> => {
    if (state === undefined) return {};
    const { manifest } = state.desired;
    return manifest === null ? { state } : { state, manifest: await readManifest(manifest) };
  };
  const readManifest = async (digest: string): Promise<SignedManifest> =>
    JSON.parse(Buffer.from(await blobs.read(asSha256(digest))).toString('utf8')) as SignedManifest;

  return {
    planes,
    async enrol({ name, environment, by }) {
      required(environment);
      const identity = await access.createIdentity({ name: `agent.${name}`, roles: ['agent'] }, by).catch((error: unknown) => {
        if (!(error instanceof GyreError) || error.code !== 'ALREADY_EXISTS') throw error;
        throw new GyreError('ALREADY_EXISTS', `the name "${name}" was given to an agent before, and is not given again; choose another`, {
          name,
        });
      });
      const row: AgentRow = {
        id: newId(),
        name,
        environment,
        identity: identity.id,
        enrolled_at: clock.now(),
        enrolled_by: by,
        revoked_at: null,
        last_seen_at: null,
        state: 'never seen',
        why: null,
        report: null,
      };
      await store.write(async (tx, args) => {
        await insertAgent(tx, args);
        const data = { id: args.id, name: args.name, environment: args.environment };
        events.publish(tx, { type: eventType('agent.enrolled'), subject: args.id, actor: by.identity, data });
      }, row);
      const { secret } = await access.issueToken({ identity: identity.id, label: `agent ${name}` }, by);
      return { agent: await store.read((db) => shown(db, row)), token: secret, key: publicKeyOf(deps.privateKey) };
    },

    async revoke({ agent, by }) {
      const { id, identity } = await byName(agent);
      // The token ends first: what is recorded as revoked comes in no more.
      await access.disableIdentity(identity, by);
      return store.write(
        async (tx, args) => {
          await tx.lock(`agent:${args.id}`);
          const row = await selectAgent(tx, { column: 'id', value: args.id });
          if (row === undefined) throw new GyreError('NOT_FOUND', `there is no agent "${args.id}"`);
          if (row.revoked_at !== null) return shown(tx, row);
          await updateAgent(tx, row.id, { revoked_at: args.now, state: 'revoked', why: null });
          await insertChange(tx, args.changeId, row.id, { at: isoInstant(args.now), state: 'revoked' });
          const data = { id: row.id, name: row.name, environment: row.environment };
          events.publish(tx, { type: eventType('agent.revoked'), subject: row.id, actor: by.identity, data });
          tx.afterCommit(() => news.tell(row.environment));
          return shown(tx, { ...row, revoked_at: args.now });
        },
        { id, now: clock.now(), changeId: newId() },
      );
    },

    agents: (environment) =>
      store.read(async (db) => {
        const shownAgents: Agent[] = [];
        for (const row of await selectAgents(db, environment)) shownAgents.push(await shown(db, row));
        return shownAgents;
      }),
    agent: async (idOrName) => {
      const row = await byName(idOrName);
      return store.read(async (db) => ({ ...(await shown(db, row)), changes: await selectChanges(db, row.id) }));
    },

    async desired({ identity, after, waitMs, signal }) {
      const row = await caller(identity);
      await touch(row);
      const { id, environment } = row;
      calling.set(id, (calling.get(id) ?? 0) + 1);
      const ended = AbortSignal.any([signal, closing.signal]);
      try {
        const begun = steadyMs();
        for (;;) {
          const state = await store.read((db) => selectDesired(db, environment));
          const leftMs = waitMs - (steadyMs() - begun);
          if ((state?.desired.revision ?? 0) !== after || leftMs <= 0 || ended.aborted) return await answerOf(state);
          await news.wait(environment, Math.min(leftMs, lookAgainMs), ended);
          // Whoever was revoked meanwhile is told nothing more.
          await caller(identity);
        }
      } finally {
        const others = (calling.get(id) ?? 1) - 1;
        if (others === 0) calling.delete(id);
        else calling.set(id, others);
      }
    },

    async file({ identity, digest }) {
      const { environment } = await caller(identity);
      const state = await store.read((db) => selectDesired(db, environment));
      const named = state?.desired.manifest ?? null;
      const { models, warm = [] } = named === null ? { models: [] } : (await readManifest(named)).manifest;
      const isNamed = [...models, ...warm].some(({ files }) => files.some((file) => file.digest === digest));
      const stat = isNamed ? await blobs.stat(asSha256(digest)) : undefined;
      if (stat === undefined)
        throw new GyreError('NOT_FOUND', `what "${environment}" is to serve names no file ${digest}`, { environment, digest });
      return { size: stat.size, bytes: await blobs.open(stat.digest) };
    },

    async report({ identity, report }) {
      const { id } = await caller(identity);
      const agent = await store.write(recordReport, { id, report, now: clock.now(), changeId: newId() });
      if (agent === undefined) throw new GyreError('NOT_FOUND', 'this agent was revoked');
      return agent;
    },
    environmentOf: async (identity) => {
      const row = await caller(identity);
      await touch(row);
      return row.environment;
    },

    async look() {
      const now = clock.now();
      for (const { id } of await store.read((db) => selectAgents(db)))
        await store.write(
          async (tx, args) => {
            await tx.lock(`agent:${args.id}`);
            const row = await selectAgent(tx, { column: 'id', value: args.id });
            if (row === undefined || row.state === 'silent') return;
            const { state } = judgeAgent(row, await selectDesired(tx, row.environment), args.now);
            if (state === 'silent') await stateIn(tx, row, args);
          },
          { id, now, changeId: newId() },
        );
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      await planes.settled();
    },
  };
}
