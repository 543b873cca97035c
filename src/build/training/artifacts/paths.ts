import { GyreError } from '#core';
import { artifactRootOf, publicRunId } from '../tracking/words.ts';
import type { ArtifactPlace } from './port.ts';

/** In UTF-8. What clients download becomes a file, and file systems take no longer names. */
const longestNameBytes = 255;
/** In UTF-8. A path stands in an index, and PostgreSQL's take 2,704 bytes. */
const longestPathBytes = 2000;

/** Control characters, those that turn the direction of a text so that a name reads as another one, and what stands for broken UTF-8. */
const deceptive = /[\p{Cc}\u202a-\u202e\u2066-\u2069\ufffd]/u;

/** The folder of a run's files, as far as they are kept here. */
export function runFolder({ experiment, id, location }: ArtifactPlace): string {
  const root = location === undefined ? experiment : (ownPathOf(location) ?? experiment);
  return pathOf({ folder: root, name: `${publicRunId(id)}/artifacts` });
}

/** The address that clients know the folder of a run's files by. */
export function runAddress({ experiment, id, location }: ArtifactPlace): string {
  const root = artifactRootOf({ id: experiment, ...(location === undefined ? {} : { artifactLocation: location }) });
  return `${root.replace(/\/+$/, '')}/${publicRunId(id)}/artifacts`;
}

/**
 * The path that an address names in the tree of artifacts: `mlflow-artifacts:/7/…`, also with a server's name, and the address of the proxy.
 * @returns undefined for an address of another storage
 */
export function ownPathOf(uri: string): string | undefined {
  const [, path] =
    /^mlflow-artifacts:(?:\/\/[^/]+)?\/*(.*)$/.exec(uri) ??
    /^https?:\/\/[^/]+(?:\/.*)?\/(?:ajax-)?api\/2\.0\/mlflow-artifacts\/artifacts\/*(.*)$/.exec(uri) ??
    [];
  return path?.replace(/\/+$/, '');
}

/**
 * @returns the path, when it is one: names joined by `/`
 * @throws GyreError INVALID_ARGUMENT for a path that would leave its root or mean another one on some system: absolute, with `.` or `..`,
 *   with a backslash or control character, with a drive or a scheme such as `file:`, also where it is percent-encoded once or more
 */
export function requireArtifactPath(path: string): string {
  const problem = problemOf(path);
  if (problem === undefined) return path;
  const shown = JSON.stringify(path.length > 100 ? `${path.slice(0, 100)}…` : path);
  throw new GyreError('INVALID_ARGUMENT', `Invalid path: ${shown} ${problem}; names joined by "/" are needed`, {
    path: path.slice(0, 1000),
  });
}

function problemOf(path: string): string | undefined {
  if (path === '') return 'is empty';
  if (!path.isWellFormed()) return 'is no Unicode text';
  if (Buffer.byteLength(path) > longestPathBytes) return `has more than ${longestPathBytes} bytes`;
  for (const reading of readings(path)) {
    if (reading.includes('\\')) return 'holds a backslash';
    if (deceptive.test(reading)) return 'holds a character that cannot be seen';
    if (/^[a-z]:/i.test(reading)) return 'names a drive';
    if (/^[a-z][a-z0-9+.-]*:\//i.test(reading)) return 'names a scheme';
    if (/^file:/i.test(reading)) return 'names a scheme';
    if (reading.startsWith('/')) return 'is absolute';
    for (const name of reading.split('/')) {
      if (name === '') return 'has an empty name in it';
      const plain = name.normalize('NFKC');
      if (plain === '.' || plain === '..') return `has "${plain}" in it`;
    }
  }
  return path.split('/').some((name) => Buffer.byteLength(name) > longestNameBytes)
    ? `has a name of more than ${longestNameBytes} bytes`
    : undefined;
}

/** The path as it is, and as whoever decodes it once more, or again, would read it. */
function* readings(path: string): Generator<string> {
  let reading = path;
  // Each decoding shortens the text, so this ends.
  for (;;) {
    yield reading;
    const decoded = reading.replaceAll(/%[0-9a-f]{2}/gi, (code) => String.fromCharCode(Number.parseInt(code.slice(1), 16)));
    if (decoded === reading) return;
    reading = decoded;
  }
}

export interface Place {
  readonly folder: string;
  readonly name: string;
}

/** A path as the folder that it stands in and its name there. */
export function placeOf(path: string): Place {
  const at = path.lastIndexOf('/');
  return at === -1 ? { folder: '', name: path } : { folder: path.slice(0, at), name: path.slice(at + 1) };
}

export function pathOf({ folder, name }: Place): string {
  return folder === '' ? name : `${folder}/${name}`;
}
