import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson } from '#core';
import { archiveOf, type ArchiveEntry } from './tar.ts';
import type { Layout } from './layout.ts';
import { indexType, type Descriptor } from './words.ts';

/**
 * One image of a layout as an archive that other tools take: `skopeo copy oci-archive:FILE …`, `podman load`. What refers to it stays behind: with several
 * manifests they would not know which one is meant. The same image gives the same bytes.
 * @param image as the layout names it
 */
export async function layoutArchive(layout: Layout, image: Descriptor): Promise<AsyncGenerator<Uint8Array>> {
  const { config, layers } = await layout.readManifest(image);
  const blobs = new Set([image, config, ...layers].map(({ digest }) => digest));
  const entries: ArchiveEntry[] = [
    { path: 'oci-layout', content: await readFile(join(layout.folder, 'oci-layout')) },
    { path: 'index.json', content: Buffer.from(canonicalJson({ schemaVersion: 2, mediaType: indexType, manifests: [image] })) },
    ...[...blobs].map((digest) => ({ path: `blobs/${digest.replace(':', '/')}`, content: { file: layout.pathOf(digest) } })),
  ];
  return archiveOf(entries);
}
