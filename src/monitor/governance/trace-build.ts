import type { DatasetVersion, ModelVersion, Run } from '#contract';
import { digestOf } from '#core';
import { counted, figures } from './links.ts';
import type { Links } from './links.ts';
import type { GovernanceDeps } from './port.ts';

/** What a model is judged by first. */
const usualMetrics = ['roc_auc', 'accuracy', 'rmse'] as const;

/** A model version and everything that it was made from. */
export async function traceVersion(deps: GovernanceDeps, links: Links, version: ModelVersion): Promise<void> {
  const { model, version: number, id, testReport, testsPassed, aliases, brought, createdBy, createdAt } = version;
  const named = aliases.length === 0 ? '' : ` (${aliases.join(', ')})`;
  const tests = `its tests ${testsPassed ? 'passed' : 'did not pass'}`;
  const origin = testReport === undefined ? 'trained elsewhere' : brought === undefined ? tests : `trained elsewhere, ${tests}`;
  const title = `${model} version ${number}${named}; ${origin}`;
  if (!links.add({ kind: 'model_version', id, title, by: createdBy, at: createdAt })) return;
  await tracePackage(links, version);
  if (version.testReport === undefined) links.missing(`test report: none is on record for ${model} version ${number}`);
  else await traceReport(deps, links, version.testReport);
  const { run: trainedBy, charter } = version;
  if (brought !== undefined) await traceBrought(deps, links, version);
  else if (trainedBy === undefined) links.missing(`run: none is on record for ${model} version ${number}`);
  const run = trainedBy === undefined ? undefined : await links.find('run', () => deps.training.getRun(trainedBy));
  if (run !== undefined) {
    await traceRun(deps, links, run);
    const trained = await deps.training.findArtifact(run.id, 'model.onnx');
    const packaged = version.files.find(({ path }) => path === 'model.onnx');
    if (brought === undefined && trained !== undefined && packaged !== undefined && trained.digest !== packaged.digest) {
      links.missing(`package: its model.onnx is not the one that run ${run.id} left`);
    }
  }
  if (charter !== undefined) await traceCharter(deps, links, charter);
}

/** What nobody here can know of a model from elsewhere is said; what it was tested on leads back to its source. */
async function traceBrought(deps: GovernanceDeps, links: Links, version: ModelVersion): Promise<void> {
  const { model, version: number, source, createdBy, createdAt, testReport } = version;
  links.missing(
    `training: ${model} version ${number} was trained elsewhere; ${createdBy.name} brought it on ${createdAt} from ${source}, and what it has learned from is not known here`,
  );
  const report = testReport === undefined ? undefined : await links.find('test report', () => deps.evaluation.getReport(testReport));
  if (report !== undefined) await traceDataset(deps, links, report.dataset, 'test');
}

async function tracePackage(links: Links, version: ModelVersion): Promise<void> {
  const { package: digest, files, source } = version;
  if (digest === undefined) {
    links.missing(`package: the files are at ${source}, not in Gyre`);
    return;
  }
  const listed = digestOf({ format: 'gyre.package.v1', files });
  let verified = listed === digest;
  if (!verified) links.missing(`package: its list of files does not have the digest ${digest.slice(0, 12)}`);
  for (const file of files) if (!(await links.verified(file.digest, `package, ${file.path}`))) verified = false;
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  const title = `${counted(files.length, 'file')}, ${bytes.toLocaleString('en')} bytes, model.onnx and its evidence among them`;
  links.add({ kind: 'package', id: digest, digest, title, verified });
}

async function traceReport({ evaluation }: GovernanceDeps, links: Links, id: string): Promise<void> {
  const report = await links.find('test report', () => evaluation.getReport(id));
  if (report === undefined) return;
  const metrics = Object.fromEntries(report.metrics.map(({ name, value }) => [name, value]));
  const failed = report.gates.filter(({ passed }) => !passed).length;
  const gates =
    failed === 0 ? `${counted(report.gates.length, 'gate')} passed` : `${failed} of ${counted(report.gates.length, 'gate')} failed`;
  const title = `${figures(metrics, usualMetrics)} on ${counted(report.rows, 'held-out row')}; ${gates}`;
  const verified = await links.verified(report.digest, 'test report');
  links.add({ kind: 'test_report', id, digest: report.digest, title, at: report.createdAt, verified });
}

/** A run, its transform, its data back to their sources, and its code. */
export async function traceRun(deps: GovernanceDeps, links: Links, run: Run): Promise<void> {
  const metrics = Object.fromEntries(Object.entries(run.metrics).map(([name, value]) => [name.replace(/^validation[./_]/, ''), value]));
  const found = figures(metrics, usualMetrics);
  const title = `${run.trainer ?? 'run'} ${run.name}, seed ${run.seed ?? 'none'}${found === '' ? '' : `; on validation ${found}`}`;
  if (!links.add({ kind: 'run', id: run.id, title, by: run.createdBy, at: run.startedAt })) return;
  for (const { role, digest } of run.inputs) {
    if (role === 'transform') await traceTransform(deps, links, digest);
    else await traceDataset(deps, links, digest, role);
  }
  await traceTestData(deps, links, run);
  await traceCode(links, run);
}

