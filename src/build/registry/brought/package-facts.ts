import { Check } from 'typebox/schema';
import type { BlobStore } from '#blobs';
import { Signature } from '#contract';
import type { PackageFile } from '#contract';
import { asSha256 } from '#core';
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
const largestGraph = 512 * 2 ** 20;

/**
 * Reads a package: `signature.json` in Gyre's own form before what the ONNX graph says, and that before MLflow's `MLmodel` file. Nothing is
 * ever loaded or run, and a file that says nothing sensible is passed over.
 */
export async function factsOf(blobs: Pick<BlobStore, 'read'>, files: readonly PackageFile[]): Promise<PackageFacts> {
  const text = async (path: string): Promise<string | undefined> => {
    const file = files.find((one) => one.path === path);
    return file === undefined || file.size > largestText ? undefined : new TextDecoder().decode(await blobs.read(asSha256(file.digest)));
  };
  const said = await text('MLmodel');
  const mlmodel = said === undefined ? undefined : readMlModel(said);
  const signature =
    ownSignature(await text('signature.json')) ?? (await graphSignature(blobs, files, mlmodel?.graph)) ?? mlmodel?.signature;
  return {
    ...(signature === undefined ? {} : { signature }),
    ...(mlmodel === undefined ? {} : { flavors: [...mlmodel.flavors] }),
  };
}

function ownSignature(text: string | undefined): Signature | undefined {
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
  const graphs = files.filter(({ path }) => (named === undefined ? path.endsWith('.onnx') : path === named));
  const [graph] = graphs;
  if (graphs.length !== 1 || graph.size > largestGraph) return undefined;
  return signatureOfGraph(await blobs.read(asSha256(graph.digest)));
}
