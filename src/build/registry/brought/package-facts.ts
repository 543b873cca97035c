import { Check } from 'typebox/schema';
import type { BlobStore } from '#blobs';
import { isModelGraph, Signature } from '#contract';
import type { PackageFile } from '#contract';
import { GyreError, asSha256 } from '#core';
import { examplesFile, requireExamples } from './examples.ts';
import { signatureOfGraph } from './graph-signature.ts';
import { readMlModel } from './mlmodel-file.ts';

/** What the files of a model that was trained elsewhere say about it. */
interface PackageFacts {
  readonly signature?: Signature;
  readonly flavors?: string[];
}

/** Larger descriptions are none. */
const largestText = 4 * 2 ** 20;
/** A larger graph is registered, but not looked into. */
export const largestGraph = 512 * 2 ** 20;

/**
 * Reads a package: `signature.json` in Gyre's own form before what the ONNX graph says, and that before MLflow's `MLmodel` file. Nothing is
 * ever loaded or run, and a file that says nothing sensible is passed over.
 */
export async function factsOf(blobs: Pick<BlobStore, 'read'>, files: readonly PackageFile[]): Promise<PackageFacts> {
  const text = textReader(blobs, files);
  const said = await text('MLmodel');
  const mlmodel = said === undefined ? undefined : readMlModel(said);
  const signature =
    ownSignature(await text('signature.json')) ?? (await graphSignature(blobs, files, mlmodel?.graph)) ?? mlmodel?.signature;
  return {
    ...(signature === undefined ? {} : { signature }),
    ...(mlmodel === undefined ? {} : { flavors: [...mlmodel.flavors] }),
  };
}

/** Reads descriptions of a package: of paths that there are not, and of files too large for one, there is no text. */
export function textReader(blobs: Pick<BlobStore, 'read'>, files: readonly PackageFile[]) {
  return async (path: string): Promise<string | undefined> => {
    const file = files.find((one) => one.path === path);
    return file === undefined || file.size > largestText ? undefined : new TextDecoder().decode(await blobs.read(asSha256(file.digest)));
  };
}

/**
 * The graph among the files of a package: the one that its MLmodel file names, else `model.onnx`, else the only one.
 * @param named by the MLmodel file
 * @returns undefined when there is none, or several that nothing tells apart
 */
export function graphFile(files: readonly PackageFile[], named: string | undefined): PackageFile | undefined {
  const graphs = files.filter(isModelGraph);
  return (
    graphs.find(({ path }) => path === named) ??
    graphs.find(({ path }) => path === 'model.onnx') ??
    (graphs.length === 1 ? graphs[0] : undefined)
  );
}

/**
 * Holds reference answers that lie in a package against what its graph gives.
 * @throws GyreError as `requireExamples`; INVALID_ARGUMENT when there are answers, but no graph
 */
export async function requireReferenceAnswers(
  blobs: Pick<BlobStore, 'read'>,
  files: readonly PackageFile[],
  signature: Signature | undefined,
): Promise<void> {
  const examples = files.find(({ path }) => path === examplesFile);
  if (examples === undefined) return;
  const graph = graphFile(files, undefined);
  if (graph === undefined || examples.size > largestText || graph.size > largestGraph)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `${examplesFile} can be checked only beside a graph (model.onnx, or the only .onnx file), and within 4 MiB`,
    );
  const text = new TextDecoder().decode(await blobs.read(asSha256(examples.digest)));
  await requireExamples(await blobs.read(asSha256(graph.digest)), signature, text);
}

/** A signature in Gyre's own form; undefined for any other text. */
export function ownSignature(text: string | undefined): Signature | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Check(Signature, value) ? value : undefined;
  } catch {
    return undefined;
  }
}

async function graphSignature(
  blobs: Pick<BlobStore, 'read'>,
  files: readonly PackageFile[],
  named: string | undefined,
): Promise<Signature | undefined> {
  const graph = graphFile(files, named);
  if (graph === undefined || graph.size > largestGraph) return undefined;
  return signatureOfGraph(await blobs.read(asSha256(graph.digest)));
}
