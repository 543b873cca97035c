import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openFsBlobs } from '#blobs';
import type { PredictAnswer } from '#contract';
import { putSample, sampleManifest, samplePackage } from '#serving';
import { runInference } from './inference.ts';

const row = { tenure: 10, charges: 50, senior: true, contract: 'One year' };

describe('a data plane that tells an address of requests', () => {
  let root = '';
  const sample = samplePackage();
  const received: { readonly type: string; readonly body: string }[] = [];
  const there = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      received.push({ type: String(request.headers['ce-type']), body });
      response.end();
    });
  });
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'gyre-events-'));
    await putSample(await openFsBlobs({ dir: join(root, 'blobs') }), sample);
    there.listen(0, '127.0.0.1');
    await once(there, 'listening');
    const url = `http://127.0.0.1:${(there.address() as AddressInfo).port}/`;
    const log = { sample: 1, drop: ['tenure'], events: { url, mask: ['contract'] } };
    await writeFile(join(root, 'manifest.json'), JSON.stringify(sampleManifest(sample, 1, { log })));
  });
  after(async () => {
    there.closeAllConnections();
    there.close();
    await rm(root, { recursive: true, force: true });
  });
  const options = () => ({
    manifest: join(root, 'manifest.json'),
    blobs: join(root, 'blobs'),
    unsigned: true,
    port: 0,
    logLevel: 'silent' as const,
  });

  test('serves no manifest that names a host which is not allowed', async () => {
    await assert.rejects(runInference(options()), {
      code: 'PERMISSION_DENIED',
      message: /127.0.0.1 is no address of the public internet: add it to --event-hosts/,
    });
  });

  test('tells an allowed one, what is personal masked, without a log on the disk', async () => {
    const running = await runInference({ ...options(), eventHosts: '127.0.0.1' });
    const response = await fetch(`${running.address}/predict/churn`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ rows: [row] }),
    });
    const { predictions } = (await response.json()) as PredictAnswer;
    await running.drain();
    const bodyOf = (kind: string): string => received.find(({ type }) => type === `org.kubeflow.serving.inference.${kind}`)?.body ?? '';
    assert.equal(received.length, 2);
    assert.deepEqual(JSON.parse(bodyOf('request')), { instances: [{ charges: 50, senior: true, contract: '***' }] });
    assert.ok(bodyOf('response').includes(predictions[0].id));
  });
});
