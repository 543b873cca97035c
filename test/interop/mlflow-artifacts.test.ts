import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ownRunId } from '#training';
import { peakBytes, temporaryFolder, up } from '../harness/gyre-fixture.ts';
import type { Up } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { pythonMissing, runPython } from './python.ts';

const mebibyte = 2 ** 20;

interface TreeSeen {
  readonly listed: readonly (readonly [string, boolean, number | null])[];
  readonly logged: Readonly<Record<string, string>>;
  readonly downloaded: Readonly<Record<string, string>>;
  readonly one: string;
  readonly left: readonly string[];
}

interface LargeSeen {
  readonly logged: string;
  readonly downloaded: string;
  readonly size: number;
  readonly inParts: boolean;
}

interface FluentSeen {
  readonly run: string;
  readonly experiment: string;
  readonly root: string;
  readonly listed: readonly string[];
  readonly text: string;
  readonly dict: object;
  readonly red: readonly number[];
  readonly dog: number;
  readonly table: readonly number[];
  readonly figure: string;
  readonly byRunsUri: readonly string[];
}

describe('artifacts of the real MLflow client', { skip: pythonMissing, timeout: 600_000 }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let server: Up;
  let tasks = 0;
  before(async () => {
    folder = await temporaryFolder();
    server = await up({ cwd: await smallProject(folder.path) });
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const peer = async <T>(what: string, more: object = {}): Promise<T> => {
    const own = join(folder.path, `peer-${++tasks}`);
    await mkdir(own);
    return runPython<T>('mlflow_artifacts_peer.py', { do: what, server: server.address, folder: own, ...more }, { timeoutMs: 300_000 });
  };

  test('are logged, listed, downloaded and deleted as folders and one by one', async () => {
    const seen = await peer<TreeSeen>('tree', { root: 'tree/artifacts' });
    assert.deepEqual(seen.listed, [
      ['again', true, null],
      ['again/report.html', false, 11_000],
      ['empty', false, 0],
      ['model', true, null],
      ['model/MLmodel', false, 13_000],
      ['model/weights ½ größe.bin', false, 28_000],
      ['plots', true, null],
      ['plots/deep', true, null],
      ['plots/deep/er', true, null],
      ['plots/deep/er/a+b (1).txt', false, 25_000],
      ['report.html', false, 11_000],
    ]);
    assert.deepEqual(seen.downloaded, { ...seen.logged, 'again/report.html': seen.logged['report.html'] });
    assert.equal(seen.one, seen.logged['plots/deep/er/a+b (1).txt']);
    assert.deepEqual(seen.left, ['again/report.html', 'model/MLmodel', 'model/weights ½ größe.bin', 'report.html']);
  });

  test('of 200 MiB go up and come down through a server that holds little of them', async () => {
    const before = await peakBytes(server.running.pid);
    const seen = await peer<LargeSeen>('large', { root: 'large/whole', size: 200 * mebibyte });
    assert.deepEqual([seen.size, seen.downloaded], [200 * mebibyte, seen.logged]);
    const grown = (await peakBytes(server.running.pid)) - before;
    assert.ok(grown < 100 * mebibyte, `${Math.round(grown / mebibyte)} MiB more`);
  });

  test('that are large go up in parts at the same time, which the client learns from the server', async () => {
    const before = await peakBytes(server.running.pid);
    const environment = {
      MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE: String(20 * mebibyte),
      MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE: String(7 * mebibyte),
    };
    const seen = await peer<LargeSeen>('large', { root: 'large/parts', size: 100 * mebibyte, environment });
    assert.deepEqual([seen.size, seen.downloaded], [100 * mebibyte, seen.logged]);
    const grown = (await peakBytes(server.running.pid)) - before;
    assert.ok(grown < 100 * mebibyte, `${Math.round(grown / mebibyte)} MiB more`);
    assert.ok(seen.inParts);
  });

  test('are whatever the fluent functions log: texts, dicts, images, figures, tables', async () => {
    const seen = await peer<FluentSeen>('fluent');
    assert.equal(seen.root, `mlflow-artifacts:/${seen.experiment}/${seen.run}/artifacts`);
    assert.deepEqual(seen.listed, ['dicts', 'images', 'plots', 'tables', 'texts']);
    assert.deepEqual([seen.text, seen.dict, seen.red, seen.table], ['some text', { a: [1, 2] }, [255, 0, 0], [1, 2, 3]]);
    assert.deepEqual([seen.figure, seen.byRunsUri], ['PNG', ['a.json', 'a.yaml']]);
    assert.ok(seen.dog >= 2, 'the image, and a small one beside it');
    const own = await server.get<{ items: readonly { readonly path: string }[] }>(`runs/${ownRunId(seen.run)}/artifacts?folder=dicts`);
    assert.deepEqual(
      own.items.map(({ path }) => path),
      ['dicts/a.json', 'dicts/a.yaml'],
    );

    const cli = await peer<{ listed: readonly { path: string }[]; downloaded: readonly string[] }>('command_line', { run: seen.run });
    assert.ok(cli.listed.some(({ path }) => path === 'cli.txt'));
    assert.ok(
      ['cli.txt', 'folder/b.txt', 'texts/a.txt'].every((path) => cli.downloaded.includes(path)),
      String(cli.downloaded),
    );
  });
});
