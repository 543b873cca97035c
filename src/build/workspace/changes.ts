import { comparePaths, md5At, sortedManifest } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import type { Changes } from './port.ts';

/**
 * What differs between two listings, by one walk along both. A file that went and one that came with the same content are one that was renamed,
 * each at most once.
 */
export function changesBetween(from: Manifest, to: Manifest): Changes {
  const added: number[] = [];
  const removed: number[] = [];
  const modified: string[] = [];
  let [a, b] = [0, 0];
  while (a < from.paths.length || b < to.paths.length) {
    const order = a >= from.paths.length ? 1 : b >= to.paths.length ? -1 : comparePaths(from.paths[a], to.paths[b]);
    if (order < 0) removed.push(a++);
    else if (order > 0) added.push(b++);
    else {
      if (from.md5s.compare(to.md5s, b * 16, b * 16 + 16, a * 16, a * 16 + 16) !== 0) modified.push(to.paths[b]);
      a += 1;
      b += 1;
    }
  }
  const gone = new Map<string, number[]>();
  for (const position of removed.toReversed()) {
    const md5 = md5At(from, position);
    gone.set(md5, [...(gone.get(md5) ?? []), position]);
  }
  const renamed: { from: string; to: string }[] = [];
  const left = new Set(removed);
  const fresh = added.filter((position) => {
    const source = gone.get(md5At(to, position))?.pop();
    if (source === undefined) return true;
    left.delete(source);
    renamed.push({ from: from.paths[source], to: to.paths[position] });
    return false;
  });
  return {
    added: fresh.map((position) => to.paths[position]),
    removed: removed.filter((position) => left.has(position)).map((position) => from.paths[position]),
    modified,
    renamed,
  };
}

export function isEmpty({ added, removed, modified, renamed }: Changes): boolean {
  return added.length + removed.length + modified.length + renamed.length === 0;
}

/** A file by path and content, wherever it is listed. */
export interface ListedFile {
  readonly path: string;
  /** In hex. */
  readonly md5: string;
}

/** As `changesBetween`, for files in any order. */
export function changesOfFiles(from: readonly ListedFile[], to: readonly ListedFile[]): Changes {
  const [before, after] = [from, to].map((files) =>
    sortedManifest(
      files.map(({ path }) => path),
      Buffer.from(files.map(({ md5 }) => md5).join(''), 'hex'),
    ),
  );
  return changesBetween(before, after);
}
