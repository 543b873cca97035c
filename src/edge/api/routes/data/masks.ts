import type { Principal } from '#access';
import type { Actor, DatasetVersion } from '#contract';
import { personalColumns } from '#data';
import type { MaskedColumns, SeenBy } from '#data';
import type { ApiDeps } from '../../port.ts';

/** The personal columns of a version: those that its schema tags, those that the project's reviewed schema tags today, and the charter's. */
export function personalOf({ project }: Pick<ApiDeps, 'project'>, version: DatasetVersion): MaskedColumns {
  const { schemas, resolved } = project.current();
  const reviewed = schemas[version.dataset] ?? { columns: [] };
  return new Set([...personalColumns(version.schema, resolved.charter.personalData?.columns), ...personalColumns(reviewed)]);
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
  rooms: Pick<ApiDeps, 'project' | 'data'>,
  { principal, by }: Caller,
  version: DatasetVersion,
  how: SeenBy,
  columns: readonly string[] = version.schema.columns.map(({ name }) => name),
): Promise<MaskedColumns> {
  const personal = personalOf(rooms, version);
  if (mayNotSee(principal)) return personal;
  await rooms.data.seePersonal({ version, columns: columns.filter((name) => personal.has(name)), how, by });
  return new Set();
}
