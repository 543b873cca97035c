import { closeSync, ftruncateSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { GyreError, hasCode, messageOf, noFaults } from '#core';
import type { NewId, Faults } from '#core';
import { framesOf, segmentHeader } from './segment.ts';
import type { Dropped, DroppedFrame } from './segment.ts';
import { FinishedSegments, usualBound } from './spool-bound.ts';
import type { SpoolBound } from './spool-bound.ts';
import { finishedSuffix, nothingRecovered, openSuffix, ownerName, recoverSegment } from './spool-recovery.ts';
import type { Recovered } from './spool-recovery.ts';

export interface SpoolOptions {
  /** Made when missing. */
  readonly dir: string;
  /** UUIDv7: segments sort by their names in the order of time. */
  readonly newId: NewId;
  /** A segment that has grown to this is finished. Default 8 MiB. */
  readonly maxSegmentBytes?: number;
  /** A segment that is this old is finished. Default 60,000. */
  readonly maxSegmentMs?: number;
  /** Whether others of this process write into the same folder: what they take of the disk counts too, to within a 64th of the bound for each. */
  readonly isShared?: boolean;
  readonly faults?: Faults;
}

export interface SpoolFigures {
  readonly frames: number;
  readonly bytes: number;
  readonly failures: number;
  /** Finished segments that nobody has taken away, as far as is known: they are taken away by others. */
  readonly segments: number;
  /** Of finished and open segments on the disk, as far as is known. */
  readonly diskBytes: number;
  /** What was removed unread since the start, because the log may take no more of the disk. */
  readonly dropped: Dropped;
  /** What the start found left open by processes that died. */
  readonly recovered: Recovered;
}

interface OpenSegment {
  readonly fd: number;
  readonly path: string;
  readonly finished: string;
  readonly timer: NodeJS.Timeout;
  size: number;
}

interface Waiting {
  readonly payload: string;
  readonly done: (fault?: GyreError) => void;
}

/**
 * The prediction log on this disk, kept by append. What `append` promised is in the kernel's hands: it survives the death of the process
 * (kill -9), not a power cut. Frames of answers that were ready at the same moment go out in one write.
 * It takes no more of the disk than `bound` says.
 * One file is open at a time, named `<id>.<owner>.open`; finished, it is `<id>.seg`, never changes, and belongs to whoever takes it away.
 */
export class Spool implements AsyncDisposable {
  readonly dir: string;
  readonly #options: SpoolOptions;
  readonly #faults: Faults;
  readonly #recovered: Recovered;
  readonly #finished: FinishedSegments;
  #bound: SpoolBound = usualBound;
  #open: OpenSegment | undefined;
  #waiting: Waiting[] = [];
  #isScheduled = false;
  #frames = 0;
  #bytes = 0;
  #failures = 0;

  private constructor(options: SpoolOptions, recovered: Recovered) {
    this.dir = options.dir;
    this.#options = options;
    this.#recovered = recovered;
    this.#finished = new FinishedSegments(options.dir, options.isShared === true);
    this.#faults = options.faults ?? noFaults;
  }

  /**
   * Opens the log, and finishes segments that dead processes left open, each cut behind its last whole frame.
   * @throws GyreError PERMISSION_DENIED when the folder cannot be written
   */
  static async open(options: SpoolOptions): Promise<Spool> {
    try {
      await mkdir(options.dir, { recursive: true });
      const names = await readdir(options.dir);
      let recovered = nothingRecovered;
      for (const name of names.filter((entry) => entry.endsWith(openSuffix))) {
        const { segments, requests, cutBytes } = await recoverSegment(options.dir, name);
        recovered = {
          segments: recovered.segments + segments,
          requests: recovered.requests + requests,
          cutBytes: recovered.cutBytes + cutBytes,
        };
      }
      return new Spool(options, recovered);
    } catch (error) {
      throw new GyreError(
        'PERMISSION_DENIED',
        `the prediction log ${options.dir} cannot be used: ${messageOf(error)}`,
        {},
        { cause: error },
      );
    }
  }

  get figures(): SpoolFigures {
    return {
      frames: this.#frames,
      bytes: this.#bytes,
      failures: this.#failures,
      segments: this.#finished.count,
      diskBytes: this.#finished.bytes + (this.#open?.size ?? 0),
      dropped: this.#finished.dropped,
      recovered: this.#recovered,
    };
  }

  /** How much of the disk it may take from now on, and what happens then. Default: 2 GiB, and then it refuses. */
  set bound(bound: SpoolBound) {
    this.#bound = bound;
  }

  /**
   * Logs one answered request; resolves when the write returned.
   * @param payload a LoggedRequest as JSON
   * @throws GyreError RESOURCE_EXHAUSTED when the disk is full or the log as large as it may be, UNAVAILABLE when the file cannot be written; nothing of it stays behind
   */
  append(payload: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.appendSoon(payload, (fault) => {
        if (fault === undefined) resolve();
        else reject(fault);
      });
    });
  }

  /** As `append`. @param done called once: when the write returned, or with what `append` would throw */
  appendSoon(payload: string, done: (fault?: GyreError) => void): void {
    this.#waiting.push({ payload, done });
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // After the poll phase: by then every request that had arrived, on whichever socket, has queued its frame.
    setImmediate(() => this.#write());
  }

  #write(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#isScheduled = false;
    if (waiting.length === 0) return;
    try {
      const size = this.#put(framesOf(waiting.map(({ payload }) => payload)));
      this.#faults.at('file.write');
      this.#frames += waiting.length;
      this.#bytes += size;
      this.#finished.wrote(size);
      if ((this.#open?.size ?? 0) >= (this.#options.maxSegmentBytes ?? 8 * 1024 * 1024)) this.#finish();
    } catch (error) {
      this.#failures += waiting.length;
      const full = isDiskFull(error) || hasCode(error, 'RESOURCE_EXHAUSTED');
      const fault = new GyreError(
        full ? 'RESOURCE_EXHAUSTED' : 'UNAVAILABLE',
        `the prediction log ${this.dir} cannot be written: ${messageOf(error)}`,
        { dir: this.dir },
        { cause: error },
      );
      tell(waiting, fault);
      return;
    }
    tell(waiting);
  }

  /** Writes frames behind each other, when there is room for all of them. @returns their bytes */
  #put(frames: Buffer): number {
    const wanted = frames.length;
    const { maxBytes } = this.#bound;
    if (!this.#finished.makeRoom((this.#open?.size ?? segmentHeader.length) + wanted, this.#bound, this.#open?.path)) {
      // What is open counts too: finished, it can be shipped or dropped.
      this.#finish();
      if (!this.#finished.makeRoom(segmentHeader.length + wanted, this.#bound))
        throw new GyreError('RESOURCE_EXHAUSTED', `it takes ${maxBytes} bytes, which is all that it may; ship or remove segments`, {
          maxBytes,
        });
    }
    for (;;) {
      const dropped = this.#finished.takeUnsaid();
      try {
        const segment = (this.#open ??= this.#begin());
        const gap = dropped === undefined ? undefined : framesOf([JSON.stringify({ dropped } satisfies DroppedFrame)]);
        return appendWhole(segment, gap === undefined ? frames : Buffer.concat([gap, frames]));
      } catch (error) {
        if (dropped !== undefined) this.#finished.keepUnsaid(dropped);
        // A disk that others fill: the log gives way as far as it may.
        if (this.#bound.whenFull === 'refuse' || !isDiskFull(error) || !this.#finished.dropOldest()) throw error;
      }
    }
  }

  #begin(): OpenSegment {
    const id = this.#options.newId();
    const path = join(this.dir, `${id}.${ownerName(process.pid)}${openSuffix}`);
    const fd = openSync(path, 'ax', 0o600);
    const timer = setTimeout(() => this.#finish(), this.#options.maxSegmentMs ?? 60_000);
    timer.unref();
    const segment: OpenSegment = { fd, path, finished: join(this.dir, `${id}${finishedSuffix}`), timer, size: 0 };
    try {
      appendWhole(segment, segmentHeader);
    } catch (error) {
      clearTimeout(timer);
      closeSync(fd);
      unlinkSync(path);
      throw error;
    }
    return segment;
  }

  #finish(): void {
    const segment = this.#open;
    if (segment === undefined) return;
    this.#open = undefined;
    clearTimeout(segment.timer);
    closeSync(segment.fd);
    if (segment.size > segmentHeader.length) {
      renameSync(segment.path, segment.finished);
      this.#faults.at('file.rename');
      this.#finished.add(segment.finished, segment.size);
    } else {
      unlinkSync(segment.path);
    }
  }

  /** Finishes the open segment. @returns paths of all finished segments, oldest first */
  async flush(): Promise<string[]> {
    if (this.#waiting.length > 0) this.#write();
    this.#finish();
    this.#finished.look();
    return this.finished();
  }

  /** Paths of the finished segments that are still here, oldest first. */
  async finished(): Promise<string[]> {
    return listSegments(this.dir);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#waiting.length > 0) this.#write();
    this.#finish();
    await Promise.resolve();
  }
}

/** Tells all of them, whatever one of them throws. */
function tell(waiting: readonly Waiting[], fault?: GyreError): void {
  const thrown: unknown[] = [];
  for (const { done } of waiting) {
    try {
      done(fault);
    } catch (error) {
      thrown.push(error);
    }
  }
  if (thrown.length > 0) throw thrown[0];
}

/** Paths of the finished segments in a log's folder, oldest first; none when there is no such folder. */
export async function listSegments(dir: string): Promise<string[]> {
  const names = await readdir(dir).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  });
  return names
    .filter((name) => name.endsWith(finishedSuffix))
    .sort()
    .map((name) => join(dir, name));
}

function isDiskFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}

/** All or nothing: a write that came short (a full disk) is undone, so that the next frame does not stand behind half a one. */
function appendWhole(segment: OpenSegment, bytes: Uint8Array): number {
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(segment.fd, bytes, at);
    segment.size += bytes.length;
    return bytes.length;
  } catch (error) {
    ftruncateSync(segment.fd, segment.size);
    throw error;
  }
}
