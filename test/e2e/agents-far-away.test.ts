import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import type { EnvironmentState, Identity, IssuedToken, ModelVersion, Prediction } from '#contract';
import { becomes, enrol, servedByAgents, startAgent } from '../harness/agent-fixture.ts';
import { done, eventually, temporaryFolder, up } from '../harness/gyre-fixture.ts';
import type { Place, Up } from '../harness/gyre-fixture.ts';
import { openOtherMachine, whyNoOtherMachine, type OtherMachine } from '../harness/namespace-fixture.ts';
import { people, smallProject } from '../harness/projects-fixture.ts';
import { releaseVersion } from '../harness/release-fixture.ts';

interface Asked {
  readonly ids: readonly string[];
  readonly versions: readonly string[];
  readonly failures: readonly string[];
}

/** Asks a data plane without a pause until its input ends; says what came. Runs on the other machine. */
const asking = `
const [address, token] = process.argv.slice(1);
const body = JSON.stringify({ rows: [{ age: 30, plan: 'basic', income: 50000, newsletter: true, spend: 80 }] });
const headers = { 'content-type': 'application/json', authorization: 'Bearer ' + token };
let more = true;
process.stdin.on('data', () => undefined).once('end', () => (more = false));
const said = { ids: [], versions: new Set(), failures: [] };
while (more) {
  try {
    const response = await fetch(address + '/predict/shop', { method: 'POST', headers, body });
    const answer = await response.json();
    if (response.status !== 200) throw new Error(response.status + ': ' + JSON.stringify(answer));
    said.ids.push(...answer.predictions.map(({ id }) => id));
    said.versions.add(answer.version);
  } catch (error) {
    said.failures.push(String(error.cause ?? error));
  }
  await new Promise((resolve) => setTimeout(resolve, 5));
}
console.log(JSON.stringify({ ...said, versions: [...said.versions] }));
`;

const skip = whyNoOtherMachine() ?? false;

describe('an agent on another machine, behind a cable that is pulled', { skip, timeout: 600_000 }, () => {
  let stack: AsyncDisposableStack;
  let machine: OtherMachine;
  let place: Place;
  let house: Up;
  let elsewhere = '';
  let token = '';

  const load = (address: string): { readonly end: () => Promise<Asked> } => {
    const [command, ...words] = [...machine.within, process.execPath, '--input-type=module', '-e', asking, address, token];
    const child = spawn(command, words, { stdio: ['pipe', 'pipe', 'inherit'] });
    const said = text(child.stdout);
    const ended = once(child, 'close');
    return {
      end: async () => {
        child.stdin.end();
        await ended;
        return JSON.parse(await said) as Asked;
      },
    };
  };
  const production = async (): Promise<EnvironmentState> => {
    const { items } = await house.get<{ readonly items: readonly EnvironmentState[] }>('environments');
    return items.find(({ name }) => name === 'production') ?? assert.fail('there is no production');
  };
  const filed = async (): Promise<readonly Prediction[]> => {
    const items: Prediction[] = [];
    for (let next: string | undefined = ''; next !== undefined;) {
      const page: { readonly items: readonly Prediction[]; readonly next?: string } = await house.get(
        `predictions?environment=production&endpoint=shop&limit=1000${next === '' ? '' : `&after=${encodeURIComponent(next)}`}`,
      );
      items.push(...page.items);
      next = page.next;
    }
    return items;
  };

  before(async () => {
    stack = new AsyncDisposableStack();
    machine = stack.use(openOtherMachine());
    place = { cwd: await smallProject(stack.use(await temporaryFolder()).path) };
    elsewhere = stack.use(await temporaryFolder()).path;
    await servedByAgents(place.cwd, '', '5s');
    await done(['run'], place);
    await writeFile(join(place.cwd, 'people.csv'), people(500, 12));
    await done(['run'], place);
    house = await up(place, ['--host', machine.here, '--allow-plaintext']);
    stack.defer(async () => void (await house.stop()));
    const caller = await house.post<Identity>('identities', { name: 'caller', roles: ['operator'] });
    token = (await house.post<IssuedToken>(`identities/${caller.body.id}/tokens`, { label: 'asks' })).body.secret;
    await releaseVersion(house, 'shop', 1);
    await enrol(place, 'far', ['--at', house.address]);
  });
  after(() => stack.disposeAsync());

  test('serves without the platform and fails nobody, then comes to what was released meanwhile and brings its log home', async (t) => {
    await using agent = startAgent(elsewhere, ['--enrolment', join(place.cwd, 'far.enrolment.json')], { within: machine.within });
    const address = await agent.address();
    await becomes(house, 'far', 'in step');
    await assert.rejects(once(connect({ host: machine.there, port: Number(new URL(address).port) }), 'connect'), /ECONNREFUSED/);

    const asked = load(address);
    await eventually('its log comes home', async () => (await filed()).length > 0, 60_000);
    machine.cable('down');
    const pulledAt = performance.now();
    await eventually('the agent notices', () => agent.running.errors().includes('the platform is away: what is served goes on'), 120_000);
    const { revision } = (await production()).agents ?? {};
    const unready = await house.post<{ readonly detail: string }>('environments/production/release', {
      modelVersion: (await house.get<ModelVersion>('models/shop/versions/2')).id,
      reason: 'in a hurry',
    });
    assert.equal(unready.status, 409, JSON.stringify(unready.body));
    assert.equal((await production()).agents?.revision, revision, 'what is not allowed is told to no agent');
    await releaseVersion(house, 'shop', 2, ['quentin-2', 'olga-2']);
    const { live, agents } = await production();
    assert.deepEqual([live?.state, agents?.inStep], ['live', 0]);
    assert.match(agents?.waitsFor.join() ?? '', /^far: (behind|silent), /);
    const before = (await filed()).length;
    await eventually('what is predicted meanwhile waits on its disk', async () => {
      const waiting = await readdir(join(elsewhere, 'agent', 'plane', 'spool'));
      return waiting.some((name) => name.endsWith('.open') || name.endsWith('.seg'));
    });
    assert.equal((await filed()).length, before, 'nothing comes through a cable that is out');
    const awayMs = performance.now() - pulledAt;
    machine.cable('up');
    const inStep = await becomes(house, 'far', 'in step', 180_000);
    assert.deepEqual(inStep.report?.serving?.models, ['shop/2']);
    await eventually('the new version answers', () => agent.running.lines.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const { ids, versions, failures } = await asked.end();
    assert.deepEqual(failures, [], 'nobody noticed anything');
    assert.deepEqual([...versions].sort(), ['1', '2']);
    await eventually('every prediction is on record', async () => (await filed()).length >= ids.length, 120_000);
    const onRecord = (await filed()).map(({ id }) => id);
    assert.deepEqual([...onRecord].sort(), [...ids].sort(), 'each once, and no other');
    t.diagnostic(`${ids.length} requests, none failed; the cable was out for ${Math.round(awayMs / 1000)} s`);
  });

  test('goes back by itself when what it serves is revoked', async () => {
    await using agent = startAgent(elsewhere, [], { within: machine.within });
    await agent.address();
    const { report } = await becomes(house, 'far', 'in step');
    assert.deepEqual(report?.serving?.models, ['shop/2']);
    const said = await done(['release', 'revoke', 'shop/2', '--reason', 'it was wrong'], place);
    assert.match(said, /production/);
    await eventually('the version before is served', async () => {
      const now = await becomes(house, 'far', 'in step');
      return now.report?.serving?.models.join() === 'shop/1';
    });
  });
});
