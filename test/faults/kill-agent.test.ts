import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { AgentDetail, Deployment, EnvironmentState } from '#contract';
import { sha256 } from '#core';
import { ask, becomes, enrol, isFiled, servedByAgents, startAgent } from '../harness/agent-fixture.ts';
import { done, eventually, isAlive, temporaryFolder, up } from '../harness/gyre-fixture.ts';
import type { Place, Up } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { releaseVersion } from '../harness/release-fixture.ts';

/** Where an agent promises something of its disk. */
const whileFetching = [
  'file.write:2',
  'blob.write:1',
  'blob.fsync:2',
  'blob.rename:1',
  'blob.rename:5',
  'file.rename:3',
  'file.write:4',
  'file.rename:5',
];
const whileSwitching = ['file.write:1', 'file.rename:2', 'file.write:3', 'file.rename:3', 'file.write:4', 'file.rename:4'];
const isRoot = process.getuid?.() === 0;

describe('an agent that is killed', { timeout: 900_000 }, () => {
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
  /** Every file of the blobs has the bytes that its name says. */
  const blobsAreWhole = async (folder: string): Promise<void> => {
    const entries = await readdir(join(folder, 'blobs', 'sha256'), { recursive: true, withFileTypes: true });
    for (const entry of entries.filter((one) => one.isFile())) {
      const bytes = await readFile(join(entry.parentPath, entry.name));
      assert.equal(sha256(bytes), `${entry.parentPath.slice(-2)}${entry.name}`);
    }
  };

  before(async () => {
    stack = new AsyncDisposableStack();
    place = { cwd: await smallProject(stack.use(await temporaryFolder()).path) };
    elsewhere = stack.use(await temporaryFolder()).path;
    await servedByAgents(place.cwd, '', '1s');
    await done(['run'], place);
    house = await up(place);
    port = new URL(house.address).port;
    version = (await releaseVersion(house, 'shop', 1)).id;
    await enrol(place, 'field');
  });
  after(async () => {
    await house.stop();
    await stack.disposeAsync();
  });

  test('while it fetches goes on from what it has, and never keeps half a file', async () => {
    const enrolment = ['--enrolment', join(place.cwd, 'field.enrolment.json')];
    let killed = 0;
    for (const [at, fault] of whileFetching.entries()) {
      const folder = `fetching-${at}`;
      await using agent = startAgent(elsewhere, [...enrolment, '--folder', folder], { env: { GYRE_FAULT: fault } });
      const ended = await Promise.race([agent.running.ended, agent.address()]);
      if (typeof ended === 'string') continue;
      assert.equal(ended.signal, 'SIGKILL', ended.stderr);
      killed += 1;
      await blobsAreWhole(join(elsewhere, folder)).catch((error: unknown) => {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
      });
      await using again = startAgent(elsewhere, [...enrolment, '--folder', folder]);
      assert.equal((await ask(await again.address())).version, '1', fault);
      await becomes(house, 'field', 'in step');
      await blobsAreWhole(join(elsewhere, folder));
    }
    assert.ok(killed >= 6, `killed ${killed} times`);
  });

  test('while it switches serves the old or the new release, and comes to the new one', async () => {
    let killed = 0;
    for (const fault of whileSwitching) {
      {
        await using agent = startAgent(elsewhere, ['--enrolment', join(place.cwd, 'field.enrolment.json')]);
        await agent.address();
        await becomes(house, 'field', 'in step');
      }
      await using agent = startAgent(elsewhere, [], { env: { GYRE_FAULT: fault } });
      const begun = await Promise.race([agent.running.ended, agent.address()]);
      const { status, body } = await house.post<Deployment>('environments/production/release', { modelVersion: version, reason: fault });
      assert.equal(status, 200, JSON.stringify(body));
      if (typeof begun === 'string') await Promise.race([agent.running.ended, becomes(house, 'field', 'in step')]);
      if (!isAlive(agent.running.pid)) killed += 1;
      else agent.running.kill('SIGKILL');
      await agent.running.ended;
      await using again = startAgent(elsewhere, []);
      assert.equal((await ask(await again.address())).version, '1');
      const { report } = await becomes(house, 'field', 'in step');
      assert.equal(report?.serving?.generation, (await production()).live?.generation, fault);
    }
    assert.ok(killed >= 3, `killed ${killed} times`);
  });

  test('takes its data plane along, and brings home what was answered when it is back', async () => {
    const ids: string[] = [];
    {
      await using agent = startAgent(elsewhere, []);
      const address = await agent.address();
      await becomes(house, 'field', 'in step');
      for (let k = 0; k < 20; k++) ids.push((await ask(address)).predictions[0].id);
      agent.running.kill('SIGKILL');
      await agent.running.ended;
      await eventually('its data plane ends', () => fetch(address).then(() => false, () => true)); // prettier-ignore
    }
    await using agent = startAgent(elsewhere, []);
    await agent.address();
    for (const id of ids) await eventually(`prediction ${id} is on record`, () => isFiled(house, id), 90_000);
  });

  test('has its data plane started again when only that is killed', async () => {
    await using agent = startAgent(elsewhere, []);
    const address = await agent.address();
    await becomes(house, 'field', 'in step');
    const children = execFileSync('ps', ['--ppid', String(agent.running.pid), '-o', 'pid='], { encoding: 'utf8' }).trim().split(/\s+/).map(Number); // prettier-ignore
    assert.equal(children.length, 1);
    process.kill(children[0], 'SIGKILL');
    await eventually('it is back at its address', () => ask(address).then(() => true, () => false), 60_000); // prettier-ignore
    await becomes(house, 'field', 'in step');
  });

  test('goes on while the platform is killed, and follows it when that is back', async () => {
    await using agent = startAgent(elsewhere, []);
    const address = await agent.address();
    await becomes(house, 'field', 'in step');
    // In the middle of a release: what is desired is written, and nothing says yet that it is live.
    const asked = house.post('environments/production/release', { modelVersion: version, reason: 'cut off' }).catch(() => undefined);
    await eventually('the release has begun', async () =>
      (await house.get<{ readonly items: readonly Deployment[] }>('deployments?limit=1')).items.some(({ reason }) => reason === 'cut off'),
    );
    house.running.kill('SIGKILL');
    await house.running.ended;
    await asked;
    const { id } = (await ask(address)).predictions[0];
    house = await up(place, ['--port', port]);
    const agentNow = await becomes(house, 'field', 'in step');
    await eventually('what is live is what is served', async () => {
      const { report } = await house.get<AgentDetail>('agents/field');
      return report?.serving?.manifest === (await production()).live?.manifest;
    }, 60_000); // prettier-ignore
    assert.ok(agentNow.report?.serving !== undefined);
    await eventually('what was predicted meanwhile is on record', () => isFiled(house, id), 90_000);
  });

  test(
    'on a disk that has no room says so, and keeps nothing half',
    { skip: isRoot ? false : 'a small file system is mounted for this by root only' },
    async () => {
      const disk = join(elsewhere, 'small');
      await mkdir(disk);
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m,mode=700', 'tmpfs', disk]);
      try {
        await using agent = startAgent(elsewhere, [
          '--enrolment',
          join(place.cwd, 'field.enrolment.json'),
          '--folder',
          join(disk, 'agent'),
        ]);
        const { why } = await becomes(house, 'field', 'refused');
        assert.match(
          why ?? '',
          /its machine does not fit: disk: \d MiB are free at .*, at least \d+ MiB, for files that have to be fetched are asked/,
        );
        assert.equal(isAlive(agent.running.pid), true);
      } finally {
        execFileSync('umount', [disk]);
      }
    },
  );
});
