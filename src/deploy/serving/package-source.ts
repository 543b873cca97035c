import { readdir, readFile } from 'node:fs/promises';
import { basename, join, relative, resolve, sep } from 'node:path';
import { Check } from 'typebox/schema';
import { parse } from 'yaml';
import { mlModelFacts, Signature } from '#contract';
import type { ManifestModel, PackageFile } from '#contract';
import { asSha256, GyreError, messageOf, sha256 } from '#core';
import type { BlobStore } from '#blobs';
import { firstProblem } from './manifest.ts';

/** Where the files of packages come from; what is read has the digest that the manifest names. */
export interface PackageSource {
  /** @throws GyreError NOT_FOUND when it is not there, DATA_LOSS when its bytes have another digest */
  read(file: PackageFile): Promise<Uint8Array>;
}

/** Packages whose files lie in a blob store, which checks digests itself. */
export function blobSource(blobs: Pick<BlobStore, 'read'>): PackageSource {
  return {
    read: (file) => blobs.read(asSha256(file.digest)),
  };
}

/** @throws GyreError DATA_LOSS when these are not the bytes that the manifest names */
export function requireDigest(file: PackageFile, bytes: Uint8Array): Uint8Array {
  const found = sha256(bytes);
  if (found !== file.digest) {
    throw new GyreError('DATA_LOSS', `${file.path} is corrupt: its SHA-256 is ${found}, the manifest says ${file.digest}`, {
      path: file.path,
      expected: file.digest,
      found,
    });
  }
  return bytes;
}

/** Members of a package that say which model it holds; each may be absent. */
const identityFile = 'evidence.json';

/** What a package folder holds. */
export interface FolderPackage {
  readonly name: string;
  readonly signature: Signature;
  /** Of a model that has no graph. */
  readonly python?: NonNullable<ManifestModel['python']>;
  /** With paths relative to the folder. */
  readonly files: readonly PackageFile[];
}

/**
 * Reads what a package folder holds, as `gyre model pull` writes it.
 * @param folder holds `model.onnx` and `signature.json`, or without a graph an `MLmodel` file that names a Python flavour
 * @param name what the model is called; default: the name in `evidence.json`, else the folder's
 * @throws GyreError NOT_FOUND when there is no such folder, INVALID_ARGUMENT when it is no model package
 */
export async function packageOfFolder(folder: string, name?: string): Promise<FolderPackage> {
  const files = await listFiles(folder);
  const has = (path: string): boolean => files.some((file) => file.path === path);
  const named = (evidence?: unknown): string =>
    name ?? textMember(evidence, 'model') ?? (basename(resolve(folder)).replaceAll(/[^A-Za-z0-9._-]/g, '-') || 'model');
  const evidence = has(identityFile) ? await readJson(join(folder, identityFile)) : undefined;
  const python = has('model.onnx') ? undefined : await pythonIn(folder, files);
  if (python !== undefined) return { name: named(evidence), files, ...python };
  for (const needed of ['model.onnx', 'signature.json']) {
    if (!has(needed)) throw new GyreError('INVALID_ARGUMENT', `${folder} is no model package: it has no ${needed}`, { folder });
  }
  return { name: named(evidence), signature: await ownSignature(folder), files };
}

async function ownSignature(folder: string): Promise<Signature> {
  const signature = await readJson(join(folder, 'signature.json'));
  if (Check(Signature, signature)) return signature;
  throw new GyreError('INVALID_ARGUMENT', `${join(folder, 'signature.json')}: ${firstProblem(Signature, signature)}`, { folder });
}

/** @returns undefined for a folder whose model Python does not load either */
async function pythonIn(
  folder: string,
  files: readonly PackageFile[],
): Promise<(Pick<FolderPackage, 'signature'> & Required<Pick<FolderPackage, 'python'>>) | undefined> {
  for (const part of ['', 'brought/']) {
    if (!files.some(({ path }) => path === `${part}MLmodel`)) continue;
    const facts = mlModelFacts(parse(await readFile(join(folder, part, 'MLmodel'), 'utf8'), { version: '1.1', maxAliasCount: 100 }));
    if (facts?.python === undefined) continue;
    const own = files.some(({ path }) => path === 'signature.json');
    return {
      python: { folder: part },
      signature: own ? await ownSignature(folder) : (facts.signature ?? { inputs: [], outputs: [], classes: [] }),
    };
  }
  return undefined;
}

async function listFiles(folder: string): Promise<PackageFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    throw new GyreError('NOT_FOUND', `the folder ${folder} cannot be read: ${messageOf(error)}`, { folder }, { cause: error });
  });
  const files: PackageFile[] = [];
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const full = join(entry.parentPath, entry.name);
    const bytes = await readFile(full);
    files.push({ path: relative(folder, full).replaceAll(sep, '/'), digest: sha256(bytes), size: bytes.length });
  }
  return files.sort((left, right) => (left.path < right.path ? -1 : 1));
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new GyreError('INVALID_ARGUMENT', `${file} is no JSON: ${messageOf(error)}`, { file }, { cause: error });
  }
}

function textMember(value: unknown, key: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const member: unknown = Reflect.get(value, key);
  return typeof member === 'string' ? member : undefined;
}
