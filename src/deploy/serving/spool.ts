import { closeSync, ftruncateSync, openSync, readFileSync, renameSync, unlinkSync, writevSync } from 'node:fs';
import { mkdir, readdir, rename, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { GyreError, messageOf, noFaults } from '#core';
import type { NewId, Faults } from '#core';
import { frameOf, readSegment, segmentHeader } from './segment.ts';

export interface SpoolOptions {
  /** Made when missing. */
  readonly dir: string;
  /** UUIDv7: segments sort by their names in the order of time. */
  readonly newId: NewId;
  /** A segment that has grown to this is finished. Default 8 MiB. */
  readonly maxSegmentBytes?: number;
  /** A segment that is this old is finished. Default 60,000. */
  readonly maxSegmentMs?: number;
  readonly faults?: Faults;
}

export interface SpoolFigures {
  readonly frames: number;
  readonly bytes: number;
  readonly failures: number;
  /** Finished segments that nobody has taken away, as of the last rotation, start or `flush`. */
  readonly segments: number;
}

interface OpenSegment {
  readonly fd: number;
  readonly path: string;
  readonly finished: string;
  readonly timer: NodeJS.Timeout;
  size: number;
}

interface Waiting {
  readonly frame: Buffer;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const openSuffix = '.open';
const finishedSuffix = '.seg';

/**
 * The prediction log on this disk, kept by append. What `append` promised is in the kernel's hands: it survives the death of the process
 * (kill -9), not a power cut. Frames of answers that were ready at the same moment go out in one write.
 * One file is open at a time, named `<id>.<owner>.open`; finished, it is `<id>.seg`, never changes, and belongs to whoever takes it away.
 */
export class Spool implements AsyncDisposable {
  readonly dir: string;
  readonly #options: SpoolOptions;
  readonly #faults: Faults;
  #open: OpenSegment | undefined;
  #waiting: Waiting[] = [];
  #frames = 0;
  #bytes = 0;
  #failures = 0;
  #segments = 0;

  private constructor(options: SpoolOptions) {
    this.dir = options.dir;
    this.#options = options;
    this.#faults = options.faults ?? noFaults;
  }

  /**
   * Opens the log, and finishes segments that dead processes left open, each cut behind its last whole frame.
   * @throws GyreError PERMISSION_DENIED when the folder cannot be written
   */
  static async open(options: SpoolOptions): Promise<Spool> {
    const spool = new Spool(options);
    try {
      await mkdir(options.dir, { recursive: true });
      const names = await readdir(options.dir);
      for (const name of names.filter((entry) => entry.endsWith(openSuffix))) await recover(options.dir, name);
      spool.#segments = (await spool.finished()).length;
      return spool;
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
    return { frames: this.#frames, bytes: this.#bytes, failures: this.#failures, segments: this.#segments };
  }

  /**
   * Logs one answered request; resolves when the write returned.
   * @param payload a LoggedRequest as JSON
   * @throws GyreError RESOURCE_EXHAUSTED when the disk is full, UNAVAILABLE when the file cannot be written; nothing of it stays behind
   */
  append(payload: string): Promise<void> {
    return new Promise((resolve, reject) => {
      // A tick's callbacks run after all promise jobs of this turn: by then every request of the batch has queued its frame.
      if (this.#waiting.push({ frame: frameOf(payload), resolve, reject }) === 1) process.nextTick(() => this.#write());
    });
  }

  #write(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    try {
      const segment = (this.#open ??= this.#begin());
      const size = appendWhole(
        segment,
        waiting.map(({ frame }) => frame),
      );
      this.#faults.at('file.write');
      this.#frames += waiting.length;
      this.#bytes += size;
      if (segment.size >= (this.#options.maxSegmentBytes ?? 8 * 1024 * 1024)) this.#finish();
    } catch (error) {
      this.#failures += waiting.length;
      const full = error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
      const fault = new GyreError(
        full ? 'RESOURCE_EXHAUSTED' : 'UNAVAILABLE',
        `the prediction log ${this.dir} cannot be written: ${messageOf(error)}`,
        { dir: this.dir },
        { cause: error },
      );
      for (const { reject } of waiting) reject(fault);
      return;
    }
    for (const { resolve } of waiting) resolve();
  }

  #begin(): OpenSegment {
    const id = this.#options.newId();
    const path = join(this.dir, `${id}.${ownerName(process.pid)}${openSuffix}`);
    const fd = openSync(path, 'ax', 0o600);
    const timer = setTimeout(() => this.#finish(), this.#options.maxSegmentMs ?? 60_000);
    timer.unref();
    const segment: OpenSegment = { fd, path, finished: join(this.dir, `${id}${finishedSuffix}`), timer, size: 0 };
    try {
      appendWhole(segment, [segmentHeader]);
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
      this.#segments += 1;
    } else {
      unlinkSync(segment.path);
    }
  }

  /** Finishes the open segment. @returns paths of all finished segments, oldest first */
  async flush(): Promise<string[]> {
    if (this.#waiting.length > 0) this.#write();
    this.#finish();
    const paths = await this.finished();
    this.#segments = paths.length;
    return paths;
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

/** All or nothing: a write that came short (a full disk) is undone, so that the next frame does not stand behind half a one. */
function appendWhole(segment: OpenSegment, buffers: readonly Uint8Array[]): number {
  const wanted = buffers.reduce((sum, { length }) => sum + length, 0);
  try {
    let written = writevSync(segment.fd, buffers);
    if (written < wanted) {
      const rest = Buffer.concat(buffers).subarray(written);
      for (let at = 0; at < rest.length;) at += writevSync(segment.fd, [rest.subarray(at)]);
      written = wanted;
    }
    segment.size += written;
    return written;
  } catch (error) {
    ftruncateSync(segment.fd, segment.size);
    throw error;
  }
}

async function recover(dir: string, name: string): Promise<void> {
  const parts = name.slice(0, -openSuffix.length).split('.');
  const owner = parts.pop() ?? '';
  if (isAlive(owner)) return;
  const path = join(dir, name);
  const { predictions, soundBytes, torn } = await readSegment(path);
  if (predictions.length === 0) {
    await rm(path);
    return;
  }
  if (torn) await truncate(path, soundBytes);
  await rename(path, join(dir, `${parts.join('.')}${finishedSuffix}`));
}

/** A process as `<pid>-<start>`: process ids are used again, the pair is not. Where the kernel does not tell the start it is 0. */
function ownerName(pid: number): string {
  return `${pid}-${startOf(pid)}`;
}

function isAlive(owner: string): boolean {
  const pid = Number(owner.split('-')[0]);
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives, under another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  return ownerName(pid) === owner;
}

function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // Field 22 of proc(5), counted behind the command's name, which may hold blanks and brackets.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '0';
  } catch {
    return '0';
  }
}
