import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import type { ArtifactFile, AuditVerification, DatasetVersion, ModelVersion, Reproduction, Run, Trace, TraceLink } from '#contract';
import { done, type Ended, facts, gyre, type Place, temporaryFolder, up } from '../harness/gyre-fixture.ts';
import { commitAll, copyOfExample, fewTrials } from '../harness/projects-fixture.ts';

interface Page<T> {
  readonly items: readonly T[];
}

const kinds = (trace: Trace): ReadonlySet<string> => new Set(trace.links.map(({ kind }) => kind));
const linksOf = (trace: Trace, kind: TraceLink['kind']): readonly TraceLink[] => trace.links.filter((link) => link.kind === kind);

describe('the evidence that the demo leaves', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let place: Place;
  let commit = '';
  let versions: readonly ModelVersion[];
  let sources: readonly DatasetVersion[];
  let runs: readonly Run[];
  /** The digest of each run's model. */
  let onnx: readonly (string | undefined)[];
  /** A prediction by each of the two versions. */
  let predictions: readonly string[];

  before(async () => {
    folder = await temporaryFolder();
    const example = await copyOfExample(folder.path);
    await fewTrials(example.folder);
    commit = commitAll(example.folder);
    place = { cwd: example.folder, env: { GYRE_PORT: '0' } };
    await done(['demo', '--exit', '-C', example.folder], place);
    await using house = await up(place);
    versions = await Promise.all([1, 2].map((version) => house.get<ModelVersion>(`models/churn/versions/${version}`)));
    runs = await Promise.all(versions.map(({ run }) => house.get<Run>(`runs/${run}`)));
    const left = await Promise.all(versions.map(({ run }) => house.get<{ items: readonly ArtifactFile[] }>(`runs/${run}/artifacts`)));
    onnx = left.map(({ items }) => items.find(({ path }) => path === 'model.onnx')?.digest);
    sources = (await house.get<Page<DatasetVersion>>('datasets?limit=100')).items;
    const [oldest, newest] = await Promise.all(
      ['oldest', 'newest'].map(
        async (first) => (await house.get<Page<{ id: string }>>(`predictions?environment=production&first=${first}&limit=1`)).items[0].id,
      ),
    );
    predictions = [oldest, newest];
  });
  after(() => folder[Symbol.asyncDispose]());

  test('traces a prediction of each version to model, tests, run, rows, code, certification and approval', async () => {
    for (const [at, id] of predictions.entries()) {
      const trace = await facts<Trace>(['trace', 'prediction', id], place);
      assert.deepEqual(trace.missing, []);
      assert.ok(trace.complete);
      const wanted = [
        'prediction',
        'label',
        'deployment',
        'model_version',
        'package',
        'test_report',
        'run',
        'transform',
        'dataset_version',
      ];
      for (const kind of [...wanted, 'rows_file', 'charter', 'code', 'application_test', 'certification', 'approval'])
        assert.ok(kinds(trace).has(kind), `${kind} in the trace of a prediction by version ${at + 1}`);
      const [version, run] = [versions[at], runs[at]];
      assert.deepEqual(
        linksOf(trace, 'model_version').map((link) => link.id),
        [version.id],
      );
      assert.ok(linksOf(trace, 'run').some((link) => link.id === run.id));
      assert.ok(linksOf(trace, 'test_report').some((link) => link.id === version.testReport));
      assert.ok(
        linksOf(trace, 'code').some((link) => `${link.id} ${link.title}`.includes(commit.slice(0, 12))),
        commit,
      );
      const named = new Set(linksOf(trace, 'dataset_version').map((link) => link.digest ?? link.id));
      for (const { role, digest } of run.inputs.filter(({ role }) => /^(train|validation|test)/.test(role)))
        assert.ok(named.has(digest), `the dataset version of role ${role}`);
      assert.ok(linksOf(trace, 'rows_file').length >= named.size && linksOf(trace, 'rows_file').every(({ verified }) => verified === true));
      const approvers = linksOf(trace, 'approval').map(({ by }) => by?.name);
      const certifiers = linksOf(trace, 'certification').map(({ by }) => by?.name);
      assert.deepEqual([approvers, certifiers], [['sim-olga'], ['sim-quentin']]);
      assert.equal(kinds(trace).has('alert') && kinds(trace).has('action'), at === 1, 'only the second was made because of an alert');
    }
    const text = await done(['trace', 'prediction', predictions[1]], place);
    assert.match(text, /bytes verified/);
    assert.doesNotMatch(text, /DIFFER|missing/);
  });

  test('trains both versions again to the same bytes, with one worker and with four', async () => {
    for (const [at, version] of versions.entries()) {
      for (const workers of ['1', '4']) {
        const result = await facts<Reproduction>(['reproduce', `churn/${at + 1}`, '--workers', workers], place);
        const said = JSON.stringify(result);
        assert.ok(result.identical, said);
        assert.equal(result.workers, Number(workers));
        assert.equal(result.run, version.run);
        assert.equal(result.actual, onnx[at], said);
        assert.deepEqual(result.differences, []);
      }
    }
  });

  test('keeps an audit log whose chain is whole', async () => {
    const audit = await facts<AuditVerification>(['audit', 'verify'], place);
    assert.ok(audit.intact && audit.entries > 100, audit.message);
  });

  test('after a byte of the rows was changed, neither trace nor reproduction say that all is well', async () => {
    const train = runs[1].inputs.find(({ role }) => role === 'train');
    const version = sources.find(({ digest }) => digest === train?.digest);
    assert.ok(version !== undefined);
    const restore = await flipByte(blobPath(place.cwd, version.rowsDigest));
    try {
      const reproduced = await gyre(['reproduce', 'churn/2', '--json'], place);
      assert.notEqual(reproduced.code, 0);
      assertNames(reproduced, version.rowsDigest);
      const traced = await gyre(['trace', 'prediction', predictions[1]], place);
      assert.equal(traced.code, 1, traced.stdout);
      assert.match(traced.stdout, new RegExp(`BYTES DIFFER[\\s\\S]*${version.rowsDigest.slice(0, 12)}`));
    } finally {
      await restore();
    }
  });

  test('after a byte of the stored source was changed, the trace says which file differs', async () => {
    const source = sources.find(({ dataset, part }) => dataset === 'customers' && part === undefined);
    const [file] = source?.manifest.files ?? [];
    const restore = await flipByte(blobPath(place.cwd, file.sha256));
    try {
      const traced = await gyre(['trace', 'prediction', predictions[0], '--json'], place);
      assert.equal(traced.code, 1);
      assert.ok(traced.stdout.includes(file.sha256), 'named by its digest');
      const reproduced = await gyre(['reproduce', 'churn/1', '--json'], place);
      assert.notEqual(reproduced.code, 0, 'a reproduction starts from the source');
      assertNames(reproduced, file.sha256);
    } finally {
      await restore();
    }
    assert.ok((await facts<Trace>(['trace', 'prediction', predictions[0]], place)).complete, 'put back, all is well again');
  });

  test('names the entry of the audit log that somebody changed in the database', async () => {
    const database = new DatabaseSync(join(place.cwd, '.gyre/gyre.db'));
    const changed = 57;
    try {
      // Whoever can write to the database can drop what guards it; the chain still tells.
      database.exec('drop trigger audit_entries_no_update');
      const row = database.prepare('select entry from audit_entries where position = ?').get(changed);
      const entry = String(row?.['entry']);
      const forged = entry.replace(/"time":"2\d{3}/, '"time":"1999');
      assert.notEqual(forged, entry);
      database.prepare('update audit_entries set entry = ? where position = ?').run(forged, changed);
    } finally {
      database.close();
    }
    const ended = await gyre(['audit', 'verify', '--json'], place);
    assert.equal(ended.code, 1);
    const audit = JSON.parse(ended.stdout) as AuditVerification;
    assert.equal(audit.intact, false);
    assert.equal(audit.firstBroken, changed, audit.message);
    assert.match(audit.message, new RegExp(`\\b${changed}\\b`));
  });
});

function blobPath(project: string, digest: string): string {
  return join(project, '.gyre/blobs/sha256', digest.slice(0, 2), digest.slice(2));
}

/** @returns puts the byte back */
async function flipByte(path: string): Promise<() => Promise<void>> {
  const bytes = await readFile(path);
  const changed = Buffer.from(bytes);
  const middle = Math.floor(bytes.length / 2);
  changed[middle] ^= 1;
  await writeFile(path, changed);
  return () => writeFile(path, bytes);
}

function assertNames(ended: Ended, digest: string): void {
  const said = `${ended.stdout}${ended.stderr}`;
  assert.ok(said.includes(digest) || said.includes(digest.slice(0, 12)), said);
}
