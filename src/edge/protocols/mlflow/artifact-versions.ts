import { GyreError } from '#core';
import { filesAsBrought } from '#registry';
import type { Registry } from '#registry';
import { answerWithFile, fileInfo, noArtifact } from './artifact-answers.ts';
import type { MlflowAnswer, MlflowCall } from './port.ts';

/** Below it the files of registered versions are read, as they were when they were registered: `model-versions/<version's id>/…`. */
const root = 'model-versions/';

export interface VersionPath {
  /** The version's id. */
  readonly version: string;
  /** Within its package; `''`: all of it. */
  readonly path: string;
}

/** What a path names in a version's package; undefined for any other path. */
export function versionPathOf(path: string): VersionPath | undefined {
  if (!path.startsWith(root)) return undefined;
  const [version, ...rest] = path.slice(root.length).split('/');
  return { version, path: rest.join('/') };
}

/** @throws GyreError FAILED_PRECONDITION when the path lies in a version's package */
export function requireNoVersion(path: string): string {
  if (`${path}/`.startsWith(root))
    throw new GyreError('FAILED_PRECONDITION', `'${path}' belongs to a registered version, whose files never change`, { path });
  return path;
}

/** The entries of one folder of a package, in the order of their names. @throws GyreError NOT_FOUND */
export async function listVersionFiles(registry: Registry, { version, path }: VersionPath): Promise<readonly object[]> {
  const below = path === '' ? '' : `${path}/`;
  const found = new Map<string, object>();
  for (const file of filesAsBrought(await registry.getById(version))) {
    if (!file.path.startsWith(below)) continue;
    const [name, deeper] = file.path.slice(below.length).split('/', 2);
    const entry = deeper === undefined ? ({ ...file, kind: 'file' } as const) : ({ kind: 'folder', path: `${below}${name}` } as const);
    if (!found.has(name)) found.set(name, fileInfo(entry, ''));
  }
  return [...found.entries()].toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([, info]) => info);
}

/** Gives a file of a package. @throws GyreError NOT_FOUND */
export async function answerVersionFile(registry: Registry, { version, path }: VersionPath, call: MlflowCall): Promise<MlflowAnswer> {
  const file = filesAsBrought(await registry.getById(version)).find((one) => one.path === path);
  if (file === undefined) throw noArtifact(path);
  // The registry gives files whole: a range is passed over, which RFC 9110 (14.2) allows.
  const { range: _, ...headers } = call.headers;
  return answerWithFile({ ...file, open: async () => (await registry.openFile(version, file.packed)).bytes }, { ...call, headers });
}
