import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { nothingDropped, sumDropped, surveySegment } from './segment.ts';
import type { Dropped } from './segment.ts';
import { finishedSuffix, openSuffix } from './spool-recovery.ts';

/** How much of a disk the log may take, and what happens then. */
export interface SpoolBound {
  /** Of finished and open segments together. */
  readonly maxBytes: number;
  /** `refuse`: nothing more is logged until somebody takes segments away. `drop_oldest`: the oldest finished segments are removed, and counted. */
  readonly whenFull: 'refuse' | 'drop_oldest';
}

export const usualBound: SpoolBound = { maxBytes: 2 * 1024 ** 3, whenFull: 'refuse' };

/** A log that several write into is read anew after each of them has written one of so many parts of what all may. */
const partsOfBound = 64;
/** While the log is full, it is looked this often whether somebody took segments away. */
const lookMs = 200;

interface FinishedSegment {
  readonly path: string;
  readonly bytes: number;
}

/** The finished segments of a log, as far as this process knows: whoever ships them takes them away behind its back. */
export class FinishedSegments {
  readonly #dir: string;
  readonly #isShared: boolean;
  #known: FinishedSegment[] = [];
  /** Of the finished segments, and of those that others have open. */
  #bytes = 0;
  #isFresh = false;
  /** Bytes that were written here since the folder was read. */
  #unread = 0;
  /** All that was dropped since the start. */
  #dropped: Dropped = nothingDropped;
  /** What no frame of the log says yet. */
  #unsaid: Dropped | undefined;

  /** @param isShared whether others write into the folder as well */
  constructor(dir: string, isShared = false) {
    this.#dir = dir;
    this.#isShared = isShared;
    this.look();
  }

  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#known.length;
  }

  get dropped(): Dropped {
    return this.#dropped;
  }

  add(path: string, bytes: number): void {
    this.#known.push({ path, bytes });
    this.#bytes += bytes;
  }

  /** Notes what was written into the open segment. */
  wrote(bytes: number): void {
    this.#unread += bytes;
  }

  /** What was dropped and is to be said in the log itself, once: so that whoever reads it knows of the gap. */
  takeUnsaid(): Dropped | undefined {
    const unsaid = this.#unsaid;
    this.#unsaid = undefined;
    return unsaid;
  }

  /** Brings back what `takeUnsaid` gave, when it could not be written. */
  keepUnsaid(dropped: Dropped): void {
    this.#unsaid = sumDropped(this.#unsaid ?? nothingDropped, dropped);
  }

  /** Whether so many bytes more have room; makes room where it may. */
  makeRoom(bytes: number, { maxBytes, whenFull }: SpoolBound, own?: string): boolean {
    // What others write meanwhile is not known: with n of them the bound is held to within n parts of so many.
    if (this.#isShared && this.#unread > maxBytes / partsOfBound) this.look(own);
    if (this.#bytes + bytes <= maxBytes) return true;
    if (!this.#isFresh) this.look(own);
    while (this.#bytes + bytes > maxBytes && whenFull === 'drop_oldest' && this.dropOldest());
    return this.#bytes + bytes <= maxBytes;
  }

  /** Removes the oldest finished segment. @returns false when there is none */
  dropOldest(): boolean {
    const oldest = this.#known.shift();
    if (oldest === undefined) return false;
    this.#bytes -= oldest.bytes;
    try {
      const { requests, dropped: gaps } = surveySegment(oldest.path);
      rmSync(oldest.path);
      const dropped = { segments: 1, requests, bytes: oldest.bytes };
      this.#dropped = sumDropped(this.#dropped, dropped);
      // What it said of gaps before it goes with it, and is said again.
      this.keepUnsaid(sumDropped(dropped, gaps));
    } catch (error) {
      // Taken away meanwhile by who ships it: then nothing is lost.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
    return true;
  }

  /**
   * Reads the folder anew, and not again for a moment: a log that is full is asked for room by every request.
   * @param own the segment that is open here, which whoever asks for room counts itself
   */
  look(own?: string): void {
    const known = new Map(this.#known.map((segment) => [segment.path, segment]));
    const paths = readdirSync(this.#dir)
      .sort()
      .map((name) => join(this.#dir, name));
    this.#known = paths.filter((path) => path.endsWith(finishedSuffix)).flatMap((path) => known.get(path) ?? sized(path));
    const open = this.#isShared ? paths.filter((path) => path.endsWith(openSuffix) && path !== own).flatMap(sized) : [];
    this.#bytes = [...this.#known, ...open].reduce((total, { bytes }) => total + bytes, 0);
    this.#isFresh = true;
    this.#unread = 0;
    setTimeout(() => (this.#isFresh = false), lookMs).unref();
  }
}

function sized(path: string): readonly FinishedSegment[] {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? [] : [{ path, bytes: found.size }];
}
