import { eventType } from '#contract';
import type { Actor, TestReport } from '#contract';
import { GyreError, asSha256, canonicalJson, isoInstant, sha256 } from '#core';
import type { Tx } from '#store';
import { comparePair } from './comparison.ts';
import { asFrame, explainRows, rowsToExplain } from './explanation.ts';
import { requireHeldOut, unseenRows } from './held-out.ts';
import { defaultResamples, judgeRun } from './judge.ts';
import type { Evaluation, EvaluationDeps } from './port.ts';
import { reportPage } from './report-page/report-page.ts';
import { insertReport, reportOf, selectReports } from './reports-store.ts';
import { primaryMetric, scoreVersion } from './scored.ts';
import { openScoringModel } from './scoring-model.ts';

/** Opens the room over a migrated store. */
export function openEvaluation(deps: EvaluationDeps): Evaluation {
  const { store, blobs, events, clock, newId, features, training } = deps;

  const thresholdOf = async (model: string): Promise<number> => {
    const [newest] = await store.read((db) => selectReports(db, { model }, 1, undefined));
    return newest?.report.threshold?.value ?? 0.5;
  };

  const keep = async (
    tx: Tx,
    args: { readonly report: TestReport; readonly createdAt: number; readonly by: Actor },
  ): Promise<TestReport> => {
    const { report, created } = await insertReport(tx, args);
    if (created) {
      const { id, digest, run, modelVersion, passed, metrics } = report;
      events.publish(tx, {
        type: eventType('test_report.created'),
        subject: id,
        actor: args.by.identity,
        data: {
          id,
          digest,
          ...(run === undefined ? {} : { run }),
          ...(modelVersion === undefined ? {} : { modelVersion }),
          passed,
          metrics: Object.fromEntries(metrics.map(({ name, value }) => [name, value])),
        },
      });
    }
    return report;
  };

  const getReport = async (name: string): Promise<TestReport> => {
    const report = await store.read((db) => reportOf(db, name));
    if (report !== undefined) return report;
    const newest = await store.read((db) => selectReports(db, {}, 5, undefined));
    const known = newest.length === 0 ? 'there is none yet' : `the newest are ${newest.map(({ report: { id } }) => id).join(', ')}`;
    throw new GyreError('NOT_FOUND', `no test report "${name}": an id or a digest is needed; ${known}`, { report: name });
  };

  return {
    getReport,
    async judge(request) {
      const judgement = await judgeRun({ ...deps, thresholdOf }, request);
      const bytes = new TextEncoder().encode(canonicalJson(judgement));
      const digest = sha256(bytes);
      await blobs.put(bytes);
      const now = clock.now();
      return store.write(keep, {
        report: { id: newId(), digest, ...judgement, createdAt: isoInstant(now) },
        createdAt: now,
        by: request.by,
      });
    },
    openModel: (source) => openScoringModel(deps, source),
    unseenRows: (model, dataset) => unseenRows(deps, model, dataset),
    async listReports({ limit = 50, after, run, modelVersion, ...rest } = {}) {
      const model = run ?? modelVersion;
      const filter = { ...rest, ...(model === undefined ? {} : { model }) };
      const size = Math.min(Math.max(1, Math.trunc(limit)), 1000);
      const found = await store.read((db) => selectReports(db, filter, size + 1, pagePosition(after)));
      const items = found.slice(0, size);
      const last = items.at(-1);
      return {
        items: items.map(({ report }) => report),
        ...(found.length > size && last !== undefined ? { next: String(last.position) } : {}),
      };
    },
    async reportJson(name) {
      const { digest } = await getReport(name);
      return blobs.read(asSha256(digest));
    },
    async reportHtml(name) {
      return reportPage(await getReport(name));
    },
    async compare(request) {
      await using champion = await openScoringModel(deps, request.champion);
      await using challenger = await openScoringModel(deps, request.challenger);
      for (const model of [champion, challenger]) requireHeldOut(model, request.dataset);
      const scored = await scoreVersion(deps, challenger, request.dataset);
      const options = {
        metric: primaryMetric(scored.task, request.metric, {}),
        seed: request.seed ?? challenger.run?.seed ?? 0,
        resamples: request.resamples ?? defaultResamples,
      };
      return await comparePair(
        deps,
        {
          model: champion,
          scored: { ...scored, scores: await champion.predict(scored.frame) },
          threshold: request.championThreshold ?? (await thresholdOf(champion.id)),
        },
        { model: challenger, scored, threshold: request.challengerThreshold ?? (await thresholdOf(challenger.id)) },
        options,
      );
    },
    async explain({ run, frame: given, ...options }) {
      const model = await training.readModel(run);
      if (model.transform.backbone !== undefined)
        throw new GyreError('FAILED_PRECONDITION', 'what moved a prediction on a picture are features of a network, which have no names', {
          run,
        });
      const frame = rowsToExplain(asFrame(model.transform.inputs, given), options.rows);
      if (frame.rows === 0) return [];
      return explainRows(model, frame, await features.apply(model.transform, frame), options);
    },
  };
}

function pagePosition(after: string | undefined): number | undefined {
  if (after === undefined) return undefined;
  const position = Number(after);
  if (Number.isSafeInteger(position) && position > 0) return position;
  throw new GyreError('INVALID_ARGUMENT', `"${after}" is no page token: use the "next" of the page before`);
}
