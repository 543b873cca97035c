import { fieldsOf, signedOf } from '../protobuf.ts';
import { leavesOf, parsedJson } from '../values.ts';
import type { Leaf } from '../values.ts';

/*
 * Records of wandb's files, as wandb/proto/wandb_internal.proto (wandb 0.31) numbers their fields; what is not read here is passed over.
 */

/** A key with the values below it, one for each leaf. */
export interface WandbItem {
  readonly key: string;
  readonly leaves: readonly Leaf[];
}

export interface WandbRun {
  readonly kind: 'run';
  readonly id: string;
  readonly project: string;
  readonly name: string;
  readonly group: string;
  readonly jobType: string;
  readonly notes: string;
  readonly tags: readonly string[];
  readonly sweep: string;
  readonly host: string;
  readonly commit: string;
  readonly repository: string;
  /** UTC milliseconds. */
  readonly startedAt?: number;
  readonly config: WandbChange;
}

/** What changed of the configuration or the summary. */
export interface WandbChange {
  readonly update: readonly WandbItem[];
  readonly remove: readonly string[];
}

export interface WandbArtifactFile {
  readonly path: string;
  /** Where wandb keeps a copy of it, on the machine of the run. */
  readonly local: string;
  readonly size: number;
}

export type WandbRecord =
  | WandbRun
  | { readonly kind: 'history'; readonly step?: number; readonly items: readonly WandbItem[] }
  | ({ readonly kind: 'summary' | 'config' } & WandbChange)
  | { readonly kind: 'system'; readonly timestamp: number; readonly items: readonly WandbItem[] }
  | { readonly kind: 'environment'; readonly program: string; readonly user: string; readonly commit: string; readonly repository: string }
  | { readonly kind: 'artifact'; readonly name: string; readonly type: string; readonly files: readonly WandbArtifactFile[] }
  | { readonly kind: 'exit'; readonly code: number; readonly runtimeSeconds: number };

/** @returns undefined for a record of a kind that is not taken. @throws RangeError when the bytes are no record */
export function readRecord(bytes: Uint8Array): WandbRecord | undefined {
  for (const { number, bytes: inner } of fieldsOf(bytes)) {
    const read = readers[number];
    if (read !== undefined) return read(inner);
  }
  return undefined;
}

const readers: Readonly<Record<number, (bytes: Buffer) => WandbRecord>> = {
  2: readHistory,
  3: (bytes) => ({ kind: 'summary', ...readChange(bytes) }),
  5: (bytes) => ({ kind: 'config', ...readChange(bytes) }),
  7: readSystem,
  8: readArtifact,
  17: readRun,
  18: readExit,
  26: readEnvironment,
};

function readRun(bytes: Buffer): WandbRun {
  const text = new Map<number, string>();
  const tags: string[] = [];
  let config: WandbChange = { update: [], remove: [] };
  let git = { repository: '', commit: '' };
  let startedAt: number | undefined;
  for (const { number, bytes: inner } of fieldsOf(bytes)) {
    if (number === 4) config = readChange(inner);
    else if (number === 10) tags.push(inner.toString('utf8'));
    else if (number === 17) startedAt = readTimestamp(inner);
    else if (number === 21) git = readGit(inner);
    else text.set(number, inner.toString('utf8'));
  }
  const of = (number: number): string => text.get(number) ?? '';
  return {
    kind: 'run',
    id: of(1),
    project: of(3),
    group: of(6),
    jobType: of(7),
    name: of(8),
    notes: of(9),
    sweep: of(12),
    host: of(13),
    tags,
    ...git,
    ...(startedAt === undefined ? {} : { startedAt }),
    config,
  };
}

function readHistory(bytes: Buffer): WandbRecord {
  const items: WandbItem[] = [];
  let step: number | undefined;
  for (const { number, bytes: inner } of fieldsOf(bytes)) {
    if (number === 1) items.push(readItem(inner));
    else if (number === 2) {
      step = 0;
      for (const field of fieldsOf(inner)) if (field.number === 1) step = signedOf(field.bits);
    }
  }
  return { kind: 'history', items: valuesOf(items), ...(step === undefined ? {} : { step }) };
}

