import { copyFile, mkdir, readdir, readFile, realpath, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import type { BlobStore } from '#blobs';
import { asSha256, GyreError } from '#core';
import type { Clock } from '#core';
import { byCodeUnits, isAbsent, lookAtOne } from './find-items.ts';
import type { KnownFile } from './items-store.ts';
import { known, smallBytes } from './known-files.ts';

/** Where items' outputs go: into the project's folder, their bytes into the blobs. */
export class OutputFiles {
  readonly #folder: string;
  readonly #blobs: BlobStore;
  readonly #clock: Clock;
  readonly #inside = new Set<string>();

  constructor(folder: string, blobs: BlobStore, clock: Clock) {
    this.#folder = folder;
    this.#blobs = blobs;
    this.#clock = clock;
  }

  /**
   * Takes over what a process wrote: stored durably first, then moved to its place, so that no half file ever lies there.
   * @param staged where the process wrote it; @param out its place, a folder when it ends in `/`
   * @throws GyreError FAILED_PRECONDITION when it was not written
   */
  async take(staged: string, out: string): Promise<readonly KnownFile[]> {
    const files = out.endsWith('/') ? await filesIn(staged, '') : [''];
    const taken: KnownFile[] = [];
    for (const file of files) taken.push(await this.#takeFile(join(staged, file), `${out}${file}`));
    return taken;
  }

  async #takeFile(staged: string, out: string): Promise<KnownFile> {
    const written = await lookAtOne('', staged);
    if (written === undefined) throw new GyreError('FAILED_PRECONDITION', `it ended well but did not write its output ${out}`, { out });
    const { digest } = await (written.size <= smallBytes ? this.#blobs.put(await readFile(staged)) : this.#blobs.putFile(staged));
    const target = await this.#place(out);
    await rename(staged, target).catch(async (error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === 'EXDEV')) throw error;
      // The data folder lies on another disk: the copy gets its name when it is whole.
      await copyFile(staged, `${target}.part`);
      await rename(`${target}.part`, target);
    });
    return this.#knownAt(out, digest);
  }

  /** Puts an output back as it was. @returns undefined when its bytes are kept no more */
  async restore({ path, sha256 }: KnownFile): Promise<KnownFile | undefined> {
    const digest = asSha256(sha256);
    if (!(await this.#blobs.renew(digest))) return undefined;
    const target = await this.#place(path);
    await writeFile(`${target}.part`, await this.#blobs.open(digest));
    await rename(`${target}.part`, target);
    return this.#knownAt(path, digest);
  }

  /** Takes outputs away, and the folders that are empty then. Fine where nothing is. */
  async remove(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      if (!(await this.#isInside(dirname(path)))) continue;
      await rm(join(this.#folder, path), { force: true });
      for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) {
        const isGone = await rmdir(join(this.#folder, parent)).then(
          () => true,
          () => false,
        );
        if (!isGone) break;
        this.#inside.delete(parent);
      }
    }
  }

  async #knownAt(path: string, sha256: string): Promise<KnownFile> {
    const seen = await lookAtOne(this.#folder, path);
    if (seen === undefined) throw new GyreError('ABORTED', `${path} went away as soon as it was written`, { path });
    return known(seen, sha256, this.#clock);
  }

  async #place(path: string): Promise<string> {
    const parent = dirname(path);
    if (!this.#inside.has(parent)) {
      let there = parent;
      while (there !== '.' && (await lookUp(join(this.#folder, there))) === undefined) there = dirname(there);
      if (!(await this.#isInside(there)))
        throw new GyreError('PERMISSION_DENIED', `${path} would be written outside of the project: a symbolic link leads there`, { path });
      await mkdir(join(this.#folder, parent), { recursive: true });
      this.#inside.add(parent);
    }
    return join(this.#folder, path);
  }

  /** Whether a folder is there and lies in the project, wherever symbolic links lead. */
  async #isInside(parent: string): Promise<boolean> {
    if (this.#inside.has(parent)) return true;
    const root = await realpath(this.#folder);
    const real = await lookUp(join(this.#folder, parent));
    const isInside = real !== undefined && (real === root || real.startsWith(root.endsWith(sep) ? root : `${root}${sep}`));
    if (isInside) this.#inside.add(parent);
    return isInside;
  }
}

function lookUp(path: string): Promise<string | undefined> {
  return realpath(path).catch((error: unknown) => {
    if (isAbsent(error)) return undefined;
    throw error;
  });
}

async function filesIn(folder: string, within: string): Promise<readonly string[]> {
  const files: string[] = [];
  for (const entry of await readdir(join(folder, within), { withFileTypes: true })) {
    const path = within === '' ? entry.name : `${within}/${entry.name}`;
    if (entry.isDirectory()) files.push(...(await filesIn(folder, path)));
    else files.push(path);
  }
  return files.sort(byCodeUnits);
}
