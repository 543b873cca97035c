import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { MachineRequirements, ManifestModel } from '#contract';
import { hasCode } from '#core';
import { checkMachine, failedChecks, requireFit } from './check-machine.ts';
import type { MachineNeeds } from './check-machine.ts';
import type { Machine } from './machine.ts';
import { thisMachine } from './this-machine.ts';
import { isWithin } from './version-range.ts';

const mib = 2 ** 20;

describe('whether a machine fits a manifest', () => {
  /** A machine that has what a test says. */
  const machine = (has: Partial<Machine> = {}): Machine => ({
    cpuFeatures: async () => new Set(['avx2', 'fma']),
    availableBytes: async () => 512 * mib,
    freeBytes: async () => 1024 * mib,
    onnxruntime: async () => '1.30.0',
    portProblem: async () => undefined,
    hasSecret: async () => true,
    reachProblem: async () => undefined,
    ...has,
  });
  const model = (bytes: number, digest = 'a'): ManifestModel =>
    ({ package: digest, files: [{ path: 'model.onnx', digest, size: bytes }] }) as unknown as ManifestModel;
  const needs = (requires: MachineRequirements, more: Partial<MachineNeeds> = {}): MachineNeeds => ({
    manifest: { models: [model(mib)], requires },
    folder: '/data',
    bytesToFetch: 0,
    loaded: new Set(),
    ports: [],
    ownPorts: [],
    host: '127.0.0.1',
    ...more,
  });
  const failures = async (has: Partial<Machine>, needed: MachineNeeds): Promise<readonly string[]> =>
    failedChecks(await checkMachine(machine(has), needed)).map(({ message }) => message);

  test('asks nothing but memory and disk of itself, and passes where there is enough', async () => {
    const checks = await checkMachine(machine(), needs({}));
    assert.deepEqual(checks.map(({ name, passed }) => [name, passed]), [['memory', true], ['disk', true]]); // prettier-ignore
    assert.doesNotThrow(() => requireFit(checks));
  });

  test('names each thing that is missing, what was found and what is asked', async () => {
    const requires = { cpu: ['avx2', 'amx_tile'], memoryMiB: 4096, diskMiB: 2048, onnxruntime: '>=2', ports: [5], secrets: ['KEY', '/run/key'], reach: ['db:5432'] }; // prettier-ignore
    const has = {
      portProblem: async () => 'somebody else listens there',
      hasSecret: async () => false,
      reachProblem: async () => 'ECONNREFUSED',
    };
    assert.deepEqual(await failures(has, needs(requires)), [
      'memory: 512 MiB are free, at least 4096 MiB are asked',
      'disk: 1024 MiB are free at /data, at least 2048 MiB are asked',
      'cpu: the processor has no "amx_tile", which is asked',
      'onnxruntime: 1.30.0 is there, >=2 is asked',
      'port 5: somebody else listens there, and it is asked to be free',
      'secret: there is no environment variable KEY, which is asked',
      'secret: there is no file /run/key, which is asked',
      'reach: db:5432 does not answer (ECONNREFUSED), and it is asked to',
    ]);
    const checks = await checkMachine(machine(has), needs(requires));
    assert.throws(
      () => requireFit(checks),
      (error) => hasCode(error, 'FAILED_PRECONDITION') && error.message.startsWith('its machine does not fit: memory: '),
    );
  });

  test('takes memory and disk from the size of the models where nobody says more; what is loaded already counts no more', async () => {
    const manifest = { models: [model(400 * mib, 'a')], warm: [model(200 * mib, 'b')] };
    assert.deepEqual(await failures({}, needs({}, { manifest })), [
      'memory: 512 MiB are free, at least 600 MiB, the size of its models are asked',
    ]);
    assert.deepEqual(await failures({}, needs({}, { manifest, loaded: new Set(['b']) })), []);
    assert.deepEqual(await failures({}, needs({}, { bytesToFetch: 1000 * mib })), [
      'disk: 1024 MiB are free at /data, at least 1064 MiB, for files that have to be fetched are asked',
    ]);
  });

  test('says so where the processor cannot be asked', async () => {
    assert.match((await failures({ cpuFeatures: async () => undefined }, needs({ cpu: ['avx2'] })))[0], /cannot be told here/);
  });

  test('does not hold the data plane’s own ports against it', async () => {
    const busy = { portProblem: async () => 'somebody else listens there' };
    assert.deepEqual(await failures(busy, needs({ ports: [7080] }, { ownPorts: [7080] })), []);
    assert.equal((await failures(busy, needs({}, { ports: [7080, 0] }))).length, 1);
  });

  test('compares versions by their numbers', () => {
    const rows: readonly (readonly [string, string, boolean])[] = [
      ['1.30.0', '>=1.20', true],
      ['1.9.0', '>=1.20', false],
      ['1.30.1', '1.30', true],
      ['1.31.0', '1.30', false],
      ['2.0.0', '>=1.20 <2', false],
      ['1.30.0', '>1.30', false],
      ['1.30.0', '<=1.30', true],
    ];
    for (const [version, range, expected] of rows) assert.equal(isWithin(version, range), expected, `${version} ${range}`);
  });
});

describe('this machine', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-machine-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test('tells its memory, disk, runtime and secrets', async () => {
    await writeFile(join(folder, 'key'), 'k');
    const machine = thisMachine({ KEY: 'k', EMPTY: '' });
    assert.ok((await machine.availableBytes()) > mib);
    assert.equal(await machine.freeBytes(join(folder, 'not', 'there')), await machine.freeBytes(folder));
    assert.match((await machine.onnxruntime()) ?? '', /^\d+\.\d+\.\d+/);
    const secrets = ['KEY', 'EMPTY', 'NONE', join(folder, 'key'), join(folder, 'none')];
    assert.deepEqual(await Promise.all(secrets.map((name) => machine.hasSecret(name))), [true, false, false, true, false]);
    if (process.platform === 'linux') assert.ok(((await machine.cpuFeatures())?.size ?? 0) > 0);
  });

  test('tells whether somebody listens, and answers', async () => {
    const server = createServer((_request, response) => response.writeHead(500).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const machine = thisMachine({});
    const targets = [`127.0.0.1:${port}`, `http://127.0.0.1:${port}/any`];
    for (const target of targets) assert.equal(await machine.reachProblem(target), undefined, target);
    assert.equal(await machine.portProblem('127.0.0.1', port), 'somebody else listens there');
    await new Promise((resolve) => server.close(resolve));
    for (const target of targets) assert.equal(await machine.reachProblem(target), 'ECONNREFUSED', target);
    assert.equal(await machine.portProblem('127.0.0.1', port), undefined);
  });
});
