import type { ModelVersion } from '#contract';
import type { VersionRecords } from './port.ts';

/** @param name an id, or `name@version` with a number or an alias @throws GyreError NOT_FOUND */
export function findVersion(registry: VersionRecords, name: string): Promise<ModelVersion> {
  const at = name.lastIndexOf('@');
  return at > 0 ? registry.get(name.slice(0, at), name.slice(at + 1)) : registry.getById(name);
}