function readChange(bytes: Buffer): WandbChange {
  const update: WandbItem[] = [];
  const remove: string[] = [];
  for (const { number, bytes: inner } of fieldsOf(bytes)) {
    if (number === 1) update.push(readItem(inner));
    else if (number === 2) remove.push(readItem(inner).key);
  }
  return { update: valuesOf(update), remove };
}

/** Pictures, tables and the like stand as members of an object with a `_type`: their files are taken, these members are no values. */
function valuesOf(items: readonly WandbItem[]): readonly WandbItem[] {
  const things = items.flatMap(({ key }) => (key.endsWith(thingMark) ? [key.slice(0, 1 - thingMark.length)] : []));
  return things.length === 0 ? items : items.filter(({ key }) => !things.some((thing) => key.startsWith(thing)));
}

const thingMark = '._type';

/** An item of history, configuration, summary or system metrics: a key, plain or as its parts, and JSON. */
function readItem(bytes: Buffer): WandbItem {
  let key = '';
  const nested: string[] = [];
  let json = '';
  for (const { number, bytes: inner } of fieldsOf(bytes)) {
    if (number === 1) key = inner.toString('utf8');
    else if (number === 2) nested.push(inner.toString('utf8'));
    else if (number === 16) json = inner.toString('utf8');
  }
  const name = key === '' ? nested.join('.') : key;
  return { key: name, leaves: json === '' ? [] : leavesOf(name, parsedJson(json), '.') };
}

function readSystem(bytes: Buffer): WandbRecord {
  const items: WandbItem[] = [];
  let timestamp = 0;
  for (const { number, bytes: inner } of fieldsOf(bytes)) {
    if (number === 2) timestamp = readTimestamp(inner);
    else if (number === 3) items.push(readItem(inner));
  }
  return { kind: 'system', timestamp, items };
}

function readArtifact(bytes: Buffer): WandbRecord {
  let name = '';
  let type = '';
  const files: WandbArtifactFile[] = [];
  for (const { number, bytes: inner } of fieldsOf(bytes)) {
    if (number === 4) type = inner.toString('utf8');
    else if (number === 5) name = inner.toString('utf8');
    else if (number === 12) for (const field of fieldsOf(inner)) if (field.number === 4) files.push(readArtifactFile(field.bytes));
  }
  return { kind: 'artifact', name, type, files };
}

function readArtifactFile(bytes: Buffer): WandbArtifactFile {
  let path = '';
  let local = '';
  let size = 0;
  for (const { number, bits, bytes: inner } of fieldsOf(bytes)) {
    if (number === 1) path = inner.toString('utf8');
    else if (number === 4) size = signedOf(bits);
    else if (number === 6) local = inner.toString('utf8');
  }
  return { path, local, size };
}

function readEnvironment(bytes: Buffer): WandbRecord {
  let program = '';
  let user = '';
  let git = { repository: '', commit: '' };
  for (const { number, bytes: inner } of fieldsOf(bytes)) {
    if (number === 6) program = inner.toString('utf8');
    else if (number === 9) git = readGit(inner);
    else if (number === 13) user = inner.toString('utf8');
  }
  return { kind: 'environment', program, user, ...git };
}

function readGit(bytes: Buffer): { readonly repository: string; readonly commit: string } {
  let repository = '';
  let commit = '';
  for (const { number, bytes: inner } of fieldsOf(bytes)) {
    if (number === 1) repository = inner.toString('utf8');
    else if (number === 2) commit = inner.toString('utf8');
  }
  return { repository, commit };
}

function readExit(bytes: Buffer): WandbRecord {
  let code = 0;
  let runtimeSeconds = 0;
  for (const { number, bits } of fieldsOf(bytes)) {
    if (number === 1) code = signedOf(bits);
    else if (number === 2) runtimeSeconds = signedOf(bits);
  }
  return { kind: 'exit', code, runtimeSeconds };
}

/** google.protobuf.Timestamp in UTC milliseconds. */
function readTimestamp(bytes: Buffer): number {
  let seconds = 0;
  let nanos = 0;
  for (const { number, bits } of fieldsOf(bytes)) {
    if (number === 1) seconds = signedOf(bits);
    else if (number === 2) nanos = signedOf(bits);
  }
  return seconds * 1000 + Math.round(nanos / 1e6);
}
