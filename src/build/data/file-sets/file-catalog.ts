import type { DatasetFile, DatasetVersion, VersionFiles } from '#contract';
import { GyreError } from '#core';
import { decodableFormats, formatOfName, usualLimits } from '#images';
import { cellOf } from '#tables';
import { keptThumbnail } from '../image-sets/kept-thumbnail.ts';
import { newestOpened } from '../newest-opened.ts';
import type { DataDeps } from '../port.ts';
import { maskedText } from '#contract';
import { findVersion, openRows } from '../versions.ts';
import { fileLocator, openFile } from './file-bytes.ts';
import type { FileCatalog, FileList } from './file-port.ts';
import { extensionOfPath } from './file-rows.ts';

/** What a version's rows have that are files, one each. */
const needed = ['path', 'size', 'sha256', 'md5'] as const;

/** Whether the rows of a version are files: of a folder of any kind, or of images. */
export function areFiles({ schema }: Pick<DatasetVersion, 'schema'>): boolean {
  return needed.every((name) => schema.columns.some((column) => column.name === name));
}

/** The files of a version, in the order of its rows; rows without a file are left out. @throws GyreError FAILED_PRECONDITION for a table */
export async function filesOf(deps: Pick<DataDeps, 'blobs'>, version: DatasetVersion): Promise<readonly DatasetFile[]> {
  if (!areFiles(version))
    throw new GyreError('FAILED_PRECONDITION', `dataset version ${version.digest} ("${version.dataset}") is a table, not made of files`);
  const frame = await openRows(deps, version, needed);
  const text = (name: string, row: number): string => String(cellOf(frame.column(name), 'string', row) ?? '');
  const sizes = frame.numbers('size');
  const { codes } = frame.texts('sha256');
  return [...codes.keys()].flatMap((row) =>
    codes[row] < 0 ? [] : [{ path: text('path', row), size: sizes[row], sha256: text('sha256', row), md5: text('md5', row) }],
  );
}

interface Opened {
  readonly files: readonly DatasetFile[];
  readonly bySha256: ReadonlyMap<string, DatasetFile>;
  readonly extensions: VersionFiles['extensions'];
}

const pathsShown = 5;

export function openFileCatalog(deps: DataDeps): FileCatalog {
  const open = newestOpened(deps, (version) => filesOf(deps, version).then(withFacts));
  return {
    list: async (name, options) => listOf(await open(name), options),
    file: async (name, sha256) => {
      const named = await findVersion(deps, name);
      if (!areFiles(named)) {
        const source = fileNamed(new Map(named.manifest.files.map((each) => [each.sha256, each])), named, sha256);
        return { path: source.path, sha256, size: source.size, bytes: await openFile(deps, source) };
      }
      const { bySha256, version } = await open(name);
      const file = fileNamed(bySha256, version, sha256);
      return { path: file.path, sha256, size: file.size, bytes: await openFile(deps, file) };
    },
    thumbnail: async (name, sha256, size) => {
      const { bySha256, version } = await open(name);
      const file = fileNamed(bySha256, version, sha256);
      return keptThumbnail(deps, { sha256: file.sha256, size }, async () => {
        if (file.size > usualLimits.bytes)
          throw new GyreError(
            'RESOURCE_EXHAUSTED',
            `${file.path} has ${file.size} bytes; pictures up to ${usualLimits.bytes} are made small`,
          );
        const bytes = await openFile(deps, file);
        return bytes instanceof Uint8Array ? bytes : Buffer.concat(await Array.fromAsync(bytes));
      });
    },
    missing: async (name) => {
      const { files } = await open(name);
      const isThere = fileLocator(deps);
      let missing = 0;
      const paths: string[] = [];
      for (const file of files) {
        if (await isThere(file)) continue;
        missing += 1;
        if (paths.length < pathsShown) paths.push(file.path);
      }
      return { files: files.length, missing, paths };
    },
  };
}

/** Only what a version names may be asked of it, whatever else is stored. */
function fileNamed(files: Opened['bySha256'], { digest }: DatasetVersion, sha256: string): DatasetFile {
  const file = files.get(sha256);
  if (file !== undefined) return file;
  throw new GyreError('NOT_FOUND', `dataset version ${digest} has no file ${sha256}`, { sha256 });
}

function withFacts(files: readonly DatasetFile[]): Opened {
  const bySha256 = new Map<string, DatasetFile>();
  const extensions = new Map<string, { files: number; bytes: number }>();
  for (const file of files) {
    if (!bySha256.has(file.sha256)) bySha256.set(file.sha256, file);
    const extension = extensionOfPath(file.path);
    const { files: count, bytes } = extensions.get(extension) ?? { files: 0, bytes: 0 };
    extensions.set(extension, { files: count + 1, bytes: bytes + file.size });
  }
  return {
    files,
    bySha256,
    extensions: [...extensions]
      .map(([extension, counts]) => ({ extension, ...counts }))
      .sort((one, other) => other.files - one.files || (one.extension < other.extension ? -1 : 1)),
  };
}

function listOf({ files, extensions }: Opened, options: FileList): VersionFiles {
  const { match, extension, limit = 100, after = '0', masked = new Set() } = options;
  const start = Number(after);
  if (!Number.isSafeInteger(start) || start < 0) throw new GyreError('INVALID_ARGUMENT', `"${after}" is no page token`, { after });
  const isHidden = masked.has('path');
  if (isHidden && (match !== undefined || extension !== undefined))
    throw new GyreError('PERMISSION_DENIED', 'column "path" is personal and masked for you: files cannot be selected by it');
  const wanted = match?.toLowerCase();
  const chosen =
    wanted === undefined && extension === undefined
      ? files
      : files.filter(
          ({ path }) =>
            (wanted === undefined || path.toLowerCase().includes(wanted)) &&
            (extension === undefined || extensionOfPath(path) === extension),
        );
  return {
    items: chosen.slice(start, start + limit).map((file) => ({
      ...file,
      path: isHidden ? maskedText : file.path,
      isPicture: isPicture(file.path),
    })),
    total: chosen.length,
    bytes: chosen.reduce((sum, { size }) => sum + size, 0),
    extensions: isHidden ? [] : extensions,
    masked: ['path', 'content', 'pixels'].filter((column) => masked.has(column)),
    ...(start + limit < chosen.length ? { next: String(start + limit) } : {}),
  };
}

/** Whether a thumbnail can be made of a file, by its name. */
function isPicture(path: string): boolean {
  const format = formatOfName(path);
  return format !== undefined && decodableFormats.some((each) => each === format);
}
