import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { after, before, describe, test } from 'node:test';
import { Value } from 'typebox/value';
import { AgentDetail, type Deployment, type Enrolment, type EnvironmentState, type GyreEvent, type SignedManifest } from '#contract';
import { ask, becomes, enrol, isFiled, servedByAgents, startAgent } from '../harness/agent-fixture.ts';
import { opensslMissing, selfSigned } from '../harness/certificate-fixture.ts';
import { caller, done, eventually, facts, gyre, temporaryFolder, up } from '../harness/gyre-fixture.ts';
import type { Place, Up } from '../harness/gyre-fixture.ts';
import { edit, smallProject } from '../harness/projects-fixture.ts';
import { releaseVersion } from '../harness/release-fixture.ts';

const refused = (answer: { readonly status: number; readonly body: unknown }): string => {
  assert.ok(answer.status >= 400, JSON.stringify(answer.body));
  return String((answer.body as { readonly detail: string }).detail);
};

describe('an environment that agents serve', { timeout: 900_000 }, () => {
  let stack: AsyncDisposableStack;
  let place: Place;
  let elsewhere = '';
  let house: Up;
  let port = '';
  let version = '';
  const production = async (): Promise<EnvironmentState> => {
    const { items } = await house.get<{ readonly items: readonly EnvironmentState[] }>('environments');
    return items.find(({ name }) => name === 'production') ?? assert.fail('there is no production');
  };
  const release = (reason: string) => house.post<Deployment>('environments/production/release', { modelVersion: version, reason });

  before(async () => {
    stack = new AsyncDisposableStack();
    place = { cwd: await smallProject(stack.use(await temporaryFolder()).path) };
    elsewhere = stack.use(await temporaryFolder()).path;
    await servedByAgents(place.cwd);
    await done(['run'], place);
    house = await up(place);
    port = new URL(house.address).port;
  });
  after(async () => {
    await house.stop();
    await stack.disposeAsync();
  });

  test('is released to while nobody is connected: what is desired stands, and it is said who lacks it', async () => {
    const file = await enrol(place, 'field-1');
    version = (await releaseVersion(house, 'shop', 1)).id;
    const { live, ready, agents, address } = await production();
    assert.deepEqual([live?.state, ready, address], ['live', false, undefined]);
    assert.deepEqual([agents?.enrolled, agents?.inStep], [1, 0]);
    assert.match(agents?.waitsFor.join() ?? '', /^field-1: never seen, it has not called since it was enrolled$/);
    const kept = JSON.parse(await readFile(file, 'utf8')) as Enrolment;
    assert.deepEqual([kept.agent, kept.environment, kept.server], ['field-1', 'production', house.address]);
    const blocked = await gyre(['agent', 'enrol', 'field-7', '--environment', 'production', '--to', file], place);
    assert.match(blocked.stderr, /field-1.enrolment.json cannot be written \(is it there already\?\): nobody is enrolled/);
    assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), kept, 'the file of another agent stays');
    const nowhere = await gyre(['agent', 'enrol', 'field-7', '--environment', 'production', '--at', 'gyre.example.org:7070'], place);
    assert.match(nowhere.stderr, /--at takes an address such as https:\/\/gyre.example.org:7070, not "gyre.example.org:7070"/);
    assert.equal((await production()).agents?.enrolled, 1);
    const again = await gyre(['agent', 'enrol', 'field-1', '--environment', 'production', '--to', 'x.json'], place);
    assert.equal(again.code, 3);
    await assert.rejects(readFile(join(place.cwd, 'x.json')), { code: 'ENOENT' });
    assert.match(again.stderr, /the name "field-1" was given to an agent before/);
    const local = await gyre(['agent', 'enrol', 'field-2', '--environment', 'test'], place);
    assert.match(local.stderr, /no agents serve "test": say "agents: true" of it in gyre.yaml/);
  });

  test('is served by an agent that comes later, which tells what it serves; its log comes home', async () => {
    await using agent = startAgent(elsewhere, ['--enrolment', join(place.cwd, 'field-1.enrolment.json')]);
    const address = await agent.address();
    const answer = await ask(address);
    assert.equal(answer.version, '1');
    const found = await becomes(house, 'field-1', 'in step');
    assert.deepEqual([...Value.Errors(AgentDetail, found)], []);
    const { live, ready, agents } = await production();
    assert.deepEqual([ready, agents?.inStep, agents?.waitsFor], [true, 1, []]);
    assert.deepEqual([found.report?.serving?.manifest, found.report?.serving?.generation], [live?.manifest, live?.generation]);
    assert.deepEqual(found.report?.serving?.models, ['shop/1']);
    assert.deepEqual(found.report?.checks?.map(({ name, passed }) => [name, passed]).slice(0, 2), [['memory', true], ['disk', true]]); // prettier-ignore
    await eventually('its prediction is on record', () => isFiled(house, answer.predictions[0].id), 60_000);
    const shown = await done(['agent', 'list'], place);
    assert.match(shown, /field-1 +production +in step +shop\/1 +1 /);
    assert.match(await done(['agent', 'show', 'field-1'], place), /state +in step[^]*generation +1[^]*ONNX Runtime 1\./);
    const metrics = async (): Promise<string> => (await fetch(`${house.address}/metrics`, { headers: { authorization: `Bearer ${(await readFile(join(house.dataFolder, 'secrets', 'owner-token'), 'utf8')).trim()}` } })).text(); // prettier-ignore
    await eventually(
      'a gauge says so',
      async () => /^gyre_agents\{environment="production",state="in step"\} 1$/m.test(await metrics()),
      30_000,
    );
    const second = await gyre(['agent', 'run', '--folder', 'agent', '--port', '0'], { cwd: elsewhere });
    assert.match(second.stderr, /another agent has .*agent: stop it/);
  });

  test('gives an agent what it is to serve, and nothing else', async () => {
    const { token } = JSON.parse(await readFile(join(place.cwd, 'field-1.enrolment.json'), 'utf8')) as Enrolment;
    const agent = caller(house.address, token);
    for (const path of ['whoami', 'deployments', 'environments', 'agents', 'models', 'events'])
      await assert.rejects(agent.get(path), /permission \\"read\\" is needed/, path);
    assert.match(
      refused(await agent.post('predictions', { environment: 'test', segment: 'a', predictions: [] })),
      /permission "log" is needed/,
    );
    const { manifest } = await agent.get<{ readonly manifest: SignedManifest }>('agent/desired');
    const bytes = async (digest: string): Promise<Response> =>
      fetch(`${house.address}/api/v1/agent/files/${digest}`, { headers: { authorization: `Bearer ${token}` } });
    const [file] = manifest.manifest.models[0].files;
    assert.equal((await (await bytes(file.digest)).arrayBuffer()).byteLength, file.size);
    const { live } = await production();
    const other = await bytes(live?.manifest ?? '');
    assert.equal(other.status, 404);
    assert.match(await other.text(), /names no file/);
    await using stranger = startAgent(elsewhere, ['--folder', 'stranger', '--enrolment', join(place.cwd, 'stranger.json')]);
    await writeFile(join(place.cwd, 'stranger.json'), '{}');
    assert.match((await stranger.running.ended).stderr, /stranger.json (is no enrolment|cannot be read)/);
  });

  test('comes to each release at once, without a request that fails', async () => {
    await using agent = startAgent(elsewhere, []);
    const address = await agent.address();
    await becomes(house, 'field-1', 'in step');
    let asking = true;
    let asked = 0;
    const load = (async (): Promise<void> => {
      for (; asking; asked++) await ask(address);
    })();
    for (const reason of ['once more', 'and again']) {
      const { status, body } = await release(reason);
      assert.equal(status, 200, JSON.stringify(body));
      assert.deepEqual((await production()).agents?.waitsFor, [], 'a release waits for agents that are connected');
    }
    asking = false;
    await load;
    assert.ok(asked > 0);
    const { report } = await house.get<AgentDetail>('agents/field-1');
    assert.equal(report?.serving?.generation, (await production()).live?.generation);
    const status = await done(['release', 'status'], place);
    assert.match(status, /production .*1 of 1 agents/);
    const test = await gyre(['release', 'rollout', 'start', 'shop/1', '--to', 'production', '--steps', '10%:1m', '--reason', 'x'], place);
    assert.match(test.stderr, /"production" is served by agents, which the platform does not reach/);
  });

  test('goes on without the platform, also after a restart, and brings home what was predicted meanwhile', async () => {
    const ids: string[] = [];
    {
      await using agent = startAgent(elsewhere, []);
      const address = await agent.address();
      await becomes(house, 'field-1', 'in step');
      await house.stop();
      for (let k = 0; k < 5; k++) ids.push((await ask(address)).predictions[0].id);
    }
    await using agent = startAgent(elsewhere, []);
    const address = await agent.address();
    for (let k = 0; k < 5; k++) ids.push((await ask(address)).predictions[0].id);
    await eventually('it says that the platform is away', () =>
      agent.running.errors().includes('the platform is away: what is served goes on'),
    );
    house = await up(place, ['--port', port]);
    for (const id of ids) await eventually(`prediction ${id} is on record`, () => isFiled(house, id), 90_000);
    await becomes(house, 'field-1', 'in step');
    const { status } = await release('after the storm');
    assert.equal(status, 200);
    assert.deepEqual((await production()).agents?.waitsFor, []);
  });

  test('refuses what a machine does not fit: the release fails with the reason, and what was desired before is desired again', async () => {
    await using agent = startAgent(elsewhere, []);
    const address = await agent.address();
    await becomes(house, 'field-1', 'in step');
    const before = await production();
    await edit(join(place.cwd, 'gyre.yaml'), (text) => text.replace('agentsWait: 30s', 'agentsWait: 30s, requires: { cpu: [quantum], secrets: [FIELD_KEY], memoryMiB: 1 }')); // prettier-ignore
    let answer = await release('too much');
    await eventually('the project is read anew', async () => {
      if (answer.status === 200) answer = await release('too much');
      return answer.status !== 200;
    });
    assert.equal(answer.status, 409, JSON.stringify(answer.body));
    assert.match(
      refused(answer),
      /agent "field-1" refused it: its machine does not fit: cpu: the processor has no "quantum", which is asked; secret: there is no environment variable FIELD_KEY/,
    );
    const now = await becomes(house, 'field-1', 'in step');
    assert.equal((await ask(address)).version, '1');
    const { live } = await production();
    assert.equal(now.report?.serving?.manifest, live?.manifest);
    assert.ok((live?.generation ?? 0) >= (before.live?.generation ?? 0));
    const history = await house.get<{ readonly items: readonly Deployment[] }>('deployments?environment=production&limit=1');
    assert.match(history.items[0].reason, /failed: agent "field-1" refused it/);
    assert.ok(now.changes.some(({ state, why }) => state === 'refused' && why?.includes('quantum') === true));
    await edit(join(place.cwd, 'gyre.yaml'), (text) => text.replace(', requires: { cpu: [quantum], secrets: [FIELD_KEY], memoryMiB: 1 }', ', requires: { memoryMiB: 1, onnxruntime: ">=1.20" }')); // prettier-ignore
    await eventually('it fits again', async () => (await release('enough')).status === 200, 60_000);
    const checked = await facts<{ readonly checks: readonly { readonly name: string; readonly passed: boolean }[] }>(['agent', 'check', '--folder', 'agent'], { cwd: elsewhere }); // prettier-ignore
    assert.deepEqual(checked.checks.map(({ name, passed }) => `${name} ${passed}`), ['memory true', 'disk true', 'onnxruntime true']); // prettier-ignore
  });

  test('has an agent that had switched go back when another one refuses', async () => {
    const file = await enrol(place, 'field-9');
    await using willing = startAgent(elsewhere, [], { env: { FIELD_KEY: 'k' } });
    await using unwilling = startAgent(elsewhere, ['--folder', 'ninth', '--enrolment', file]);
    const address = await willing.address();
    await unwilling.address();
    for (const name of ['field-1', 'field-9']) await becomes(house, name, 'in step');
    const before = (await production()).live;
    const fits = 'requires: { memoryMiB: 1, onnxruntime: ">=1.20" }';
    await edit(join(place.cwd, 'gyre.yaml'), (text) => text.replace(fits, 'requires: { secrets: [FIELD_KEY] }'));
    let asking = true;
    const load = (async (): Promise<void> => {
      while (asking) await ask(address);
    })();
    let answer = await release('for some');
    await eventually('one refuses it', async () => {
      if (answer.status === 200) answer = await release('for some');
      return answer.status !== 200;
    });
    assert.match(refused(answer), /^agent "field-9" refused it: .*there is no environment variable FIELD_KEY/);
    for (const name of ['field-1', 'field-9']) {
      const { report } = await becomes(house, name, 'in step');
      assert.equal(report?.serving?.manifest, (await production()).live?.manifest, name);
    }
    assert.ok(((await production()).live?.generation ?? 0) >= (before?.generation ?? 0));
    asking = false;
    await load;
    await edit(join(place.cwd, 'gyre.yaml'), (text) => text.replace('requires: { secrets: [FIELD_KEY] }', fits));
    await done(['agent', 'revoke', 'field-9'], place);
  });

  test('is rid of an agent that is revoked: its token ends, and it goes on with what it has', async () => {
    await using agent = startAgent(elsewhere, []);
    const address = await agent.address();
    await becomes(house, 'field-1', 'in step');
    assert.match(await done(['agent', 'revoke', 'field-1'], place), /agent field-1 is revoked/);
    await eventually('it is told', () => agent.running.errors().includes('the platform does not take this agent'), 60_000);
    assert.equal((await ask(address)).version, '1');
    assert.equal((await house.get<AgentDetail>('agents/field-1')).state, 'revoked');
    const { items } = await house.get<{ readonly items: readonly GyreEvent[] }>('events?first=newest&limit=200');
    const kinds = items.map(({ type }) => type);
    for (const kind of ['agent.enrolled', 'agent.revoked', 'agent.changed', 'desired_state.set'])
      assert.ok(kinds.includes(`dev.gyre.${kind}.v1`), kind);
    const left = await readdir(join(elsewhere, 'agent', 'manifests'));
    assert.ok(left.length <= 3, `manifests that are kept: ${left.length}`);
  });

  test('over TLS believes the platform’s certificate when it is told to, and no other', { skip: opensslMissing }, async () => {
    const { cert, key } = selfSigned(place.cwd);
    await house.stop();
    setDefaultCACertificates([...getCACertificates(), await readFile(cert, 'utf8')]);
    house = await up(place, ['--tls-cert', cert, '--tls-key', key]);
    assert.match(house.address, /^https:/);
    const file = await enrol(place, 'field-3');
    {
      await using agent = startAgent(elsewhere, ['--folder', 'by-tls', '--enrolment', file]);
      await eventually('it is not believed', () => /DEPTH_ZERO_SELF_SIGNED_CERT/.test(agent.running.errors()));
    }
    await using agent = startAgent(elsewhere, ['--folder', 'by-tls', '--ca', cert]);
    assert.equal((await ask(await agent.address())).version, '1');
    await becomes(house, 'field-3', 'in step');
  });
});
