import { Type } from 'typebox';
import { Check } from 'typebox/schema';
import type { BlobStore } from '#blobs';
import type { PackageFile } from '#contract';
import { readMlModel } from './mlmodel-file.ts';
import { ownSignature, textReader } from './package-facts.ts';
import type { KnownWiring } from './settle-wiring.ts';

/** As pandas writes a table with orient `split`; MLflow puts it into a member of its own for requests. */
const SplitTable = Type.Object({ columns: Type.Array(Type.String(), { minItems: 1 }) });
const SplitRequest = Type.Object({ dataframe_split: SplitTable });

const exampleFiles = ['input_example.json', 'serving_input_example.json'];

/** What the files of a package say of columns and classes, beside its graph. */
export async function knownWiring(blobs: Pick<BlobStore, 'read'>, files: readonly PackageFile[]): Promise<KnownWiring> {
  const text = textReader(blobs, files);
  const own = ownSignature(await text('signature.json'));
  const said = await text('MLmodel');
  const logged = said === undefined ? undefined : readMlModel(said)?.signature;
  const signature = own ?? logged;
  const named = signature?.inputs.map(({ name }) => name) ?? [];
  let columns: readonly string[] = named;
  for (const path of exampleFiles) if (columns.length === 0) columns = exampleColumns(await text(path));
  return { columns, ...(signature === undefined ? {} : { signature }) };
}

function exampleColumns(text: string | undefined): readonly string[] {
  if (text === undefined) return [];
  try {
    const value: unknown = JSON.parse(text);
    if (Check(SplitTable, value)) return value.columns;
    return Check(SplitRequest, value) ? value.dataframe_split.columns : [];
  } catch {
    return [];
  }
}
