import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { generateKeyPairSync, verify } from 'node:crypto';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ModelImage, ModelVersion } from '#contract';
import { samplePackage, writeSampleFolder } from '#serving';
import { done, eventually, facts, gyre, temporaryFolder } from '../harness/gyre-fixture.ts';
import { customers, openHouse } from '../e2e/house.ts';
import { freePort, run, whyNot } from './containers.ts';

interface Pushed {
  readonly digest: string;
  readonly signedBy: string;
  readonly pushed: { readonly image: string; readonly sent: number; readonly present: number; readonly referrers: number };
}

interface Bill {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly metadata: { readonly component: { readonly version: string } };
  readonly components: readonly { readonly type: string; readonly name: string; readonly purl?: string; readonly hashes?: readonly { readonly content: string }[] }[]; // prettier-ignore
}

const skip = await whyNot(['skopeo', 'docker-registry']);

describe('an image in a registry that asks who pushes', { skip }, () => {
  let stack: AsyncDisposableStack;
  let cwd = '';
  let registry = '';
  let pushed: Pushed;
  const login = { GYRE_REGISTRY_USER: 'pusher', GYRE_REGISTRY_PASSWORD: 'secret' };
  const asUser = ['--creds', 'pusher:secret', '--tls-verify=false'];

  before(async () => {
    stack = new AsyncDisposableStack();
    cwd = stack.use(await temporaryFolder()).path;
    const port = await freePort();
    registry = `127.0.0.1:${port}`;
    // bcrypt, of "secret".
    await writeFile(join(cwd, 'htpasswd'), 'pusher:$2b$04$xoeVtqIXjsADkM4tFux6PuUX3siHzmRhfAwINIddKAOB2wTwr8nr.\n');
    await writeFile(
      join(cwd, 'registry.yml'),
      `version: 0.1\nlog: { level: error, accesslog: { disabled: true } }\nstorage: { filesystem: { rootdirectory: ${join(cwd, 'kept')} } }\nhttp: { addr: "${registry}" }\nauth: { htpasswd: { realm: images, path: ${join(cwd, 'htpasswd')} } }\n`,
    );
    const server = spawn('docker-registry', ['serve', join(cwd, 'registry.yml')], { stdio: 'ignore' });
    const ended = once(server, 'exit');
    stack.defer(async () => {
      server.kill('SIGTERM');
      await ended;
    });
    await eventually('the registry answers', () => fetch(`http://${registry}/v2/`).then(({ status }) => status === 401, () => false), 60_000); // prettier-ignore
    const keys = generateKeyPairSync('ed25519', {
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
    await writeFile(join(cwd, 'key.pem'), keys.privateKey);
    await writeFile(join(cwd, 'key.pub.pem'), keys.publicKey);
    await writeSampleFolder(join(cwd, 'churn'), samplePackage());
    pushed = await facts<Pushed>(push(), { cwd, env: login });
  });
  after(() => stack.disposeAsync());

  const push = (): readonly string[] => ['package', 'churn', '--push', `${registry}/team/churn:1`, '--key', 'key.pem'];
  const said = async (words: readonly string[]): Promise<string> => (await run('skopeo', words, { cwd, maxBuffer: 1 << 24 })).stdout;
  const asked = (path: string): Promise<Response> =>
    fetch(`http://${registry}/v2/team/churn/${path}`, {
      headers: {
        accept: 'application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json',
        authorization: `Basic ${Buffer.from('pusher:secret').toString('base64')}`,
      },
    });

  test('is what was made: skopeo finds its digest, and brings it home unchanged', async () => {
    const { Digest } = JSON.parse(await said(['inspect', ...asUser, `docker://${registry}/team/churn:1`])) as { readonly Digest: string };
    assert.equal(Digest, pushed.digest);
    assert.ok(pushed.pushed.sent >= 7);
    await said([
      'copy',
      '--quiet',
      '--src-creds',
      'pusher:secret',
      '--src-tls-verify=false',
      `docker://${registry}/team/churn:1`,
      'oci:home:churn:1',
    ]);
    await done(['package', 'verify', 'home'], { cwd });
  });

  test('is not sent again when it is there', async () => {
    const again = await facts<Pushed>(push(), { cwd, env: login });
    assert.deepEqual([again.digest, again.pushed.sent], [pushed.digest, 0]);
    assert.equal(again.pushed.referrers, 2);
  });

  test('is refused to whoever does not say who pushes, or says it wrongly', async () => {
    const nobody = await gyre(push(), { cwd, env: { HOME: cwd, XDG_RUNTIME_DIR: cwd } });
    assert.notEqual(nobody.code, 0);
    assert.match(nobody.stderr, /asks who you are/);
    const wrong = await gyre(push(), { cwd, env: { ...login, GYRE_REGISTRY_PASSWORD: 'guess' } });
    assert.notEqual(wrong.code, 0);
    assert.match(wrong.stderr, /HTTP 401/);
    assert.ok(!wrong.stderr.includes('guess'));
  });

  test('has its bill of materials and its signature as referrers, listed where a registry of OCI 1.0 keeps them', async () => {
    const index = (await (await asked(`manifests/${pushed.digest.replace(':', '-')}`)).json()) as {
      readonly manifests: readonly { readonly digest: string; readonly artifactType: string }[];
    };
    const kinds = index.manifests.map(({ artifactType }) => artifactType).sort();
    assert.deepEqual(kinds, ['application/vnd.cyclonedx+json', 'application/vnd.dev.cosign.artifact.sig.v1+json']);
    const bill = index.manifests.find(({ artifactType }) => artifactType === 'application/vnd.cyclonedx+json');
    const manifest = (await (await asked(`manifests/${bill?.digest ?? ''}`)).json()) as {
      readonly subject: { readonly digest: string };
      readonly layers: readonly { readonly digest: string }[];
    };
    assert.equal(manifest.subject.digest, pushed.digest);
    const read = (await (await asked(`blobs/${manifest.layers[0]?.digest ?? ''}`)).json()) as Bill;
    assert.deepEqual([read.bomFormat, read.specVersion, read.metadata.component.version], ['CycloneDX', '1.6', pushed.digest]);
    const model = read.components.find(({ type }) => type === 'machine-learning-model');
    assert.equal(model?.hashes?.[0]?.content, samplePackage().digest);
    const lock = JSON.parse(await readFile(join(import.meta.dirname, '../../package-lock.json'), 'utf8')) as {
      readonly packages: Readonly<Record<string, { readonly version?: string } | undefined>>;
    };
    const ours = read.components.flatMap(({ purl = '' }) => (purl.startsWith('pkg:npm/') ? [purl] : []));
    assert.ok(ours.length > 5);
    for (const purl of ours) {
      const [, name = '', version] = /^pkg:npm\/(.*)@(.+)$/.exec(purl.replace('%40', '@')) ?? [];
      assert.equal(lock.packages[`node_modules/${name}`]?.version, version, purl);
    }
  });

  test('has its signature at the tag where cosign leaves it, over cosign’s words', async () => {
    const manifest = (await (await asked(`manifests/${pushed.digest.replace(':', '-')}.sig`)).json()) as {
      readonly layers: readonly {
        readonly digest: string;
        readonly mediaType: string;
        readonly annotations: Readonly<Record<string, string>>;
      }[];
    };
    const [layer] = manifest.layers;
    assert.equal(layer?.mediaType, 'application/vnd.dev.cosign.simplesigning.v1+json');
    const payload = Buffer.from(await (await asked(`blobs/${layer.digest}`)).arrayBuffer());
    const { critical } = JSON.parse(payload.toString()) as { readonly critical: object };
    assert.deepEqual(critical, {
      identity: { 'docker-reference': `${registry}/team/churn` },
      image: { 'docker-manifest-digest': pushed.digest },
      type: 'cosign container image signature',
    });
    const signature = Buffer.from(layer.annotations['dev.cosignproject.cosign/signature'] ?? '', 'base64');
    assert.ok(verify(null, payload, await readFile(join(cwd, 'key.pub.pem')), signature));
  });

  test('is verified from the registry by the key that signed it, and by no other', async () => {
    const place = { cwd, env: login };
    const image = `${registry}/team/churn:1`;
    const { signedBy } = await facts<Pushed>(['package', 'verify', image, '--public-key', 'key.pub.pem'], place);
    assert.equal(signedBy, pushed.signedBy);
    const other = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' });
    await writeFile(join(cwd, 'other.pub.pem'), other);
    const refused = await gyre(['package', 'verify', image, '--public-key', 'other.pub.pem'], place);
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /not by this key/);
  });

  test('is named by its digest in manifests, whatever tag was said', async () => {
    const words = ['deploy', 'kubernetes', '--name', 'churn', '--image', `${registry}/team/churn:1`];
    const printed = await done(words, { cwd, env: login });
    assert.ok(printed.includes(`image: ${registry}/team/churn@${pushed.digest}`), printed);
    const nobody = await gyre(words, { cwd, env: { HOME: cwd, XDG_RUNTIME_DIR: cwd } });
    assert.notEqual(nobody.code, 0);
    assert.match(nobody.stderr, /asks who you are/);
    const nothing = await gyre([...words.slice(0, -1), `${registry}/team/churn:2`], { cwd, env: login });
    assert.notEqual(nothing.code, 0);
    assert.match(nothing.stderr, /HTTP 404/);
  });

  test('is made and sent by the platform, to registries of its settings alone, and taken home as one file', async () => {
    const settings = { GYRE_IMAGE_REGISTRIES: `registry.example.org, ${registry}`, ...login };
    Object.assign(process.env, settings);
    await using house = await openHouse();
    for (const name of Object.keys(settings)) delete process.env[name];
    await writeFile(join(house.folder, 'customers.csv'), customers());
    const ada = await house.person('ada', ['data-scientist']);
    const otto = await house.person('otto', ['operator']);
    const version = await house.build(ada);
    const { model } = await ada.get<ModelVersion>(`model-versions/${version}`);
    const path = `models/${model}/versions/1/images`;
    const elsewhere = await otto.post(path, { push: '127.0.0.1:9/team/shop:1' });
    assert.equal(elsewhere.status, 403);
    assert.match(elsewhere.body.detail, /may not send images to 127.0.0.1:9: .*GYRE_IMAGE_REGISTRIES/);
    assert.equal((await ada.post(path, {})).status, 403, 'who builds does not release');
    const early = await otto.post(path, { environment: 'production' });
    assert.equal(early.status, 409);
    assert.match(early.body.detail, /may not run as "production": .*application tests/);
    const made = await otto.post<ModelImage>(path, { push: `${registry}/team/shop:1` });
    assert.equal(made.status, 201, JSON.stringify(made.body));
    const { id, digest, image, modelVersion, by } = made.body;
    assert.deepEqual([image, modelVersion, by.name], [`${registry}/team/shop@${digest}`, version, 'otto']);
    const there = JSON.parse(await said(['inspect', ...asUser, `docker://${image}`])) as { readonly Labels: Record<string, string> };
    assert.equal(there.Labels['dev.gyre.model-version'], version);
    assert.equal((await otto.post<ModelImage>(path, {})).body.digest, digest, 'made again it is the same');
    const token = (await readFile(join(house.folder, '.gyre/secrets/owner-token'), 'utf8')).trim();
    const file = await fetch(`${house.address}/api/v1/model-images/${id}/archive`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(file.headers.get('content-disposition'), `attachment; filename*=UTF-8''${model}-1.oci.tar`);
    await writeFile(join(cwd, 'shop.oci.tar'), Buffer.from(await file.arrayBuffer()));
    await said(['copy', '--quiet', 'oci-archive:shop.oci.tar', 'oci:home:shop']);
    const home = JSON.parse(await said(['inspect', 'oci:home:shop'])) as { readonly Digest: string };
    assert.equal(home.Digest, digest);
    const listed = await otto.cli('package', 'list', '--model', model);
    assert.equal(listed.code, 0, listed.stderr);
    assert.match(listed.stdout, new RegExp(`${model}/1 +linux/`));
    const verified = await gyre(
      [
        'package',
        'verify',
        join(house.folder, '.gyre/images'),
        '--name',
        `${model}:1`,
        '--public-key',
        join(house.folder, '.gyre/secrets/manifest-key.pub.pem'),
      ],
      { cwd },
    );
    assert.equal(verified.code, 0, verified.stderr);
  });
});
