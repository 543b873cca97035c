import type { BlobStore } from '#blobs';
import type {
  CharterVersion,
  InputColumn,
  ModelPackage,
  OutlierSpec,
  PackageFile,
  Run,
  Signature,
  TestReport,
  TrainedEvidence,
} from '#contract';
import { GyreError, canonicalJson, digestOf, sha256 } from '#core';
import { toHtml, toMarkdown } from '#evaluation';
import type { Frame } from '#tables';
import type { RegistryDeps } from '../port.ts';
import { mlflowFiles } from './mlmodel.ts';
import { modelCard } from './model-card.ts';
import { requireParity } from './parity.ts';
import { fitOutliers } from './outlier-graph.ts';
import { exampleFile, signatureOf } from './signature.ts';
import { typicalRows } from './typical-rows.ts';

export interface PackageRequest {
  readonly model: string;
  readonly run: string;
  readonly report: TestReport;
  readonly charter: CharterVersion;
  readonly outliers?: OutlierSpec;
}

/** A package whose files are stored. */
export interface BuiltPackage {
  readonly digest: string;
  readonly files: PackageFile[];
  readonly signature: Signature;
  readonly evidence: TrainedEvidence;
}

export type PackageDeps = Pick<RegistryDeps, 'blobs' | 'data' | 'features' | 'training' | 'reports'>;

/**
 * Makes a model package from records and stores its files. The same records give the same bytes: nothing in it is of the moment of packaging.
 * @throws GyreError FAILED_PRECONDITION when report, run and charter do not belong together, or ONNX and trainer disagree
 */
export async function buildPackage(deps: PackageDeps, request: PackageRequest): Promise<BuiltPackage> {
  const { model: name, report, charter } = request;
  requireBelonging(request);
  const model = await deps.training.readModel(request.run);
  const { run, transform } = model;
  const frame = await deps.data.open(report.dataset);
  const parity = await requireParity({
    model,
    frame,
    truth: report.task === 'regression' ? frame.numbers(transform.target) : new Float64Array(),
    matrix: await deps.features.apply(transform, frame),
    features: deps.features,
  });
  const signature = signatureOf(transform, report);
  // Canonical and without a final line break, as the charter: the file's SHA-256 is the digest of the value.
  const environment = encode(canonicalJson(run.environment));
  const roles = datasetRoles(run, report.dataset);
  const datasets = await Promise.all(Object.entries(roles).map(async ([role, digest]) => ({ role, version: await deps.data.get(digest) })));
  const evidence: TrainedEvidence = {
    model: name,
    run: run.id,
    trainer: model.trainer,
    seed: run.seed ?? 0,
    onnx: sha256(model.onnx),
    transform: transform.digest,
    datasets: roles,
    testReport: report.digest,
    charter: charter.digest,
    code: run.code,
    environment: sha256(environment),
    parity,
  };
  const card = modelCard({ model: name, run, report, charter, transform, evidence, datasets });
  const contents: (readonly [path: string, bytes: Uint8Array])[] = [
    ['model.onnx', model.onnx],
    ['learner.json', await deps.training.readArtifact(run.id, 'learner.json')],
    ['signature.json', json(signature)],
    ['input_example.json', json(exampleFile(transform.inputs))],
    ...(await trainingFiles({
      inputs: transform.inputs,
      rows: await deps.data.open(transform.fittedOn),
      dataset: transform.fittedOn,
      seed: run.seed ?? 0,
      ...(request.outliers === undefined ? {} : { outliers: request.outliers }),
    })),
    ['environment.json', environment],
    ['test-report.json', await deps.reports.reportJson(report.id)],
    ['charter.json', encode(canonicalJson(charter.charter))],
    ['evidence.json', json(evidence)],
    ['model-card.md', encode(toMarkdown(card))],
    ['model-card.html', encode(toHtml(card))],
    ...mlflowFiles({ run: run.id, madeAt: run.endedAt ?? run.startedAt, signature, onnx: evidence.onnx }).map(
      ([path, text]) => [path, encode(text)] as const,
    ),
  ];
  return { ...(await storedPackage(deps.blobs, contents)), signature, evidence };
}

export interface TrainingFacts {
  readonly inputs: readonly InputColumn[];
  /** What the model learned from; of one that was trained elsewhere, what it was tested on. */
  readonly rows: Frame;
  readonly dataset: string;
  readonly seed: number;
  readonly outliers?: OutlierSpec;
}

const usualOutliers: OutlierSpec = { method: 'isolation_forest', quantile: 0.99 };

/**
 * What a data plane needs to know of the rows behind a model: typical ones that explanations start from, and how far from them a row lies. Of a model of
 * pictures nothing: occlusion maps start from the picture itself, and its pixels have no columns that a forest or a distance could go by.
 */
export async function trainingFiles({
  inputs,
  rows,
  dataset,
  seed,
  outliers = usualOutliers,
}: TrainingFacts): Promise<(readonly [path: string, bytes: Uint8Array])[]> {
  if (inputs.some(({ image }) => image !== undefined)) return [];
  const background = typicalRows(inputs, rows, { dataset }, seed);
  const fitted = await fitOutliers(inputs, rows, outliers, { dataset }, seed);
  return [
    ...(background === undefined ? [] : [['background.json', encode(canonicalJson(background))] as const]),
    ...(fitted === undefined ? [] : [['outliers.json', json(fitted.facts)] as const, ['outliers.onnx', fitted.graph] as const]),
  ];
}

/** Stores the files of a package. @param kept further files, that are stored already */
export async function storedPackage(
  blobs: Pick<BlobStore, 'put'>,
  contents: readonly (readonly [path: string, bytes: Uint8Array])[],
  kept: readonly PackageFile[] = [],
): Promise<{ readonly digest: string; readonly files: PackageFile[] }> {
  const made = await Promise.all(
    contents.map(async ([path, bytes]): Promise<PackageFile> => {
      const { digest, size } = await blobs.put(bytes);
      return { path, digest, size };
    }),
  );
  const files = [...made, ...kept].sort((left, right) => (left.path < right.path ? -1 : 1));
  const listed: ModelPackage = { format: 'gyre.package.v1', files };
  return { digest: digestOf(listed), files };
}

function requireBelonging({ run, report, charter }: PackageRequest): void {
  if (report.run !== run)
    throw new GyreError(
      'FAILED_PRECONDITION',
      `test report ${report.id} judges run ${report.run}, not run ${run}: a package holds the report of its own run`,
      { report: report.id, run },
    );
  if (report.charter !== charter.digest)
    throw new GyreError(
      'FAILED_PRECONDITION',
      `test report ${report.id} was judged by charter ${report.charter.slice(0, 12)}, not by version ${charter.version} (${charter.digest.slice(0, 12)}): judge the run again by this one`,
      { report: report.id, charter: charter.digest },
    );
}

/** The run's dataset inputs by role, and the dataset of the test. */
function datasetRoles(run: Run, test: string): Record<string, string> {
  const roles: Record<string, string> = {};
  for (const { role, digest } of run.inputs) {
    if (role === 'transform') continue;
    let name = role;
    for (let n = 2; roles[name] !== undefined; n++) name = `${role}.${n}`;
    roles[name] = digest;
  }
  return { ...roles, test };
}

export function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function json(value: unknown): Uint8Array {
  return encode(`${JSON.stringify(value, null, 2)}\n`);
}
