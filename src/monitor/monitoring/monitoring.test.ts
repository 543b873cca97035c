import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Client } from 'pg';
import type { Label, TrainedVersion, Prediction } from '#contract';
import { hasCode, isoInstant } from '#core';
import { sliceRows, takeRows, toRecords } from '#tables';
import type { Frame } from '#tables';
import { ada, dayMs, firstDay, openBench, sqlitePlace, trafficOf } from './testing.ts';
import type { Bench, Place } from './testing.ts';

const postgresUrl = process.env['GYRE_TEST_POSTGRES'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

/** @returns why there is none; undefined when PostgreSQL answers */
async function whyNoPostgres(): Promise<string | undefined> {
  const client = new Client({ connectionString: postgresUrl, connectionTimeoutMillis: 2000 });
  try {
    await client.connect();
    return undefined;
  } catch (error) {
    return `no PostgreSQL answers (${String(error)}); GYRE_TEST_POSTGRES names one`;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function postgresPlace(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'gyre-monitoring-'));
  const schema = `gyre_${folder
    .slice(-6)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '_')}_${process.pid}`;
  return {
    folder,
    url: postgresUrl,
    schema,
    [Symbol.asyncDispose]: async () => {
      const client = new Client({ connectionString: postgresUrl });
      await client.connect();
      await client.query(`drop schema if exists "${schema}" cascade`);
      await client.end();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const production = { environment: 'production', endpoint: 'churn' };
const rowsPerDay = 170;
const dayAt = (day: number): number => firstDay + day * dayMs;

function suite(name: string, openPlace: () => Promise<Place>, skip: string | undefined): void {
  describe(`monitoring on ${name}`, { skip: skip ?? false }, () => {
    let place: Place;
    let bench: Bench;
    let version: TrainedVersion;
    let later: Frame;
    before(async () => {
      place = await openPlace();
      bench = await openBench(place);
      const trained = await bench.trained();
      version = trained.version;
      later = await bench.data.open(trained.parts['later']);
    });
    after(async () => {
      await bench[Symbol.asyncDispose]();
      await place[Symbol.asyncDispose]();
    });

    /** One day's worth of customers. */
    const customers = (day: number): Frame => sliceRows(later, day * rowsPerDay, (day + 1) * rowsPerDay);
    /** What they really did, or the opposite. */
    const labelsOf = (predictions: readonly Prediction[], frame: Frame, flip = false): Label[] => {
      const truth = toRecords(frame).map((record) => String(record['Churn']));
      return predictions.map(({ id }, at) => ({ prediction: id, value: flip ? (truth[at] === 'Yes' ? 'No' : 'Yes') : truth[at] }));
    };
    const send = async (environment: string, day: number, options: Partial<Parameters<typeof trafficOf>[2]> = {}) => {
      const frame = customers(day);
      const predictions = await trafficOf(bench, frame, { version, from: dayAt(day), environment, ...options });
      await bench.monitoring.ingestSegment({ environment, segment: `${environment}-${day}-${options.lot ?? ''}.seg`, predictions });
      return { frame, predictions };
    };
    const eventsOf = async (kind: string, environment: string): Promise<number> => {
      const all = await bench.events.read({ limit: 10_000 });
      return all.filter(({ type, data }) => type === `dev.gyre.${kind}.v1` && JSON.stringify(data).includes(`"${environment}"`)).length;
    };

    test('a segment is taken in exactly once, also by a process that comes after a crash, and a prediction counts once', async () => {
      const predictions = await trafficOf(bench, customers(0), { version, from: dayAt(0), environment: 'once' });
      const segment = { environment: 'once', segment: 'a.seg', predictions };
      // Two at once: as when the answer to the first was lost and it is sent again.
      const answers = await Promise.all([bench.monitoring.ingestSegment(segment), bench.monitoring.ingestSegment(segment)]);
      assert.deepEqual(
        answers.map(({ rows }) => rows).sort((a, b) => a - b),
        [0, rowsPerDay],
      );
      await using next = await openBench(place);
      assert.deepEqual(await next.monitoring.ingestSegment(segment), { ingested: false, rows: 0 });
      const twice = { environment: 'once', segment: 'b.seg', predictions: [...predictions, ...predictions] };
      assert.deepEqual(await next.monitoring.ingestSegment(twice), { ingested: true, rows: 0 });
      const { items } = await bench.monitoring.predictions({ environment: 'once', limit: 10_000, keysOnly: true });
      assert.equal(items.length, rowsPerDay);
      assert.equal(await eventsOf('predictions.ingested', 'once'), 1);
    });

    test('a segment that fails half-way leaves nothing, and is taken in when it comes again', async () => {
      const predictions = await trafficOf(bench, customers(0), { version, from: dayAt(0), environment: 'half' });
      const broken = predictions.with(100, { ...predictions[100], inputs: { tenure: 1, Contract: 'a\u0000b' }, key: 'a\u0000b' });
      await assert.rejects(bench.monitoring.ingestSegment({ environment: 'half', segment: 'h.seg', predictions: broken }));
      assert.equal((await bench.monitoring.predictions({ environment: 'half' })).items.length, 0);
      assert.equal(await eventsOf('predictions.ingested', 'half'), 0);
      const again = await bench.monitoring.ingestSegment({ environment: 'half', segment: 'h.seg', predictions });
      assert.deepEqual(again, { ingested: true, rows: rowsPerDay });
    });

    test('a prediction comes back as it was logged, with its label; pages follow each other without a gap', async () => {
      const { predictions } = await send('back', 1);
      const [one] = predictions;
      await bench.monitoring.joinLabels([{ prediction: one.id, value: 'Yes', observedAt: '2026-03-20T00:00:00.000Z' }], ada);
      const entry = await bench.monitoring.getPrediction(one.id);
      assert.deepEqual(entry.prediction, one);
      assert.equal(entry.modelVersion, version.id);
      assert.deepEqual(entry.label, {
        value: 'Yes',
        observedAt: '2026-03-20T00:00:00.000Z',
        receivedAt: isoInstant(bench.clock.now()),
        revision: 1,
      });
      const seen: string[] = [];
      let next: string | undefined;
      do {
        const page = await bench.monitoring.predictions({
          environment: 'back',
          limit: 50,
          first: 'oldest',
          ...(next === undefined ? {} : { after: next }),
        });
        seen.push(...page.items.map(({ id }) => id));
        next = page.next;
      } while (next !== undefined);
      assert.deepEqual(
        seen,
        predictions.map(({ id }) => id),
      );
      await assert.rejects(bench.monitoring.getPrediction('1-00000000-nobody'), (error) => hasCode(error, 'NOT_FOUND'));
    });

    test('labels join by id: the same again changes nothing, another is a revision, an early one waits for its prediction', async () => {
      const { predictions, frame } = await send('labels', 2);
      const labels = labelsOf(predictions, frame);
      const early: Label = { prediction: '9-00000000-early', value: 'No' };
      assert.deepEqual(await bench.monitoring.joinLabels([...labels, early], ada), { joined: rowsPerDay, unchanged: 0, unmatched: 1 });
      assert.deepEqual(await bench.monitoring.joinLabels(labels, ada), { joined: 0, unchanged: rowsPerDay, unmatched: 0 });
      const other = labels[0].value === 'Yes' ? 'No' : 'Yes';
      assert.deepEqual(await bench.monitoring.joinLabels([{ ...labels[0], value: other }], ada), { joined: 1, unchanged: 0, unmatched: 0 });
      assert.equal((await bench.monitoring.getPrediction(labels[0].prediction)).label?.revision, 2);
      const late = { ...predictions[0], id: early.prediction };
      await bench.monitoring.ingestSegment({ environment: 'labels', segment: 'late.seg', predictions: [late] });
      assert.equal((await bench.monitoring.getPrediction(late.id)).label?.value, 'No');
      const counted = { environment: 'labels', endpoint: 'churn', since: isoInstant(dayAt(2)) };
      assert.equal(await bench.monitoring.labelledRows(counted), rowsPerDay + 1);
      assert.equal(await bench.monitoring.labelledRows({ ...counted, package: '0'.repeat(64) }), 0);
      const foreign = bench.monitoring.joinLabels([{ prediction: labels[1].prediction, value: 'Maybe' }], ada);
      await assert.rejects(foreign, /"Maybe".*"No", "Yes" is right/);
    });

    test('a window without a change is judged fine, and only computed again when labels arrive', async () => {
      const { predictions, frame } = await send('calm', 3);
      assert.deepEqual(
        await bench.monitoring.evaluate({ until: isoInstant(dayAt(4) - 1) }).then(inEnvironment('calm')),
        [],
        'it has not ended',
      );
      const [first] = await bench.monitoring.evaluate({ until: isoInstant(dayAt(4)) }).then(inEnvironment('calm'));
      assert.deepEqual([first.rows, first.labelled, first.revision, first.judged], [rowsPerDay, 0, 1, true]);
      assert.deepEqual(first.driftedColumns, []);
      assert.equal(first.drift.length, version.signature.inputs.length);
      assert.deepEqual(first.performance, []);
      assert.deepEqual(await bench.monitoring.evaluate({ until: isoInstant(dayAt(4)) }).then(inEnvironment('calm')), []);
      await bench.monitoring.joinLabels(labelsOf(predictions, frame), ada);
      const [second] = await bench.monitoring.evaluate({ until: isoInstant(dayAt(4)) }).then(inEnvironment('calm'));
      assert.deepEqual([second.id, second.revision, second.labelled], [first.id, 2, rowsPerDay]);
      const accuracy = second.performance.find(({ name }) => name === 'accuracy');
      const right = predictions.filter(({ outputs }, at) => outputs['label'] === toRecords(frame)[at]['Churn']).length;
      assert.equal(accuracy?.value, right / rowsPerDay, 'counted by hand');
      assert.equal(accuracy?.met, true);
      assert.match(accuracy?.threshold ?? '', /^>= 0\.\d{3} \(0\.9 of test\)$/);
      assert.deepEqual(await bench.monitoring.getWindow(first.id), second);
      assert.deepEqual(await bench.monitoring.alerts({ environment: 'calm' }), []);
    });

    test('a window with few rows is reported and never judged', async () => {
      const predictions = await trafficOf(bench, sliceRows(later, 0, 40), {
        version,
        from: dayAt(5),
        environment: 'few',
        change: (row) => ({ ...row, MonthlyCharges: 5000 }),
      });
      await bench.monitoring.ingestSegment({ environment: 'few', segment: 'few.seg', predictions });
      const [window] = await bench.monitoring.evaluate({ until: isoInstant(dayAt(6)) }).then(inEnvironment('few'));
      assert.equal(window.judged, false);
      assert.ok(window.driftedColumns.includes('MonthlyCharges'));
      assert.deepEqual(
        window.integrity.map(({ kind, column, rows }) => [kind, column, rows]),
        [['out_of_range', 'MonthlyCharges', 40]],
      );
      assert.deepEqual(await bench.monitoring.alerts({ environment: 'few' }), []);
    });

    test('drift raises one alert; late labels make it graver; the next version settles it; its cause says what and since when', async () => {
      const dearer = (row: Prediction['inputs']): Prediction['inputs'] => ({
        ...row,
        MonthlyCharges: Math.min(118, Number(row['MonthlyCharges']) + 25),
        InternetService: 'Fiber optic',
      });
      const calm = await send('alarm', 6);
      await bench.monitoring.joinLabels(labelsOf(calm.predictions, calm.frame), ada);
      const days = [7, 8];
      const sent = [];
      for (const day of days) sent.push(await send('alarm', day, { change: dearer }));
      const windows = await bench.monitoring.evaluate({ until: isoInstant(dayAt(9)) }).then(inEnvironment('alarm'));
      assert.deepEqual(
        windows.map(({ driftedColumns }) => driftedColumns.length),
        [0, 2, 2],
      );
      const [raised, ...others] = await bench.monitoring.alerts({ environment: 'alarm' });
      assert.equal(others.length, 0);
      assert.equal(raised.kind, 'drift');
      assert.equal(raised.windows, 2);
      assert.equal(raised.since, windows[1].start);
      assert.match(
        raised.cause,
        /^2 of 18 columns drifted since 2026-03-08: (InternetService|MonthlyCharges) \(PSI \d\.\d\d\) and \w+ \(\d\.\d\d\); no labels yet$/,
      );
      assert.equal(await eventsOf('alert.raised', 'alarm'), 1);

      for (const { predictions, frame } of sent) await bench.monitoring.joinLabels(labelsOf(predictions, frame, true), ada);
      await bench.monitoring.evaluate({ until: isoInstant(dayAt(9)) });
      const worse = await bench.monitoring.getAlert(raised.id);
      assert.equal(worse.kind, 'performance');
      assert.deepEqual([worse.windows, worse.since, worse.firstWindow], [2, raised.since, raised.firstWindow]);
      assert.match(
        worse.cause,
        /^accuracy 0\.\d\d \(95% 0\.\d\d–0\.\d\d\) fell below 0\.\d\d since 2026-03-08; \w+ \(PSI \d\.\d\d\) and \w+ \(\d\.\d\d\) moved most$/,
      );
      const measured = (await bench.monitoring.getWindow(worse.lastWindow)).performance.find(({ name }) => name === 'accuracy');
      assert.equal(worse.observed, measured?.value);
      assert.equal((await bench.monitoring.acknowledge({ alert: raised.id, by: ada })).state, 'acknowledged');

      // Another window of the same trouble, of which no label is known yet: the alert goes on, and keeps the figure it has.
      await send('alarm', 9, { change: dearer });
      await bench.monitoring.evaluate({ until: isoInstant(dayAt(10)) });
      const longer = await bench.monitoring.getAlert(raised.id);
      assert.deepEqual([longer.state, longer.kind, longer.windows, longer.observed], ['acknowledged', 'performance', 3, worse.observed]);

      // A new version, and the old population again: fine only when labels say so.
      const { version: next } = await bench.trained({ l2: 30 });
      assert.notEqual(next.package, version.package);
      const frame = customers(10);
      const predictions = await trafficOf(bench, frame, { version: next, generation: 2, from: dayAt(10), environment: 'alarm' });
      await bench.monitoring.ingestSegment({ environment: 'alarm', segment: 'alarm-10.seg', predictions });
      await bench.monitoring.evaluate({ until: isoInstant(dayAt(11)) });
      assert.equal((await bench.monitoring.getAlert(raised.id)).state, 'acknowledged', 'nobody knows yet whether it is right again');
      await bench.monitoring.joinLabels(labelsOf(predictions, frame), ada);
      await bench.monitoring.evaluate({ until: isoInstant(dayAt(11)) });
      const settled = await bench.monitoring.getAlert(raised.id);
      assert.equal(settled.state, 'resolved');
      assert.match(
        settled.resolution ?? '',
        /no longer live in the window of 2026-03-11: accuracy 0\.\d\d meets >= 0\.\d{3} \(0\.9 of test\), no column drifts/,
      );

      // Labels of the old version that come after the end alarm nobody.
      const [old] = sent;
      await bench.monitoring.joinLabels(labelsOf(old.predictions.slice(0, 5), sliceRows(old.frame, 0, 5)), ada);
      await bench.monitoring.evaluate({ until: isoInstant(dayAt(11)) });
      assert.equal((await bench.monitoring.alerts({ environment: 'alarm' })).length, 1);
      const summary = await bench.monitoring.performanceOver({
        environment: 'alarm',
        endpoint: 'churn',
        from: isoInstant(dayAt(6)),
        to: isoInstant(dayAt(7)),
      });
      assert.deepEqual([summary.rows, summary.labelled, summary.modelVersions], [rowsPerDay, rowsPerDay, [version.id]]);
    });

    test('labelled predictions come back as a table with the columns of the training data', async () => {
      const { predictions, frame } = await send('table', 11);
      await bench.monitoring.joinLabels(labelsOf(predictions, frame).slice(0, 100), ada);
      const range = { environment: 'table', endpoint: 'churn', from: isoInstant(dayAt(11)), to: isoInstant(dayAt(12)) };
      const table = await bench.monitoring.labelledFrame(range);
      assert.deepEqual([table.target, table.key, table.frame.rows], ['Churn', 'customerID', 100]);
      assert.deepEqual(table.frame.schema, later.schema);
      assert.deepEqual(
        table.predictionIds,
        predictions.slice(0, 100).map(({ id }) => id),
      );
      const expected = toRecords(
        takeRows(
          frame,
          Int32Array.from({ length: 100 }, (_, row) => row),
        ),
      );
      assert.deepEqual(
        toRecords(table.frame),
        expected.map((record) => ({ ...record, gender: null })),
        'the very rows, but for the column that the model does not take',
      );
      await assert.rejects(bench.monitoring.labelledFrame({ ...range, environment: 'nowhere' }), (error) =>
        hasCode(error, 'FAILED_PRECONDITION'),
      );
    });

    test('what an endpoint was asked lately is a table of the columns that predictions carry, the newest first', async () => {
      const { frame } = await send('recent', 12);
      const columns = [...later.schema, { name: 'nowhere', type: 'string' as const }];
      const query = { environment: 'recent', endpoint: 'churn', from: isoInstant(dayAt(12)), columns, limit: 1000 };
      const asked = await bench.monitoring.recentRequests(query);
      const recent = asked.frame;
      assert.deepEqual(
        [asked.predicted.length, asked.scores.length, asked.actuals.length, asked.at.length],
        [frame.rows, frame.rows, frame.rows, frame.rows],
      );
      assert.deepEqual(
        asked.at,
        [...asked.at].sort((left, right) => right - left),
      );
      assert.equal(recent.rows, frame.rows);
      assert.ok(!recent.has('nowhere') && !recent.has('gender') && !recent.has('Churn'), 'what no prediction carries is no column');
      const charges = (of: Frame): number[] => [...of.numbers('MonthlyCharges')].sort((left, right) => left - right);
      assert.deepEqual(charges(recent), charges(frame));
      assert.equal((await bench.monitoring.recentRequests({ ...query, limit: 3 })).frame.rows, 3);
      assert.equal((await bench.monitoring.recentRequests({ ...query, from: isoInstant(dayAt(13)) })).frame.rows, 0);
    });

    test('what is sent in another environment or of a model that nobody registered alarms nobody', async () => {
      const predictions = await trafficOf(bench, customers(0), { version, from: dayAt(0), ...production });
      await assert.rejects(
        bench.monitoring.ingestSegment({ environment: 'test', segment: 'x.seg', predictions }),
        /of environment "test" holds prediction/,
      );
      const strangers = predictions.map((one) => ({ ...one, id: `s${one.id}`, environment: 'strange', package: 'f'.repeat(64) }));
      await bench.monitoring.ingestSegment({ environment: 'strange', segment: 's.seg', predictions: strangers });
      const [window] = await bench.monitoring.evaluate({ until: isoInstant(dayAt(1)) }).then(inEnvironment('strange'));
      assert.deepEqual([window.judged, window.rows, window.modelVersions, window.drift], [false, rowsPerDay, [], []]);
    });
  });
}

const inEnvironment =
  (environment: string) =>
  <T extends { readonly environment: string }>(windows: readonly T[]): T[] =>
    windows.filter((window) => window.environment === environment);

suite('SQLite', sqlitePlace, undefined);
suite('PostgreSQL', postgresPlace, await whyNoPostgres());
