import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline, Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { hasCode, sha256 } from '#core';
import { buildImage } from '../image.ts';
import { verifyImage } from '../verify-image.ts';
import { Layout } from './layout.ts';
import { isLoopback, referenceOf } from './reference.ts';
import { fetchImage, pushImage } from './transfer.ts';

/** A registry as the cloud has them: it sends whoever comes for a token first, and lists referrers by itself. */
class PlayedRegistry {
  readonly blobs = new Map<string, Buffer>();
  readonly manifests = new Map<string, Buffer>();
  readonly ranges: string[] = [];
  /** What it lists of any image, whether it is so or not. */
  readonly claimed: object[] = [];
  /** Of which it never stops sending. */
  endless = '';
  readonly #uploads = new Map<string, Buffer[]>();
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  host = '';

  async open(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.host = `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>));
    const url = new URL(request.url ?? '', `http://${this.host}`);
    const end = (status: number, headers: Record<string, string> = {}, bytes?: Uint8Array): void =>
      void response.writeHead(status, headers).end(bytes);
    if (url.pathname === '/token') {
      const isKnown = request.headers.authorization === `Basic ${Buffer.from('pusher:secret').toString('base64')}`;
      const scope = url.searchParams.get('scope') ?? '';
      return isKnown ? end(200, {}, Buffer.from(JSON.stringify({ token: `let in to ${scope}` }))) : end(401);
    }
    if (request.headers.authorization !== 'Bearer let in to repository:churn:pull,push')
      return end(401, { 'www-authenticate': `Bearer realm="http://${this.host}/token",service="here",scope="repository:churn:pull,push"` });
    const [, kind = '', name = ''] = /^\/v2\/churn\/(blobs|manifests|referrers)\/(.*)$/.exec(url.pathname) ?? [];
    if (kind === 'referrers') return end(200, {}, Buffer.from(JSON.stringify({ manifests: [...this.#referrers(name), ...this.claimed] })));
    if (name.startsWith('uploads/')) return this.#upload(request, url, body, end);
    if (request.method === 'PUT') {
      const digest = `sha256:${sha256(body)}`;
      this.manifests.set(name, body).set(digest, body);
      const { subject } = JSON.parse(body.toString()) as { subject?: { digest: string } };
      return end(201, { 'docker-content-digest': digest, ...(subject === undefined ? {} : { 'oci-subject': subject.digest }) });
    }
    if (name !== '' && name === this.endless && request.method === 'GET')
      return void pipeline(Readable.from(zeros()), response, () => undefined);
    const found = (kind === 'blobs' ? this.blobs : this.manifests).get(name);
    return found === undefined ? end(404) : end(200, {}, request.method === 'HEAD' ? undefined : found);
  }

  #upload(
    request: IncomingMessage,
    url: URL,
    body: Buffer,
    end: (status: number, headers?: Record<string, string>, bytes?: Uint8Array) => void,
  ): void {
    if (request.method === 'POST') {
      const id = String(this.#uploads.size);
      this.#uploads.set(id, []);
      return end(202, { location: `/v2/churn/blobs/uploads/${id}` });
    }
    const parts = this.#uploads.get(url.pathname.slice(url.pathname.lastIndexOf('/') + 1));
    parts?.push(body);
    if (request.method === 'PATCH') {
      this.ranges.push(String(request.headers['content-range']));
      return end(202, { location: url.pathname });
    }
    const whole = Buffer.concat(parts ?? []);
    const digest = url.searchParams.get('digest') ?? '';
    if (digest !== `sha256:${sha256(whole)}`) return end(400);
    this.blobs.set(digest, whole);
    return end(201);
  }

  #referrers(subject: string): readonly object[] {
    return [...this.manifests].flatMap(([name, bytes]) => {
      const manifest = JSON.parse(bytes.toString()) as { subject?: { digest: string }; artifactType?: string; mediaType: string };
      const isOne = name.startsWith('sha256:') && manifest.subject?.digest === subject;
      return isOne ? [{ mediaType: manifest.mediaType, digest: name, size: bytes.length, artifactType: manifest.artifactType }] : [];
    });
  }
}

function* zeros(): Generator<Buffer> {
  for (;;) yield Buffer.alloc(64 * 1024);
}

describe('an image that is sent', () => {
  let folder = '';
  let registry: PlayedRegistry;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-transfer-'));
    registry = await new PlayedRegistry().open();
  });
  after(async () => {
    await registry.close();
    await rm(folder, { recursive: true });
  });

  test('goes with a token where the registry asks for one, its large layers in parts, and comes back whole', async () => {
    const layout = await Layout.open(join(folder, 'made'));
    // Incompressible, so that the layer is larger than one part.
    const noise = Buffer.alloc(17 * 1024 * 1024);
    let state = 7;
    for (let at = 0; at < noise.length; at += 4) noise.writeUInt32LE((state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0), at);
    const runtime = {
      architecture: 'amd64',
      system: [{ path: 'noise', content: noise }],
      libraries: [],
      program: [],
      components: [],
    } as const;
    const { digest } = await buildImage(layout, runtime, { name: 'churn', digest: sha256(noise), files: [] }, { name: 'churn:1' });
    const to = referenceOf(`${registry.host}/churn:1`);
    const image = await layout.find('churn:1');
    await assert.rejects(pushImage(layout, image, to, {}), (error) => hasCode(error, 'UNAUTHENTICATED'));
    const credentials = { user: 'pusher', password: 'secret' };
    const pushed = await pushImage(layout, image, to, { credentials });
    assert.equal(pushed.image, `${registry.host}/churn@${digest}`);
    assert.equal(registry.ranges[0], '0-16777215');
    assert.match(registry.ranges[1] ?? '', /^16777216-/);
    assert.deepEqual(registry.manifests.get('1'), registry.manifests.get(digest));
    assert.ok(!registry.manifests.has(digest.replace(':', '-')), 'a registry that lists referrers needs no list of ours');
    const back = await Layout.open(join(folder, 'back'));
    const fetched = await fetchImage(back, `${registry.host}/churn:1`, { credentials });
    assert.equal(fetched.digest, digest);
    assert.equal((await verifyImage(back)).billOfMaterials, true);
  });

  test('is not let through where the registry answers with other bytes', async () => {
    const [name] = [...registry.blobs.keys()];
    assert.ok(name !== undefined);
    const bytes = registry.blobs.get(name) ?? Buffer.alloc(0);
    registry.blobs.set(name, Buffer.concat([bytes, Buffer.from('x')]));
    const back = await Layout.open(join(folder, 'tampered'));
    const credentials = { user: 'pusher', password: 'secret' };
    await assert.rejects(fetchImage(back, `${registry.host}/churn:1`, { credentials }), (error) => hasCode(error, 'DATA_LOSS'));
    registry.blobs.set(name, bytes);
  });

  test('is read no further than it is said to go', async () => {
    const credentials = { user: 'pusher', password: 'secret' };
    const [name, bytes] = [...registry.blobs].find(([, { length }]) => length > 16 * 1024 * 1024) ?? [];
    assert.ok(name !== undefined && bytes !== undefined);
    const back = await Layout.open(join(folder, 'endless'));
    registry.endless = name;
    await assert.rejects(
      fetchImage(back, `${registry.host}/churn:1`, { credentials }),
      (error) => hasCode(error, 'DATA_LOSS') && /sends more than/.test(String(error)),
    );
    await assert.rejects(stat(back.pathOf(name)), 'what is not what it is called is not kept');
    registry.endless = 'large';
    await assert.rejects(fetchImage(back, `${registry.host}/churn:large`, { credentials }), (error) => hasCode(error, 'OUT_OF_RANGE'));
    registry.endless = '';
    await fetchImage(back, `${registry.host}/churn:1`, { credentials });
  });

  test('keeps all of its signatures, each as its key made it', async () => {
    const keys = [0, 1, 2].map(() =>
      generateKeyPairSync('ed25519', {
        privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
        publicKeyEncoding: { type: 'spki', format: 'pem' },
      }),
    );
    const signed = keys.slice(0, 2);
    const runtime = { architecture: 'amd64', system: [], libraries: [], program: [], components: [] } as const;
    const model = { name: 'churn', digest: sha256(Buffer.from('2')), files: [] };
    const credentials = { user: 'pusher', password: 'secret' };
    const to = `${registry.host}/churn:2`;
    for (const [at, { privateKey }] of signed.entries()) {
      const layout = await Layout.open(join(folder, `signed-${at}`));
      await buildImage(layout, runtime, model, { name: 'churn:2', key: privateKey });
      await pushImage(layout, await layout.find(), referenceOf(to), { credentials });
    }
    const back = await Layout.open(join(folder, 'signed-twice'));
    const { digest } = await fetchImage(back, to, { credentials });
    for (const { publicKey } of signed) assert.equal((await verifyImage(back, { publicKey })).digest, digest);
    await assert.rejects(verifyImage(back, { publicKey: keys[2]?.publicKey ?? '' }), /not by this key/);
    const kept = (await back.referrers(digest)).map((one) => one.digest);
    assert.equal(kept.length, 3, 'a bill of materials and two signatures');
    for (const one of kept) assert.ok(registry.manifests.has(one), 'as the registry has it');
    await fetchImage(back, to, { credentials });
    assert.equal((await back.referrers(digest)).length, 3, 'fetched again, they are the same');
  });

  test('is not said to have what speaks of another image', async () => {
    const credentials = { user: 'pusher', password: 'secret' };
    const back = await Layout.open(join(folder, 'claimed'));
    const [other] = await (await Layout.open(join(folder, 'made'))).referrers((await fetchImage(back, `${registry.host}/churn:1`, { credentials })).digest); // prettier-ignore
    assert.ok(other !== undefined);
    registry.claimed.push(other);
    await assert.rejects(
      fetchImage(back, `${registry.host}/churn:2`, { credentials }),
      (error) => hasCode(error, 'DATA_LOSS') && String(error).includes(other.digest),
    );
    registry.claimed.pop();
  });

  test('is named with its registry, which is spoken to without TLS only where it is this machine', () => {
    const { host, repository, tag, name } = referenceOf('registry.example.org:5000/team/churn:3');
    assert.deepEqual(
      [host, repository, tag, name],
      ['registry.example.org:5000', 'team/churn', '3', 'registry.example.org:5000/team/churn'],
    );
    assert.equal(referenceOf('localhost/churn').tag, 'latest');
    const digest = `sha256:${'a'.repeat(64)}`;
    assert.equal(referenceOf(`docker://ghcr.io/gyre/churn@${digest}`).tag, digest);
    for (const wrong of ['churn:3', 'team/churn', 'registry.example.org/Churn:3', 'registry.example.org/../x', ''])
      assert.throws(() => referenceOf(wrong), (error) => hasCode(error, 'INVALID_ARGUMENT')); // prettier-ignore
    assert.deepEqual(['localhost:5000', '127.0.0.1', '[::1]:80', 'localhost.example.org', '10.0.0.1'].map(isLoopback), [
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});
