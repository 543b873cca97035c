import { copyFile, mkdir, open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Faults } from '#core';
import { namesIn } from './layout.ts';

/** Makes what was written to a file, or the names in a folder, durable. */
export async function syncPath(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Gives a file that is written its name, once its bytes are on the disk. */
export async function nameDurably(from: string, to: string, faults: Faults): Promise<void> {
  faults.at('file.write');
  await syncPath(from);
  faults.at('file.fsync');
  await rename(from, to);
  await syncPath(dirname(to));
  faults.at('file.rename');
}

export async function copyDurably(from: string, to: string, faults: Faults): Promise<void> {
  await copyFile(from, `${to}.part`);
  await nameDurably(`${to}.part`, to, faults);
}

/** Copies the files of a folder that has no folders. */
export async function copyFiles(from: string, to: string, faults: Faults): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o700 });
  for (const name of await namesIn(from)) await copyDurably(join(from, name), join(to, name), faults);
}
