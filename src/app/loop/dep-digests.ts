import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TransformStep } from '#contract';
import { digestOf, GyreError } from '#core';

/**
 * The digests of what a command reads: of a file, its bytes; of a folder (`data/images/`), the paths and bytes of all its files.
 * @throws GyreError NOT_FOUND when one is not there
 */
export async function digestsOfDeps(folder: string, deps: readonly string[]): Promise<Readonly<Record<string, string>>> {
  const digests: Record<string, string> = {};
  for (const path of deps) digests[path] = await (path.endsWith('/') ? folderDigest(folder, path) : fileDigest(join(folder, path), path));
  return digests;
}

async function folderDigest(folder: string, path: string): Promise<string> {
  const entries = await readdir(join(folder, path), { withFileTypes: true, recursive: true }).catch((error: unknown) => {
    throw new GyreError('NOT_FOUND', `cannot list the folder ${path}`, { path }, { cause: error });
  });
  const files = entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
  const digests: (readonly [string, string])[] = [];
  for (const file of files.sort()) digests.push([file.slice(join(folder, path).length), await fileDigest(file, file)]);
  return digestOf(digests);
}

/** The SHA-256 of a file's bytes. @throws GyreError NOT_FOUND */
export async function fileDigest(path: string, asWritten: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  } catch (error) {
    throw new GyreError('NOT_FOUND', `cannot read the source ${asWritten} (${path})`, { path }, { cause: error });
  }
  return hash.digest('hex');
}

/** The network of a transform of pictures. @throws GyreError NOT_FOUND */
export async function readBackbone(folder: string, { transform: { image } }: TransformStep): Promise<{ readonly backbone?: Uint8Array }> {
  if (image === undefined) return {};
  try {
    return { backbone: await readFile(join(folder, image.backbone)) };
  } catch (error) {
    throw new GyreError('NOT_FOUND', `cannot read the network ${image.backbone}`, { path: image.backbone }, { cause: error });
  }
}
