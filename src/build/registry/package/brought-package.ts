import type { BroughtEvidence, CharterVersion, InputColumn, ModelVersion, OutlierSpec, Signature, TestReport } from '#contract';
import { canonicalJson, sha256 } from '#core';
import { toHtml, toMarkdown } from '#evaluation';
import { isMissing } from '#tables';
import type { Frame } from '#tables';
import { broughtFolder, filesAsBrought } from '../brought/as-brought.ts';
import type { RegistryDeps } from '../port.ts';
import { broughtCard } from './brought-card.ts';
import { encode, json, storedPackage, trainingFiles } from './build-package.ts';
import { mlflowFiles } from './mlmodel.ts';
import { exampleFile } from './signature.ts';

export interface BroughtPackage {
  readonly version: ModelVersion;
  /** Behind named columns; absent for a model that Python runs. */
  readonly onnx?: Uint8Array;
  readonly signature: Signature;
  readonly report: TestReport;
  readonly charter: CharterVersion;
  readonly evidence: Omit<BroughtEvidence, 'onnx'>;
  /** The rows of the test: an example that is nobody's is made of them. */
  readonly rows: Frame;
  readonly outliers?: OutlierSpec;
}

/**
 * Packs a model that was trained elsewhere and tested here: what serving loads beside the files that were brought, which stay as they are.
 * The same judgement of the same files gives the same bytes.
 */
export async function packBrought(
  { blobs, reports }: Pick<RegistryDeps, 'blobs' | 'reports'>,
  { version, onnx, signature, report, charter, evidence, rows, outliers }: BroughtPackage,
): Promise<Awaited<ReturnType<typeof storedPackage>>> {
  const whole: BroughtEvidence = { ...evidence, ...(onnx === undefined ? {} : { onnx: sha256(onnx) }) };
  const card = broughtCard({
    report,
    charter,
    evidence: whole,
    inputs: signature.inputs,
    ...(signature.positive === undefined ? {} : { positive: signature.positive }),
  });
  return storedPackage(
    blobs,
    [
      ...(onnx === undefined ? [] : [['model.onnx', onnx] as const]),
      ['signature.json', json(signature)],
      ['input_example.json', json(exampleFile(signature.inputs.map((input) => withTypicalValues(input, rows))))],
      ...(await trainingFiles({
        inputs: signature.inputs,
        rows,
        dataset: report.dataset,
        seed: 0,
        ...(outliers === undefined ? {} : { outliers }),
      })),
      ['test-report.json', await reports.reportJson(report.id)],
      ['charter.json', encode(canonicalJson(charter.charter))],
      ['evidence.json', json(whole)],
      ['model-card.md', encode(toMarkdown(card))],
      ['model-card.html', encode(toHtml(card))],
      // Python loads the model as it was brought: there is nothing else that MLflow could load.
      ...(whole.onnx === undefined
        ? []
        : mlflowFiles({ madeAt: version.createdAt, signature, onnx: whole.onnx }).map(([path, text]) => [path, encode(text)] as const)),
    ],
    filesAsBrought(version).map(({ path, digest, size }) => ({ path: `${broughtFolder}${path}`, digest, size })),
  );
}

/** A text that so many rows have says nothing of one of them. */
const fewestRows = 5;

/** An input with what is usual in it: the commonest text, if it is common, and the span of its numbers. */
function withTypicalValues(input: InputColumn, rows: Frame): InputColumn {
  const column = rows.column(input.name);
  if (column.kind !== 'text') {
    const present = column.values.filter((value) => Number.isFinite(value));
    if (present.length === 0) return input;
    let [low, high] = [present[0], present[0]];
    for (const value of present) [low, high] = [Math.min(low, value), Math.max(high, value)];
    return { ...input, range: [low, high] };
  }
  const counts = new Map<number, number>();
  for (let row = 0; row < rows.rows; row++)
    if (!isMissing(column, row)) counts.set(column.codes[row], (counts.get(column.codes[row]) ?? 0) + 1);
  const [commonest] = [...counts].sort(([, left], [, right]) => right - left);
  const isCommon = commonest !== undefined && commonest[1] >= fewestRows;
  return { ...input, categories: [isCommon ? column.dictionary[commonest[0]] : ''] };
}
