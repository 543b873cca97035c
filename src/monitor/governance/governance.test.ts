import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { sql } from 'kysely';
import { Client } from 'pg';
import { eventType } from '#contract';
import { digestOf, hasCode } from '#core';
import { ada, openBench } from './testing.ts';
import type { Bench } from './testing.ts';

const postgresUrl = process.env['GYRE_TEST_POSTGRES'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

async function onPostgres(statement: string): Promise<string | undefined> {
  const client = new Client({ connectionString: postgresUrl, connectionTimeoutMillis: 2000 });
  try {
    await client.connect();
    await client.query(statement);
    return undefined;
  } catch (error) {
    return `no PostgreSQL answers (${String(error)}); GYRE_TEST_POSTGRES names one`;
  } finally {
    await client.end().catch(() => undefined);
  }
}

interface Backend {
  readonly name: string;
  readonly skip: string | undefined;
  readonly open: () => Promise<Bench>;
  readonly close: () => Promise<unknown>;
  /** What somebody who owns the database would do before a forgery. */
  readonly disarm: readonly string[];
}

function suite({ name, skip, open, close, disarm }: Backend): void {
  describe(`governance on ${name}`, { skip: skip ?? false }, () => {
    let bench: Bench;
    before(async () => {
      bench = await open();
    });
    after(async () => {
      await bench[Symbol.asyncDispose]();
      await close();
    });
    const run = (statement: string): Promise<unknown> => bench.store.write((tx) => sql.raw(statement).execute(tx.tables()), undefined);

    test('every event is in the audit log once, in order, each entry chained to the one before, with who did it', async () => {
      await using other = bench.again();
      await Promise.all([bench.governance.caughtUp(), other.caughtUp()]);
      const events = await bench.events.read({ limit: 1000 });
      const { items } = await bench.governance.audit({ limit: 1000 });
      assert.deepEqual(
        items.map(({ position, event, action, subject }) => ({ position, event, action, subject })),
        events.map(({ position, id, type, subject }) => ({ position, event: id, action: type, subject })),
      );
      let previous = '0'.repeat(64);
      for (const { hash, ...entry } of items) {
        assert.equal(entry.previous, previous);
        assert.equal(hash, digestOf(entry));
        previous = hash;
      }
      assert.deepEqual(items[0].actor, { identity: 'ada-id', name: 'Ada' });
      const verification = await other.verifyAudit();
      assert.deepEqual([verification.intact, verification.entries, verification.head], [true, events.length, previous]);
    });

    test('it follows what happens, knows simulated people, and can be read by subject, forwards and backwards', async () => {
      const publish = (actor: string): Promise<unknown> =>
        bench.store.write(async (tx) => {
          bench.events.publish(tx, { type: eventType('alert.acknowledged'), subject: 'alert-7', actor, data: { id: 'alert-7' } });
          await Promise.resolve();
        }, undefined);
      await publish('quinn-id');
      await publish('nobody');
      await bench.governance.caughtUp();
      const { items } = await bench.governance.audit({ subject: 'alert-7' });
      assert.deepEqual(
        items.map(({ actor }) => actor),
        [
          { identity: 'quinn-id', name: 'Quinn', simulated: true },
          { identity: 'nobody', name: 'nobody' },
        ],
      );
      const newest = await bench.governance.audit({ newestFirst: true, limit: 1 });
      assert.equal(newest.items[0].position, items[1].position);
      const next = await bench.governance.audit({
        newestFirst: true,
        limit: 1,
        ...(newest.next === undefined ? {} : { after: newest.next }),
      });
      assert.equal(next.items[0].position, items[0].position);
    });

    test('a prediction leads back to data, code, tests and people, every file read again', async () => {
      const { links, complete, missing } = await bench.governance.trace('prediction', bench.prediction);
      assert.deepEqual(missing, []);
      assert.equal(complete, true);
      const kinds = new Set(links.map(({ kind }) => kind));
      for (const kind of [
        'prediction',
        'deployment',
        'manifest',
        'model_version',
        'package',
        'test_report',
        'run',
        'transform',
        'charter',
        'code',
      ]) {
        assert.ok(kinds.has(kind as (typeof links)[number]['kind']), `no ${kind}`);
      }
      assert.deepEqual(
        links.filter(({ kind }) => kind === 'dataset_version').map(({ title }) => title.split(':')[0]),
        ['train', 'whole', 'validation', 'test'],
      );
      assert.deepEqual(
        links.filter(({ kind }) => kind === 'source').map(({ title }) => title.split(',')[0]),
        ['data/telco-churn.csv'],
      );
      assert.ok(links.every(({ verified }) => verified !== false));
      assert.ok(links.filter(({ verified }) => verified === true).length >= 12);
      assert.equal(links.find(({ kind }) => kind === 'certification')?.by?.name, 'Quinn');
      assert.equal(links.find(({ kind }) => kind === 'approval')?.by?.simulated, true);
      assert.match(
        links.find(({ kind }) => kind === 'test_report')?.title ?? '',
        /^roc_auc 0\.\d{3}, accuracy 0\.\d{3} on 1,\d{3} held-out rows; 1 gate passed$/,
      );
    });

    test('a version leads to the pipeline run that made it, and to the action that started that, where one did', async () => {
      const { governance, version, build, actions } = bench;
      const kindsOf = async (): Promise<readonly string[]> =>
        (await governance.trace('model_version', version.id)).links
          .filter(({ id }) => id === build.id || id === 'act-1')
          .map(({ kind }) => kind);
      assert.deepEqual(await kindsOf(), ['pipeline_run'], 'a first build was started by nobody but its caller');
      const startedAt = build.createdAt;
      actions.push({ id: 'act-1', kind: 'retrain', state: 'succeeded', reason: 'drift', pipelineRun: build.id, startedAt });
      assert.deepEqual(await kindsOf(), ['pipeline_run', 'action']);
      actions.pop();
    });

    test('a prediction that was never logged leads to the same model by its id alone', async () => {
      const id = `${bench.deployment.generation}-${bench.version.package.slice(0, 8)}-0198f0a0-0000-7000-8000-00000000ffff`;
      const { links, complete, missing } = await bench.governance.trace('prediction', id);
      assert.equal(complete, false);
      assert.deepEqual(missing, [`prediction: ${id} was not logged`]);
      assert.equal(links.find(({ kind }) => kind === 'model_version')?.id, bench.version.id);
      await assert.rejects(bench.governance.trace('prediction', 'what'), (error) => hasCode(error, 'INVALID_ARGUMENT'));
      await assert.rejects(bench.governance.trace('prediction', '9-00000000-0198f0a0'), (error) => hasCode(error, 'NOT_FOUND'));
    });

    test('a version, a run, a deployment and a dataset version are traced too', async () => {
      const { version, deployment, governance } = bench;
      const byName = await governance.trace('model_version', 'churn@1');
      assert.ok(byName.links.some(({ kind, id }) => kind === 'deployment' && id === deployment.id));
      const byRun = await governance.trace('run', version.run);
      assert.ok(byRun.links.some(({ kind, id }) => kind === 'model_version' && id === version.id));
      assert.ok((await governance.trace('deployment', deployment.id)).complete);
      const train = byRun.links.find(({ kind }) => kind === 'dataset_version');
      assert.ok(train);
      assert.ok((await governance.trace('dataset_version', train.id)).links.some(({ kind }) => kind === 'source'));
      await assert.rejects(governance.trace('model_version', 'churn@9'), (error) => hasCode(error, 'NOT_FOUND'));
      const { nodes, edges } = await governance.lineage(version.id);
      const ids = new Set(nodes.map(({ id }) => id));
      assert.ok(edges.every(({ from, to }) => ids.has(from) && ids.has(to)));
      assert.ok(edges.some(({ from, to }) => from === version.id && to === deployment.id));
    });

    test('a version trained again from its records has the same bytes, with one worker and with four', async () => {
      for (const workers of [1, 4]) {
        const reproduction = await bench.governance.reproduce({ modelVersion: 'churn@1', workers, by: ada });
        assert.deepEqual(reproduction.differences, []);
        assert.equal(reproduction.identical, true);
        assert.equal(reproduction.actual, reproduction.expected);
      }
      await bench.governance.caughtUp();
      const { items } = await bench.governance.audit({ subject: bench.version.id });
      assert.equal(items.filter(({ action }) => action === 'dev.gyre.reproduction.finished.v1').length, 2);
    });

    test('one changed byte of the training rows is a difference that names them, in the reproduction and in the trace', async () => {
      const run = await bench.deps.training.getRun(bench.version.run);
      const train = await bench.deps.data.get(run.inputs.find(({ role }) => role === 'train')?.digest ?? '');
      await bench.corrupt(train.rowsDigest);
      const reproduction = await bench.governance.reproduce({ modelVersion: bench.version.id, workers: 1, by: ada });
      assert.equal(reproduction.identical, false);
      assert.match(reproduction.differences[0], /^the rows of customers, part train \(train\) are not the bytes that were recorded/);
      const { links, complete, missing } = await bench.governance.trace('prediction', bench.prediction);
      assert.equal(complete, false);
      assert.deepEqual(
        links.filter(({ verified }) => verified === false).map(({ id }) => id),
        [train.rowsDigest],
      );
      assert.match(missing[0], /^rows file \(train\): its bytes no longer have the digest/);
      await bench.corrupt(train.rowsDigest);
      assert.equal((await bench.governance.trace('prediction', bench.prediction)).complete, true, 'and back again');
    });

    test('data that train another model show in the bytes, the transform and the metrics', async () => {
      const other = { ...bench.deps, training: { ...bench.deps.training, execute: executeOnFewer } };
      const { openGovernance } = await import('./governance.ts');
      await using governance = openGovernance(other);
      const { identical, differences } = await governance.reproduce({ modelVersion: bench.version.id, workers: 1, by: ada });
      assert.equal(identical, false);
      assert.ok(differences.some((difference) => difference.startsWith('the transform came out as')));
      assert.ok(differences.some((difference) => difference.startsWith('model.onnx came out as')));
      assert.ok(differences.some((difference) => /^metric .+: [\d.]+ then, [\d.]+ now$/.test(difference)));
    });
    /** The run's training on the first 1,000 rows only. */
    const executeOnFewer: Bench['deps']['training']['execute'] = async (id, options) => {
      const { sliceRows } = await import('#tables');
      const open = async (version: string) => sliceRows(await bench.deps.data.open(version), 0, 600);
      return bench.deps.training.execute(id, { ...options, data: { open } });
    };

    test('the database refuses to change the log; a forgery behind its back is found and named', async () => {
      await bench.governance.caughtUp();
      const { items } = await bench.governance.audit({ limit: 1000 });
      const [third, last] = [items[2], items[items.length - 1]];
      await assert.rejects(run(`update audit_entries set subject = 'x' where position = ${third.position}`), /append-only/);
      await assert.rejects(run(`delete from audit_entries where position = ${last.position}`), /append-only/);

      for (const statement of disarm) await run(statement);
      const { hash, ...entry } = third;
      const forged = JSON.stringify({ ...entry, actor: { identity: 'mallory', name: 'Mallory' } }).replaceAll("'", "''");
      const genuine = JSON.stringify(entry).replaceAll("'", "''");
      const put = (text: string, digest: string): Promise<unknown> =>
        run(`update audit_entries set entry = '${text}', hash = '${digest}' where position = ${third.position}`);
      await put(forged, hash);
      const changed = await bench.governance.verifyAudit();
      assert.deepEqual([changed.intact, changed.firstBroken], [false, third.position]);
      assert.match(changed.message, /was changed/);
      await put(forged, digestOf(JSON.parse(forged.replaceAll("''", "'"))));
      const rehashed = await bench.governance.verifyAudit();
      assert.equal(rehashed.firstBroken, third.position, 'a hash made to fit contradicts the event');
      await put(genuine, hash);
      assert.equal((await bench.governance.verifyAudit()).intact, true);

      await run(`delete from audit_entries where position = ${last.position}`);
      const cut = await bench.governance.verifyAudit();
      assert.deepEqual([cut.intact, cut.firstBroken], [false, last.position]);
      await run(`delete from events where position >= ${last.position}`);
      const both = await bench.governance.verifyAudit();
      assert.equal(both.intact, false);
      assert.match(both.message, /its end was cut off/);
    });
  });
}

const schema = `gyre_governance_${randomUUID().replaceAll('-', '')}`;
suite({
  name: 'SQLite',
  skip: undefined,
  open: () => openBench(),
  close: () => Promise.resolve(),
  disarm: ['drop trigger audit_entries_no_update', 'drop trigger audit_entries_no_delete'],
});
suite({
  name: 'PostgreSQL',
  skip: await onPostgres('select 1'),
  open: () => openBench({ url: postgresUrl, schema }),
  close: () => onPostgres(`drop schema if exists "${schema}" cascade`),
  disarm: ['drop trigger audit_entries_no_change on audit_entries'],
});
