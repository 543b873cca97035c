import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { accessMigrations, openAccess } from '#access';
import type { Access } from '#access';
import { openFsBlobs } from '#blobs';
import type { Actor, AgentReport, EnrolledAgent, EventKind, SignedManifest } from '#contract';
import { eventType } from '#contract';
import { canonicalJson, countingIds, hasCode, isoInstant, manualClock, seededBytes, sha256 } from '#core';
import type { ErrorCode } from '#core';
import { eventsMigrations, openEvents } from '#events';
import type { Store } from '#store';
import { openFleet } from './fleet.ts';
import { fleetMigrations } from './migrations/index.ts';
import type { Fleet } from './port.ts';

export interface StoreFixture extends AsyncDisposable {
  open(): Promise<Store>;
}

const ada: Actor = { identity: 'ada', name: 'Ada' };
const gyre: Actor = { identity: 'gyre', name: 'gyre' };
const model = Buffer.from('a model');
const patientMs = 60_000;

const fails =
  (code: ErrorCode, message: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(hasCode(error, code), String(error));
    assert.match(error.message, message);
    return true;
  };

/** What the room promises on any store. */
export function fleetContract(name: string, fixture: () => Promise<StoreFixture>, skip: string | false = false): void {
  describe(`agents, on ${name}`, { skip, timeout: 120_000 }, () => {
    const opened = new AsyncDisposableStack();
    const clock = manualClock(Date.parse('2026-05-01T10:00:00Z'));
    const keys = generateKeyPairSync('ed25519');
    const privateKey = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    let agentsWaitMs = 0;
    let fleet: Fleet;
    let access: Access;
    let published: (kind: EventKind) => Promise<readonly Record<string, unknown>[]>;
    let file = '';

    before(async () => {
      const folder = await mkdtemp(join(tmpdir(), 'gyre-fleet-'));
      opened.defer(() => rm(folder, { recursive: true, force: true }));
      const store = opened.use(await opened.use(await fixture()).open());
      await store.migrate([eventsMigrations, accessMigrations, fleetMigrations]);
      const newId = countingIds('id');
      const events = opened.use(openEvents({ store, clock, newId, source: '/gyre/test' }));
      const blobs = await openFsBlobs({ dir: join(folder, 'blobs') });
      file = (await blobs.put(model)).digest;
      await blobs.put(Buffer.from('a secret'));
      access = openAccess({ store, events, clock, newId, randomBytes: seededBytes(7) });
      published = async (kind) => (await events.read({ types: [eventType(kind)], limit: 1000 })).map(({ data }) => ({ ...data }));
      fleet = opened.use(
        openFleet({
          store,
          blobs,
          events,
          clock,
          newId,
          access,
          privateKey,
          environments: () => [
            { name: 'test', agents: false, agentsWaitMs: 0 },
            { name: 'field', agents: true, agentsWaitMs },
            { name: 'north', agents: true, agentsWaitMs: 0 },
          ],
          actor: gyre,
        }),
      );
    });
    after(() => opened.disposeAsync());

    const enrol = (agent: string, environment = 'field'): Promise<EnrolledAgent> => fleet.enrol({ name: agent, environment, by: ada });
    const manifest = (generation: number, environment = 'field'): SignedManifest => ({
      manifest: {
        environment,
        generation,
        models: [{ name: 'churn', version: String(generation), files: [{ path: 'model.onnx', digest: file, size: model.length }] }],
      } as unknown as SignedManifest['manifest'],
      keyId: 'k',
      signature: 's',
    });
    const digestOf = (signed: SignedManifest): string => sha256(canonicalJson(signed));
    const report = (more: Partial<AgentReport> = {}): AgentReport => ({
      at: isoInstant(clock.now()),
      doing: 'waiting',
      host: { name: 'box', platform: 'linux-x64', cpus: 2, memoryMiB: 1024, gyre: '0.1.0', onnxruntime: '1.30.0' },
      ...more,
    });
    const serving = (signed: SignedManifest): Partial<AgentReport> => ({
      serving: {
        manifest: digestOf(signed),
        generation: signed.manifest.generation,
        since: isoInstant(clock.now()),
        models: ['churn/1'],
      },
    });
    const desired = async ({ agent: { identity } }: EnrolledAgent, after = 0, waitMs = 0) =>
      fleet.desired({ identity, after, waitMs, signal: new AbortController().signal });
    const revisionOf = async (agent: EnrolledAgent): Promise<number> => (await desired(agent)).state?.desired.revision ?? 0;
    const say = ({ agent: { identity } }: EnrolledAgent, what: AgentReport) => fleet.report({ identity, report: what });

    test('are enrolled for one environment that says so, with an identity that may do nothing else', async () => {
      await assert.rejects(enrol('a', 'test'), fails('FAILED_PRECONDITION', /no agents serve "test": say "agents: true"/));
      await assert.rejects(enrol('a', 'moon'), fails('NOT_FOUND', /the project has "test", "field", "north"/));
      const one = await enrol('first');
      assert.deepEqual([one.agent.state, one.agent.environment], ['never seen', 'field']);
      const principal = await access.authenticate(one.token);
      assert.deepEqual([...principal.permissions], ['pull']);
      assert.deepEqual(createPublicKey({ key: Buffer.from(one.key, 'base64'), format: 'der', type: 'spki' }).export({ type: 'spki', format: 'pem' }), keys.publicKey.export({ type: 'spki', format: 'pem' })); // prettier-ignore
      await assert.rejects(enrol('first'), fails('ALREADY_EXISTS', /choose another/));
      assert.deepEqual(await desired(one), {}, 'nothing was released yet');
    });

    test('are told what to serve, signed, and how it was before is never told again', async () => {
      const one = await enrol('told');
      await fleet.planes.apply(manifest(1));
      const { state, manifest: told } = await desired(one);
      assert.ok(state !== undefined);
      assert.deepEqual(told, manifest(1));
      assert.equal(state.desired.manifest, digestOf(manifest(1)));
      assert.ok(verify(null, Buffer.from(canonicalJson(state.desired)), keys.publicKey, Buffer.from(state.signature, 'base64')));
      await fleet.planes.apply(manifest(1));
      assert.equal(await revisionOf(one), state.desired.revision, 'what is desired already changes nothing');
      await fleet.planes.apply(manifest(2));
      assert.ok((await revisionOf(one)) > state.desired.revision);
      await fleet.planes.apply(manifest(1));
      assert.ok((await revisionOf(one)) > state.desired.revision + 1, 'also on the way back revisions grow');
    });

    test('that wait are answered the moment something changes', async () => {
      const one = await enrol('waiting');
      const before = await revisionOf(one);
      const news = desired(one, before, patientMs);
      await fleet.planes.apply(manifest(3));
      assert.equal((await news).manifest?.manifest.generation, 3);
      const stopped = new AbortController();
      const quiet = fleet.desired({
        identity: one.agent.identity,
        after: await revisionOf(one),
        waitMs: patientMs,
        signal: stopped.signal,
      });
      stopped.abort();
      await quiet;
    });

    test('get the files that their manifest names, and no other', async () => {
      const one = await enrol('fetching');
      const identity = one.agent.identity;
      const { size, bytes } = await fleet.file({ identity, digest: file });
      assert.equal(size, model.length);
      assert.deepEqual(Buffer.concat(await Array.fromAsync(bytes)), model);
      await assert.rejects(fleet.file({ identity, digest: sha256('a secret') }), fails('NOT_FOUND', /names no file/));
      const north = await enrol('elsewhere', 'north');
      await assert.rejects(fleet.file({ identity: north.agent.identity, digest: file }), fails('NOT_FOUND', /"north"/));
      await assert.rejects(fleet.file({ identity: 'ada', digest: file }), fails('NOT_FOUND', /of no agent that is enrolled/));
    });

    test('are in step, behind or silent by what they report, and each change is told once', async () => {
      const one = await enrol('reporting', 'north');
      const stateOf = async () => (await fleet.agent('reporting')).state;
      assert.equal((await say(one, report())).state, 'in step', 'nothing is desired, and nothing served');
      await fleet.planes.apply(manifest(1, 'north'));
      assert.equal(await stateOf(), 'behind');
      assert.match(
        (await fleet.planes.summary('north')).waitsFor.join(),
        /reporting: behind, it serves nothing, desired is manifest [0-9a-f]{12}/,
      );
      await say(one, report(serving(manifest(1, 'north'))));
      await say(one, report(serving(manifest(1, 'north'))));
      assert.equal(await stateOf(), 'in step');
      assert.equal((await fleet.planes.summary('north')).inStep, 1);
      clock.advance(120_000);
      assert.equal(await stateOf(), 'silent');
      await fleet.look();
      await fleet.look();
      await say(one, report(serving(manifest(1, 'north'))));
      const changes = (await fleet.agent(one.agent.id)).changes.map(({ state }) => state);
      assert.deepEqual(changes, ['in step', 'silent', 'in step']);
      const told = (await published('agent.changed')).filter(({ name: of }) => of === 'reporting');
      assert.deepEqual(told.map(({ state }) => state), [...changes].reverse()); // prettier-ignore
    });

    test('that refuse have a release fail with their reason, and the state before is desired again', async () => {
      for (const { name: agent } of await fleet.agents('field')) await fleet.revoke({ agent, by: ada });
      const [one, two] = [await enrol('good'), await enrol('bad')];
      await fleet.planes.apply(manifest(4));
      for (const agent of [one, two]) await say(agent, report(serving(manifest(4))));
      agentsWaitMs = patientMs;
      const applied = fleet.planes.apply(manifest(5));
      const failed = assert.rejects(applied, fails('FAILED_PRECONDITION', /^agent "bad" refused it: no room$/));
      let revision = 0;
      while ((await desired(one)).manifest?.manifest.generation !== 5) await new Promise((resolve) => setTimeout(resolve, 5));
      revision = await revisionOf(one);
      await say(one, report(serving(manifest(5))));
      const refused = await say(
        two,
        report({ ...serving(manifest(4)), refused: { revision, reason: 'no room', at: isoInstant(clock.now()) } }),
      );
      assert.equal(refused.state, 'refused');
      await failed;
      const { state, manifest: told } = await desired(one);
      assert.equal(told?.manifest.generation, 4);
      assert.ok((state?.desired.revision ?? 0) > revision);
      assert.equal((await fleet.agent('bad')).state, 'in step', 'it still serves what is desired again');
      assert.equal((await fleet.agent('good')).state, 'behind');
    });

    test('that refuse what has to hold, or that did not serve what was desired before, take nothing back', async () => {
      const [good, bad] = await Promise.all(['good', 'bad'].map((agent) => fleet.agent(agent)));
      const tell = async (agent: { readonly identity: string }, what: AgentReport) =>
        fleet.report({ identity: agent.identity, report: what });
      const current = async () => {
        const { state, manifest: told } = await fleet.desired({
          identity: good.identity,
          after: 0,
          waitMs: 0,
          signal: new AbortController().signal,
        });
        return { revision: state?.desired.revision ?? 0, generation: told?.manifest.generation };
      };
      const until = async (generation: number): Promise<number> => {
        for (;;) {
          const now = await current();
          if (now.generation === generation) return now.revision;
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      };
      const refusing = async (revision: number) =>
        tell(bad, report({ ...serving(manifest(4)), refused: { revision, reason: 'no room', at: isoInstant(clock.now()) } }));
      for (const agent of [good, bad]) await tell(agent, report(serving(manifest(4))));
      // Both served what was desired; it is a way back all the same.
      const kept = fleet.planes.apply(manifest(2), { keep: true });
      const wayBack = await until(2);
      await refusing(wayBack);
      await tell(good, report(serving(manifest(2))));
      await kept;
      assert.deepEqual(await current(), { revision: wayBack, generation: 2 });
      // It has served generation 4 all along, and has no say in what comes after 2.
      const next = fleet.planes.apply(manifest(8));
      await refusing(await until(8));
      await tell(good, report(serving(manifest(8))));
      await next;
      assert.equal((await current()).generation, 8);
      assert.match((await fleet.planes.summary('field')).waitsFor.join(), /^bad: refused, no room$/);
      for (const agent of [good, bad]) await tell(agent, report(serving(manifest(8))));
    });

    test('that are connected are waited for; those that are away are not', async () => {
      const taken = fleet.planes.apply(manifest(6));
      let isTaken = false;
      void taken.then(() => (isTaken = true));
      const [one, two] = await Promise.all(['good', 'bad'].map((agent) => fleet.agent(agent)));
      while ((await fleet.planes.summary('field')).inStep > 0) await new Promise((resolve) => setTimeout(resolve, 5));
      await fleet.report({ identity: one.identity, report: report(serving(manifest(6))) });
      assert.equal(isTaken, false);
      await fleet.report({ identity: two.identity, report: report(serving(manifest(6))) });
      await taken;
      clock.advance(60_000);
      await fleet.planes.apply(manifest(7));
      assert.deepEqual((await fleet.planes.summary('field')).inStep, 0);
    });

    test('are to serve nothing where nothing is live', async () => {
      await fleet.planes.clear('field');
      const { identity } = await fleet.agent('good');
      const { state, manifest: told } = await fleet.desired({ identity, after: 0, waitMs: 0, signal: new AbortController().signal });
      assert.deepEqual([state?.desired.manifest, told], [null, undefined]);
      assert.equal((await fleet.report({ identity, report: report() })).state, 'in step');
    });

    test('that are revoked come in no more', async () => {
      const one = await enrol('leaving');
      assert.equal((await fleet.revoke({ agent: 'leaving', by: ada })).state, 'revoked');
      await fleet.revoke({ agent: one.agent.id, by: ada });
      await assert.rejects(access.authenticate(one.token), fails('UNAUTHENTICATED', /./));
      await assert.rejects(desired(one), fails('NOT_FOUND', /of no agent that is enrolled/));
      await assert.rejects(say(one, report()), fails('NOT_FOUND', /of no agent/));
      const told = (await published('agent.revoked')).filter(({ name: of }) => of === 'leaving');
      assert.equal(told.length, 1);
    });

    test('keep the newest 200 of their changes', async () => {
      const one = await enrol('restless', 'north');
      for (let k = 0; k < 110; k++) {
        await say(one, report());
        await say(one, report(serving(manifest(1, 'north'))));
      }
      const { changes } = await fleet.agent('restless');
      assert.equal(changes.length, 200);
      assert.equal(changes[0].state, 'in step');
    });
  });
}
