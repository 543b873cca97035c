import { personalColumns } from '#data';
import type { LoadedProject } from '#project';

/** How versions of a dataset are compared in a report that everybody reads: by the key of gyre.yaml, without the values of personal columns. */
export function comparedColumns(
  { schemas, resolved }: LoadedProject,
  dataset: string,
): { readonly masked: ReadonlySet<string>; readonly usualKey?: string } {
  const key = resolved.datasets.find(({ name }) => name === dataset)?.key;
  const personal = Object.values(schemas).flatMap((schema) => [...personalColumns(schema)]);
  return {
    masked: new Set([...personal, ...(resolved.charter.personalData?.columns ?? [])]),
    ...(key === undefined ? {} : { usualKey: key }),
  };
}
