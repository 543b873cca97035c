import type { Principal } from '#access';
import type { Actor, DatasetVersion, PersonalColumns } from '#contract';
import { declaredColumns, personalColumns } from '#data';
import type { MaskedColumns, SeenBy } from '#data';
import type { ApiDeps } from '../../port.ts';

type Rooms = Pick<ApiDeps, 'project' | 'data'>;

/**
 * The personal columns of a version, and why each is: its schema tags it, the project's reviewed schema does so today, the charter names it,
 * or it looks so and nobody has said whether it is. Where a dataset has no reviewed schema, the tags of all the others count.
 */
export async function whyPersonal({ project, data }: Rooms, version: DatasetVersion): Promise<PersonalColumns['columns']> {
  const { schemas, resolved } = project.current();
  const reviewed = Object.hasOwn(schemas, version.dataset) ? [schemas[version.dataset]] : Object.values(schemas);
  const names = version.schema.columns.map(({ name }) => name);
  const charter = new Set(resolved.charter.personalData?.columns);
  const tagged = new Set([version.schema, ...reviewed].flatMap((schema) => [...personalColumns(schema)]));
  const said = declaredColumns([version.schema, ...reviewed]);
  const suggested = new Map((await data.suggestPersonal(version)).map((each) => [each.column, each]));
  const found = names.flatMap((column): PersonalColumns['columns'] => {
    if (tagged.has(column)) return [{ column, why: 'declared' }];
    if (charter.has(column)) return [{ column, why: 'charter' }];
    const suggestion = suggested.get(column);
    if (suggestion === undefined || said.has(column)) return [];
    return [{ column, why: 'suggested', kind: suggestion.kind, evidence: suggestion.evidence }];
  });
  // what a version's schema does not list is masked all the same, such as the pixels of images
  const unlisted = [...tagged, ...charter].filter((column) => !names.includes(column));
  return [
    ...found,
    ...[...new Set(unlisted)].map((column) => ({ column, why: tagged.has(column) ? ('declared' as const) : ('charter' as const) })),
  ];
}

export async function personalOf(rooms: Rooms, version: DatasetVersion): Promise<MaskedColumns> {
  return new Set((await whyPersonal(rooms, version)).map(({ column }) => column));
}

/** What is personal wherever it stands, such as among the inputs of a prediction: tagged by any reviewed schema, or named by the charter. */
export function personalAnywhere({ project }: Pick<ApiDeps, 'project'>): MaskedColumns {
  const { schemas, resolved } = project.current();
  const tagged = Object.values(schemas).flatMap((schema) => [...personalColumns(schema)]);
  return new Set([...tagged, ...(resolved.charter.personalData?.columns ?? [])]);
}

/** Who asks. */
export interface Caller {
  readonly principal: Principal;
  readonly by: Actor;
}

export function mayNotSee(principal: Principal): boolean {
  return !principal.permissions.has('see_personal');
}

/**
 * The columns of a version that a caller may not see; a caller who may see them is stated to have done so.
 * @param columns those that are shown; all without it
 */
export async function masksFor(
  rooms: Rooms,
  { principal, by }: Caller,
  version: DatasetVersion,
  how: SeenBy,
  columns: readonly string[] = version.schema.columns.map(({ name }) => name),
): Promise<MaskedColumns> {
  const personal = await personalOf(rooms, version);
  if (mayNotSee(principal)) return personal;
  await rooms.data.seePersonal({ version, columns: columns.filter((name) => personal.has(name)), how, by });
  return new Set();
}