/** What its versions were tested on belongs to the evidence too. */
async function traceTestData(deps: GovernanceDeps, links: Links, run: Run): Promise<void> {
  for (const { testReport } of await deps.registry.byRun(run.id)) {
    if (testReport === undefined) continue;
    const report = await links.find('test report', () => deps.evaluation.getReport(testReport));
    if (report !== undefined) await traceDataset(deps, links, report.dataset, 'test');
  }
}

async function traceTransform({ features }: GovernanceDeps, links: Links, digest: string): Promise<void> {
  const transform = await links.find('transform', () => features.get(digest));
  if (transform === undefined) return;
  const description = await links.verified(transform.digest, 'transform');
  const verified = (await links.verified(transform.graph, 'graph of the transform')) && description;
  const title = `${counted(transform.inputs.length, 'raw column')} become ${counted(transform.features.length, 'feature')}; target ${transform.target}`;
  links.add({ kind: 'transform', id: transform.id, digest: transform.digest, title, at: transform.createdAt, verified });
}

/** A dataset version, its rows, and what it was cut or collected from. */
export async function traceDataset(deps: GovernanceDeps, links: Links, digest: string, role: string): Promise<void> {
  const version = await links.find(`dataset version (${role})`, () => deps.data.get(digest));
  if (version === undefined) return;
  const { dataset, part, manifest, createdBy, createdAt } = version;
  const named = part === undefined ? dataset : `${dataset}, part ${part}`;
  const verified = digestOf(manifest) === version.digest;
  if (!verified) links.missing(`dataset version ${version.digest.slice(0, 12)}: its manifest does not have this digest`);
  const title = `${role}: ${counted(manifest.rows, 'row')} of ${named}`;
  const isNew = links.add({
    kind: 'dataset_version',
    id: version.digest,
    digest: version.digest,
    title,
    by: createdBy,
    at: createdAt,
    verified,
  });
  if (!isNew) return;
  await traceRows(links, version, role);
  const parents = manifest.derivedFrom?.parents ?? [];
  for (const parent of parents) await traceDataset(deps, links, parent, 'whole');
  if (parents.length === 0) await traceSource(links, version);
  await tracePredictor(deps, links, version);
}

/** Rows that a model predicted lead to it, and so to all that it was made from. */
async function tracePredictor(deps: GovernanceDeps, links: Links, { manifest: { derivedFrom } }: DatasetVersion): Promise<void> {
  const id = derivedFrom?.operation === 'predict' ? derivedFrom.parameters['modelVersion'] : undefined;
  if (typeof id !== 'string') return;
  const version = await links.find('model version that predicted', () => deps.registry.getById(id));
  if (version !== undefined) await traceVersion(deps, links, version);
}

async function traceRows(links: Links, { rowsDigest, manifest }: DatasetVersion, role: string): Promise<void> {
  const verified = await links.verified(rowsDigest, `rows file (${role})`);
  const size = manifest.rowsFile?.size;
  const title = `${role}: Parquet file with ${counted(manifest.rows, 'row')}${size === undefined ? '' : `, ${size.toLocaleString('en')} bytes`}`;
  links.add({ kind: 'rows_file', id: rowsDigest, digest: rowsDigest, title, verified });
}

async function traceSource(links: Links, { source, manifest, digest, createdBy, createdAt }: DatasetVersion): Promise<void> {
  if (manifest.files.length === 0) {
    links.add({ kind: 'source', id: digest, title: source, by: createdBy, at: createdAt });
    return;
  }
  for (const file of manifest.files) {
    const verified = await links.verified(file.sha256, `source ${file.path}`);
    const title = `${source}, ${file.size.toLocaleString('en')} bytes as they came, MD5 ${file.md5}`;
    links.add({ kind: 'source', id: file.sha256, digest: file.sha256, title, by: createdBy, at: createdAt, verified });
  }
}

async function traceCharter({ charters, project }: GovernanceDeps, links: Links, digest: string): Promise<void> {
  const charter = await links.find('charter', () => charters.get(project(), digest));
  if (charter === undefined) return;
  const success = Object.entries(charter.charter.success).map(([metric, threshold]) => `${metric} ${threshold}`);
  const verified = digestOf(charter.charter) === digest;
  if (!verified) links.missing(`charter: its words do not have the digest ${digest.slice(0, 12)}`);
  const title = `version ${charter.version}, owner ${charter.charter.owner}; success means ${success.join(', ')}`;
  links.add({ kind: 'charter', id: digest, digest, title, at: charter.recordedAt, verified });
}

async function traceCode(links: Links, { code, id }: Run): Promise<void> {
  if (code.commit === null) {
    links.missing(`code: the project of run ${id} is in no git repository`);
    return;
  }
  const state = code.dirty ? 'with changes that are not committed' : 'nothing changed since';
  const link = { kind: 'code', id: code.commit, title: `commit ${code.commit.slice(0, 12)}, ${state}` } as const;
  if (code.patch === undefined) {
    if (code.dirty) links.missing(`code: the changes on top of commit ${code.commit.slice(0, 12)} were not kept`);
    links.add(link);
  } else links.add({ ...link, digest: code.patch, verified: await links.verified(code.patch, 'patch of the code') });
}
