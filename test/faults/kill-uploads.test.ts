import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GarbageSweep } from '#contract';
import { seeded, sha256 } from '#core';
import { ageAll, blobsOf } from '../harness/blob-files-fixture.ts';
import { done, eventually, facts, temporaryFolder, type Place, up } from '../harness/gyre-fixture.ts';
import { Gone, post, untilGone } from '../harness/mlflow-calls-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { checkStore, query } from '../harness/store-check-fixture.ts';

const kills = 12;
const senders = 6;
const partBytes = 60_000;

interface Sent {
  readonly folder: string;
  readonly path: string;
  readonly parts: readonly Uint8Array[];
  /** Where each part goes; none when the beginning was not acknowledged. */
  readonly places: readonly { readonly path: string; readonly key: string }[];
  readonly id: string;
  /** What answered the parts that were acknowledged, by number. */
  readonly etags: Map<number, string>;
  completed: boolean;
}

async function begin(address: string, folder: string, parts: readonly Uint8Array[]): Promise<Sent> {
  const { upload_id, credentials } = await post<{
    upload_id: string;
    credentials: readonly { readonly url: string; readonly headers: Readonly<Record<string, string>> }[];
  }>(address, `mlflow-artifacts/mpu/create/${folder}`, { path: '/home/ada/weights.bin', num_parts: parts.length });
  return {
    folder,
    path: `${folder}/weights.bin`,
    parts,
    places: credentials.map(({ url, headers }) => ({ path: new URL(url).pathname, key: headers['x-gyre-upload-key'] })),
    id: upload_id,
    etags: new Map(),
    completed: false,
  };
}

