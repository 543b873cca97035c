import { GyreError, asSha256 } from '#core';
import type { Sha256 } from '#core';
import { cellOf } from '#tables';
import type { Frame } from '#tables';

/**
 * The SHA-256 of each row's picture, by which its bytes lie among the blobs.
 * @throws GyreError INVALID_ARGUMENT when the rows are none of a folder of images, or a picture is missing or cannot be decoded
 */
export function pictureDigests(frame: Frame): readonly Sha256[] {
  if (!frame.has('sha256') || frame.column('sha256').kind !== 'text')
    throw new GyreError(
      'INVALID_ARGUMENT',
      'the rows have no column "sha256", which names pictures: their dataset must be a folder of images',
    );
  const { codes, dictionary } = frame.texts('sha256');
  const readable = frame.has('readable') ? frame.numbers('readable') : undefined;
  const bad = codes.findIndex((code, row) => code < 0 || readable?.[row] === 0);
  if (bad < 0) return Array.from(codes, (code) => asSha256(dictionary[code]));
  const count = codes.reduce((sum, code, row) => sum + (code < 0 || readable?.[row] === 0 ? 1 : 0), 0);
  const said = (name: string): string => (frame.has(name) ? String(cellOf(frame.column(name), frame.typeOf(name), bad) ?? '') : '');
  throw new GyreError(
    'INVALID_ARGUMENT',
    `${count} of ${frame.rows} rows have no picture that can be decoded, the first is row ${bad} (${said('path')}: ${said('problem') || 'it is missing'}): take them out of the folder, or set them aside with "quality: { quarantine: true }"`,
    { rows: count, row: bad },
  );
}
