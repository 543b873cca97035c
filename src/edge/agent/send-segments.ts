import { rename, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import { hasCode, messageOf } from '#core';
import { readSegment } from '#serving';
import type { Contact } from './port.ts';

const partRows = 5000;
/** Of what is the same at each try. */
const damaged = ['DATA_LOSS', 'INVALID_ARGUMENT', 'OUT_OF_RANGE'] as const;

/**
 * Sends finished segments of the prediction log and removes what is filed. A segment's name and part name its predictions once and for all: what
 * is sent twice is filed once. One that cannot be read, or that the platform does not take as it is, is set aside under another name.
 * @param say told of what is set aside
 * @throws GyreError UNAVAILABLE when the platform is away; what was not sent stays
 */
export async function sendSegments(contact: Contact, paths: readonly string[], say: (line: string) => void): Promise<void> {
  for (const path of paths)
    await sendSegment(contact, path).catch(async (error: unknown) => {
      if (!damaged.some((code) => hasCode(error, code))) throw error;
      await rename(path, `${path}.damaged`);
      say(`a part of the prediction log cannot be sent: ${messageOf(error)}; it is kept as ${path}.damaged`);
    });
}

async function sendSegment(contact: Contact, path: string): Promise<void> {
  const segment = await readSegment(path).catch((error: unknown) => {
    // A log that is full gave way to newer segments: those say what is missing.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (segment === undefined) return;
  const { predictions, dropped } = segment;
  const name = basename(path);
  const parts = Math.max(1, Math.ceil(predictions.length / partRows));
  for (let part = 0; part < parts; part++)
    await contact.post('predictions', {
      segment: part === 0 ? name : `${name}.${part}`,
      predictions: predictions.slice(part * partRows, (part + 1) * partRows),
      ...(part === 0 && dropped.requests > 0 ? { dropped: dropped.requests } : {}),
    });
  await rm(path, { force: true });
}