/** Sends what was not acknowledged yet, all parts at the same time as clients do. @param upTo how many of them at most */
async function sendParts(address: string, sent: Sent, upTo = sent.parts.length): Promise<void> {
  const sending = sent.places.slice(0, upTo).map(async ({ path, key }, at) => {
    if (sent.etags.has(at + 1)) return;
    const { status, headers, body } = await untilGone(`${address}${path}`, {
      method: 'PUT',
      headers: { 'x-gyre-upload-key': key },
      body: Buffer.from(sent.parts[at]),
    });
    assert.equal(status, 200, body.toString());
    sent.etags.set(at + 1, headers.get('etag') ?? '');
  });
  const failed = (await Promise.allSettled(sending)).find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

async function complete(address: string, sent: Sent): Promise<void> {
  const parts = [...sent.etags].map(([part_number, etag]) => ({ part_number, etag }));
  await post(address, `mlflow-artifacts/mpu/complete/${sent.folder}`, { path: 'weights.bin', upload_id: sent.id, parts });
  sent.completed = true;
}

/** The file is there whole, or not at all. */
async function stands(address: string, { path, parts }: Sent): Promise<boolean> {
  const { status, body } = await untilGone(`${address}/api/2.0/mlflow-artifacts/artifacts/${path}`);
  if (status === 404) return false;
  assert.equal(status, 200, body.toString());
  assert.equal(sha256(body), sha256(Buffer.concat(parts)), path);
  return true;
}

describe('files that come in parts, under kill -9', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let place: Place;
  let data = '';
  before(async () => {
    folder = await temporaryFolder();
    place = { cwd: await smallProject(folder.path) };
    data = join(place.cwd, '.gyre');
    await done(['check'], place);
  });
  after(() => folder[Symbol.asyncDispose]());

  test(`what was acknowledged is there after ${kills} kills under ${senders} senders, nothing half is, and what was cut off goes on`, async () => {
    const random = seeded(7);
    const all: Sent[] = [];
    const sendUntilItEnds = async (address: string, name: string): Promise<void> => {
      try {
        for (let at = 0; ; at++) {
          const parts = Array.from({ length: 2 + random.int(4) }, () => randomBytes(partBytes + random.int(partBytes)));
          const sent = await begin(address, `0/uploads/${name}-${at}`, parts);
          all.push(sent);
          await sendParts(address, sent);
          await complete(address, sent);
        }
      } catch (error) {
        if (!(error instanceof Gone)) throw error;
      }
    };
    for (let kill = 0; kill < kills; kill++) {
      await using house = await up(place);
      const sending = Array.from({ length: senders }, (_, sender) => sendUntilItEnds(house.address, `${kill}-${sender}`));
      const enough = all.filter(({ completed }) => completed).length + 1 + random.int(senders);
      await eventually('some are complete', () => all.filter(({ completed }) => completed).length >= enough);
      await sleep(random.int(100));
      // One at least is in the middle of its parts.
      const middle = await begin(house.address, `0/uploads/${kill}-middle`, [randomBytes(partBytes), randomBytes(partBytes)]);
      all.push(middle);
      await sendParts(house.address, middle, 1);
      house.running.kill('SIGKILL');
      await Promise.all(sending);
    }
    const cut = all.filter(({ completed }) => !completed);
    const half = cut.filter(({ etags, parts }) => etags.size > 0 && etags.size < parts.length);
    assert.ok(all.length > cut.length + kills && half.length > 0, `${all.length} uploads, ${cut.length} cut off, ${half.length} half sent`);

    const abandoned = half.slice(-1);
    {
      await using house = await up(place);
      assert.deepEqual(await readdir(join(data, 'blobs/incoming')), [], 'what killed writers left is swept away');
      for (const sent of all) {
        const isThere = await stands(house.address, sent);
        // Cut off in the middle of the completion it may have been given its name.
        if (sent.etags.size < sent.parts.length) assert.equal(isThere, false, `${sent.path} lacks parts`);
        if (sent.completed) assert.equal(isThere, true, `${sent.path} was acknowledged`);
      }
      for (const sent of cut.filter((upload) => !abandoned.includes(upload))) {
        await sendParts(house.address, sent).catch((error: unknown) => {
          throw new Error(`${sent.path} does not go on`, { cause: error });
        });
        await complete(house.address, sent);
        assert.equal(await stands(house.address, sent), true);
      }
      const ended = await house.stop();
      assert.equal(ended.code, 0, ended.stderr);
    }
    await checkStore(data);

    // Nobody comes back for the last one: after a week its parts are garbage.
    const collect = (): Promise<GarbageSweep> => facts<GarbageSweep>(['gc', '--apply'], place);
    await ageAll(data);
    await collect();
    const [kept] = query(data, 'select count(*) from artifact_upload_parts').map(Number);
    // A part whose answer was cut off may be there as well.
    assert.ok(kept >= abandoned[0].etags.size && kept <= abandoned[0].parts.length, `it may go on for a week: ${kept} parts`);
    {
      const database = new DatabaseSync(join(data, 'gyre.db'));
      database.prepare('update artifact_uploads set begun_at = begun_at - ?').run(8 * 86_400_000);
      database.close();
    }
    const { deleted } = await collect();
    assert.equal(deleted.count, kept);
    assert.deepEqual(query(data, 'select count(*) from artifact_uploads'), [0]);
    await checkStore(data);
    const left = new Set(await blobsOf(data));
    for (const { parts } of all.filter((sent) => !abandoned.includes(sent))) assert.ok(left.has(sha256(Buffer.concat(parts))));
  });

  for (const fault of ['blob.write:4', 'blob.rename:4', 'blob.dirsync:4']) {
    test(`killed at ${fault}, while the parts are joined, there is no file, and completing it again gives it`, async () => {
      // The first three blobs are the parts.
      const parts = ['one ', 'two ', fault].map((words) => Buffer.from(words));
      let sent: Sent;
      {
        await using house = await up({ ...place, env: { GYRE_FAULT: fault } });
        sent = await begin(house.address, `0/joined/${fault.slice(0, -2)}`, parts);
        for (const [at] of parts.entries()) await sendParts(house.address, sent, at + 1);
        assert.equal(sent.etags.size, 3);
        await assert.rejects(complete(house.address, sent), Gone);
      }
      await using house = await up(place);
      assert.equal(await stands(house.address, sent), false);
      await complete(house.address, sent);
      assert.equal(await stands(house.address, sent), true);
    });
  }
});
