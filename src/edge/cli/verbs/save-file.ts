import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ModelVersion } from '#contract';
import { GyreError } from '#core';
import type { Client } from '../client.ts';

/** Saves one file of a version's package in a folder. @throws GyreError DATA_LOSS when it would lie outside */
export async function saveFile(client: Client, { model, version }: ModelVersion, path: string, folder: string): Promise<void> {
  const place = join(folder, path);
  if (!place.startsWith(`${folder}${sep}`)) throw new GyreError('DATA_LOSS', `the package names a file outside of itself: ${path}`);
  const address = `models/${encodeURIComponent(model)}/versions/${version}/files/${path.split('/').map(encodeURIComponent).join('/')}`;
  await mkdir(dirname(place), { recursive: true });
  await pipeline(await client.download(address), createWriteStream(place));
}
