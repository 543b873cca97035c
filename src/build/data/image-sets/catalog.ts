import type { DatasetImage, DatasetImages, DatasetVersion, ThumbnailSize } from '#contract';
import { GyreError, asSha256, sha256 as sha256Of } from '#core';
import type { Sha256 } from '#core';
import { imageFormats } from '#images';
import type { ImageFormat } from '#images';
import type { Frame } from '#tables';
import { newestOpened } from '../newest-opened.ts';
import type { DataDeps } from '../port.ts';
import { openRows } from '../versions.ts';
import { maskedText } from '#contract';
import type { MaskedColumns } from '../masking.ts';
import { areImages } from './image-checks.ts';
import type { ImageChecks } from './image-checks.ts';
import { checksKeeper } from './image-divisions.ts';
import { valueAt } from './checks.ts';
import type { ImageCheck } from './checks.ts';
import type { ImageList, StoredImage } from './image-port.ts';
import { keptThumbnail } from './kept-thumbnail.ts';

/** The images of dataset versions, to be looked at. */
export interface ImageCatalog {
  list(version: string, options: ImageList): Promise<DatasetImages>;
  image(version: string, sha256: string): Promise<StoredImage>;
  thumbnail(version: string, sha256: string, size: ThumbnailSize): Promise<StoredImage>;
}

/** A version's rows with what is asked of them again and again. */
interface Opened {
  readonly frame: Frame;
  /** Digest → the format of its content; null where it is none that is known. */
  readonly formats: ReadonlyMap<string, ImageFormat | null>;
  readonly labels: DatasetImages['labels'];
  /** What was found of the images; found out again when a split has come. */
  readonly checks: () => Promise<ImageChecks>;
}

export function openImageCatalog(deps: DataDeps): ImageCatalog {
  const open = newestOpened(deps, (version) => openVersion(deps, version));
  /** Only what a version names may be asked of it, whatever else the blobs hold. */
  const named = async (name: string, sha256: string): Promise<{ digest: Sha256; format: ImageFormat | null }> => {
    const { formats, version } = await open(name);
    const format = formats.get(sha256);
    if (format === undefined) throw new GyreError('NOT_FOUND', `dataset version ${version.digest} has no image ${sha256}`, { sha256 });
    return { digest: asSha256(sha256), format };
  };
  return {
    list: async (name, options) => {
      const { frame, labels, checks } = await open(name);
      return listOf(frame, await checks(), labels, options);
    },
    image: async (name, sha256) => {
      const { digest, format } = await named(name, sha256);
      const size = (await deps.blobs.stat(digest))?.size;
      return { digest, format, bytes: await deps.blobs.open(digest), ...(size === undefined ? {} : { size }) };
    },
    thumbnail: async (name, sha256, size) => {
      const { digest } = await named(name, sha256);
      const bytes = await keptThumbnail(deps, { sha256: digest, size }, () => deps.blobs.read(digest));
      return { digest: asSha256(sha256Of(bytes)), format: 'jpeg', bytes };
    },
  };
}

async function openVersion(deps: DataDeps, version: DatasetVersion): Promise<Opened> {
  const frame = await openRows(deps, version);
  if (!areImages(frame))
    throw new GyreError('FAILED_PRECONDITION', `dataset version ${version.digest} ("${version.dataset}") is a table, not made of images`);
  const formats = new Map<string, ImageFormat | null>();
  const counts = new Map<string, number>();
  for (let row = 0; row < frame.rows; row++) {
    const [sha256, format, label] = [valueAt(frame, 'sha256', row), valueAt(frame, 'format', row), valueAt(frame, 'label', row)];
    if (sha256 !== null) formats.set(String(sha256), imageFormats.find((known) => known === format) ?? null);
    if (label !== null) counts.set(String(label), (counts.get(String(label)) ?? 0) + 1);
  }
  const labels = [...counts].sort(([one, many], [other, few]) => few - many || (one < other ? -1 : 1));
  return { frame, formats, labels: labels.map(([label, images]) => ({ label, images })), checks: checksKeeper(deps, version, frame) };
}

function listOf(frame: Frame, checks: ImageChecks, labels: DatasetImages['labels'], options: ImageList): DatasetImages {
  const { label, check: name, limit = 100, after = '0', masked = new Set() } = options;
  const start = Number(after);
  if (!Number.isSafeInteger(start) || start < 0) throw new GyreError('INVALID_ARGUMENT', `"${after}" is no page token`, { after });
  const all = Object.values(checks).flat();
  const check = name === undefined ? undefined : checkNamed(all, name);
  if (label !== undefined && masked.has('label'))
    throw new GyreError('PERMISSION_DENIED', 'column "label" is personal and masked for you: images cannot be selected by it');
  const positions = check === undefined ? [...Array(frame.rows).keys()] : [...check.rows.keys()];
  const rowAt = (position: number): number => check?.rows[position] ?? position;
  const { codes, dictionary } = frame.texts('label');
  const wanted = label === undefined ? undefined : dictionary.indexOf(label);
  const chosen = wanted === undefined ? positions : positions.filter((position) => wanted >= 0 && codes[rowAt(position)] === wanted);
  const items = chosen.slice(start, start + limit).map((position) => itemOf(frame, rowAt(position), check?.groups?.[position]));
  return {
    items: items.map((item) => shownItem(item, masked)),
    total: chosen.length,
    labels: masked.has('label') ? [] : labels,
    checks: all.flatMap(({ finding, rows }) => (rows.length === 0 ? [] : [{ name: finding.name, images: rows.length }])),
    masked: ['path', 'label', 'pixels'].filter((column) => masked.has(column)),
    ...(start + limit < chosen.length ? { next: String(start + limit) } : {}),
  };
}

function shownItem(item: DatasetImage, masked: MaskedColumns): DatasetImage {
  return {
    ...item,
    ...(masked.has('path') ? { path: maskedText } : {}),
    ...(masked.has('label') && item.label !== null ? { label: maskedText } : {}),
  };
}

function checkNamed(all: readonly ImageCheck[], name: string): ImageCheck {
  const found = all.find(({ finding }) => finding.name === name);
  if (found) return found;
  const names = all.map(({ finding }) => `"${finding.name}"`).join(', ');
  throw new GyreError('NOT_FOUND', `there is no check "${name}" on images; there are ${names}`, { check: name });
}

function itemOf(frame: Frame, row: number, group: number | undefined): DatasetImage {
  const text = (column: string): string | null => {
    const value = valueAt(frame, column, row);
    return value === null ? null : String(value);
  };
  const number = (column: string): number | null => {
    const value = frame.numbers(column)[row];
    return Number.isNaN(value) ? null : value;
  };
  return {
    row,
    path: text('path') ?? '',
    label: text('label'),
    sha256: text('sha256'),
    format: text('format'),
    width: number('width'),
    height: number('height'),
    problem: text('problem') ?? '',
    ...(group === undefined ? {} : { group }),
  };
}
