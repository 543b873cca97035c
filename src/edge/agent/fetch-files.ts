import type { PackageFile, ReleaseManifest } from '#contract';
import { asSha256, GyreError, hasCode } from '#core';
import type { AgentDeps, Contact } from './port.ts';

/** The files that a manifest names, each once. */
export function filesOf({ models, warm = [] }: Pick<ReleaseManifest, 'models' | 'warm'>): readonly PackageFile[] {
  const files = [...models, ...warm].flatMap((model) => model.files);
  return [...new Map(files.map((file) => [file.digest, file])).values()];
}

/**
 * Those that are not there yet.
 * @param distrust reads those that are there and lets go of what is not what its name says
 */
export async function missingFiles(
  blobs: AgentDeps['blobs'],
  files: readonly PackageFile[],
  distrust: boolean,
): Promise<readonly PackageFile[]> {
  const missing: PackageFile[] = [];
  for (const file of files) {
    const digest = asSha256(file.digest);
    if (distrust)
      await blobs.verify(digest).catch(async (error: unknown) => {
        if (hasCode(error, 'DATA_LOSS')) await blobs.delete(digest);
      });
    if (!(await blobs.has(digest))) missing.push(file);
  }
  return missing;
}

/**
 * Fetches files. One is there whole or not at all; what has come stays for the next try.
 * @throws GyreError DATA_LOSS for bytes that are not those of the manifest, UNAVAILABLE when the platform goes away, RESOURCE_EXHAUSTED for a full disk
 */
export async function fetchFiles(blobs: AgentDeps['blobs'], contact: Contact, files: readonly PackageFile[]): Promise<void> {
  for (const file of files) {
    const bytes = await contact.bytes(`files/${file.digest}`);
    const { digest, size } = await blobs.put(limited(bytes, file));
    if (digest === file.digest) continue;
    await blobs.delete(digest);
    throw new GyreError(
      'DATA_LOSS',
      `${file.path} came with other bytes than the manifest names: ${size} bytes with SHA-256 ${digest}, not ${file.size} with ${file.digest}`,
    );
  }
}

async function* limited(bytes: AsyncIterable<Uint8Array>, { path, size }: PackageFile): AsyncIterable<Uint8Array> {
  let taken = 0;
  for await (const chunk of bytes) {
    taken += chunk.byteLength;
    if (taken > size) throw new GyreError('DATA_LOSS', `${path} came with more bytes than the ${size} that the manifest names`);
    yield chunk;
  }
}
