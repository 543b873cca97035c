import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GyreError } from '#core';
import type { Bench } from './testing.ts';

const photos = join(import.meta.dirname, '../../foundation/images/fixtures');

export interface ImageRecords {
  /** Digest of the dataset version. */
  readonly version: string;
  /** Of a photo. */
  readonly sha256: string;
  /** Of what calls itself an image and is a program. */
  readonly svg: string;
}

/** A dataset of three photos and an SVG. @param personal columns of a second dataset, "secret", that its schema tags as personal */
export async function ingestImages({ deps }: Bench, personal: readonly string[] = []): Promise<ImageRecords & { readonly secret: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'gyre-api-images-'));
  try {
    await cp(photos, join(folder, 'photo'), { recursive: true });
    await writeFile(join(folder, 'photo', 'z.svg'), '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>');
    const by = { identity: 'ada', name: 'Ada' };
    const { version } = await deps.data.ingestImages({ dataset: 'photos', folder, source: 'photos/', by });
    const { items } = await deps.data.images.list(version.digest, {});
    const [sha256, svg] = ['photo/hat.jpg', 'photo/z.svg'].map((name) => items.find(({ path }) => path === name)?.sha256 ?? undefined);
    if (sha256 === undefined || svg === undefined) throw new GyreError('INTERNAL', 'the photos are not in their version');
    const columns = version.schema.columns.map((column) => (personal.includes(column.name) ? { ...column, personal: true } : column));
    const expect = { ...version.schema, columns };
    // the same content would be the same version
    await rm(join(folder, 'photo', 'shoes.jpg'));
    const secret = await deps.data.ingestImages({ dataset: 'secret', folder, source: 'photos/', expect, by });
    return { version: version.digest, sha256, svg, secret: secret.version.digest };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
