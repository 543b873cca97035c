import type { DatasetVersion, JudgedVersion, Run, TableSchema } from '#contract';
import { hasCode } from '#core';
import { declaredColumns, personalColumns } from '#data';
import type { Data } from '#data';

interface Rooms {
  readonly project: () => { readonly schemas: Readonly<Record<string, TableSchema>>; readonly charter: readonly string[] };
  readonly data: Pick<Data, 'get' | 'suggestPersonal'>;
  readonly training: { getRun(id: string): Promise<Pick<Run, 'inputs'>> };
}

/**
 * The inputs of a model that tell of a person: tagged by a reviewed schema, named by the charter, or of such a look in what the model was
 * trained on while nobody has said that they are none. Where that cannot be looked at any more, all that nobody has spoken of.
 */
export async function personalInputs({ project, data, training }: Rooms, version: JudgedVersion): Promise<readonly string[]> {
  const schemas = Object.values(project().schemas);
  const known = new Set([...schemas.flatMap((schema) => [...personalColumns(schema)]), ...project().charter]);
  const said = declaredColumns(schemas);
  const source = await trainedOn({ data, training }, version);
  const suggested = source === undefined ? undefined : new Set((await data.suggestPersonal(source)).map(({ column }) => column));
  return version.signature.inputs
    .map(({ name }) => name)
    .filter((name) => known.has(name) || (!said.has(name) && (suggested === undefined || suggested.has(name))));
}

/** The version as it came from its source: what the steps made of it looks like nobody's. */
async function trainedOn(
  { data, training }: Pick<Rooms, 'data' | 'training'>,
  { run }: JudgedVersion,
): Promise<DatasetVersion | undefined> {
  try {
    if (run === undefined) return undefined;
    const { inputs } = await training.getRun(run);
    const digest = inputs.find(({ role }) => role === 'train')?.digest;
    if (digest === undefined) return undefined;
    const trained = await data.get(digest);
    const parent = trained.manifest.derivedFrom?.parents.at(0);
    return parent === undefined ? trained : await data.get(parent);
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}
