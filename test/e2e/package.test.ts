import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ModelVersion } from '#contract';
import { done, facts, gyre, temporaryFolder } from '../harness/gyre-fixture.ts';
import type { Place } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';

interface Built {
  readonly name: string;
  readonly digest: string;
  readonly signedBy?: string;
}

interface Manifest {
  readonly config: { readonly digest: string };
}

describe('the image of a registered version', () => {
  let stack: AsyncDisposableStack;
  let place: Place;
  before(async () => {
    stack = new AsyncDisposableStack();
    place = { cwd: await smallProject(stack.use(await temporaryFolder()).path) };
    await done(['run'], place);
  });
  after(() => stack.disposeAsync());

  test('is named after it, says which version and package it holds, and is signed with the key of the data folder', async () => {
    const built = await facts<Built>(['package', 'shop/1', '--oci', 'images'], place);
    assert.equal(built.name, 'shop:1');
    const version = await facts<ModelVersion>(['model', 'show', 'shop/1'], place);
    const read = async <T>(digest: string): Promise<T> =>
      JSON.parse(await readFile(join(place.cwd, 'images/blobs', digest.replace(':', '/')), 'utf8')) as T;
    const { config } = await read<Manifest>(built.digest);
    const { Labels } = (await read<{ readonly config: { readonly Labels: Readonly<Record<string, string>> } }>(config.digest)).config;
    assert.deepEqual([Labels['dev.gyre.model-version'], Labels['dev.gyre.package']], [version.id, version.package]);
    const key = '.gyre/secrets/manifest-key.pub.pem';
    const verified = await facts<Built>(['package', 'verify', 'images', '--public-key', key], place);
    assert.deepEqual([verified.digest, verified.signedBy], [built.digest, built.signedBy]);
    assert.match(verified.signedBy ?? '', /^[0-9a-f]{64}$/);
  });

  test('that is not there is refused, and a place is asked for', async () => {
    const unknown = await gyre(['package', 'shop/9', '--oci', 'images'], place);
    assert.notEqual(unknown.code, 0);
    assert.match(unknown.stderr, /shop/);
    const nowhere = await gyre(['package', 'shop/1'], place);
    assert.notEqual(nowhere.code, 0);
    assert.match(nowhere.stderr, /--oci FOLDER, --push IMAGE/);
  });
});
