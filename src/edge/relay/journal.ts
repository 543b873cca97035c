import { open, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { GyreError, messageOf } from '#core';

/**
 * A journal is a file of eight bytes of magic and frames. A frame is the payload's length and CRC-32 (both unsigned 32-bit, little-endian),
 * then the payload: the length of the head (unsigned 32-bit), the head as JSON, and the body as it came.
 */
const magic = Buffer.from('GYRERLY1');
const frameHeader = 12;
/** No request is larger: what claims to be is damage. */
const maxPayload = 1 << 28;

/** Where a record's body lies in the journal's file. */
export interface BodyPlace {
  readonly at: number;
  readonly size: number;
}

export interface JournalRecord<Head> {
  readonly head: Head;
  readonly body: BodyPlace;
}

interface Waiting {
  readonly frame: Buffer;
  readonly headSize: number;
  readonly durable: boolean;
  readonly resolve: (body: BodyPlace) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * What was acknowledged and is not delivered yet, kept by append. A durable record is on the disk (fdatasync) when `append` resolves; records
 * that arrive together share one flush. Only one process may have a folder open.
 */
export class Journal<Head> implements AsyncDisposable {
  readonly #folder: string;
  #file: FileHandle;
  #generation: number;
  #size: number;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;

  private constructor(folder: string, file: FileHandle, generation: number, size: number) {
    this.#folder = folder;
    this.#file = file;
    this.#generation = generation;
    this.#size = size;
  }

  /**
   * Opens a folder's journal, or begins one. What is behind the last whole frame was never acknowledged, unless the disk damaged it: it is
   * kept beside the journal as `journal-<n>.damaged`.
   * @throws GyreError PERMISSION_DENIED when the folder cannot be used
   */
  static async open<Head>(
    folder: string,
  ): Promise<{ readonly journal: Journal<Head>; readonly records: readonly JournalRecord<Head>[]; readonly damagedBytes: number }> {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const generations = (await readdir(folder))
        .flatMap((name) => /^journal-(\d+)\.log$/.exec(name)?.[1] ?? [])
        .map(Number)
        .sort((a, b) => b - a);
      const [newest = 1, ...older] = generations;
      const file = await open(pathOf(folder, newest), generations.length === 0 ? 'wx+' : 'r+', 0o600);
      const { size } = await file.stat();
      const { records, sound } = size < magic.length ? { records: [], sound: 0 } : await readFrames<Head>(file, size, folder);
      const damagedBytes = size - sound;
      if (damagedBytes > 0 && sound > 0) {
        const rest = Buffer.alloc(damagedBytes);
        await file.read(rest, 0, damagedBytes, sound);
        await writeFile(join(folder, `journal-${newest}.damaged`), rest, { mode: 0o600 });
      }
      await file.truncate(sound);
      if (sound === 0) await file.write(magic, 0, magic.length, 0);
      await file.datasync();
      await syncFolder(folder);
      // One that was followed by a newer one holds nothing that the newer one does not.
      for (const generation of older) await rm(pathOf(folder, generation));
      const journal = new Journal<Head>(folder, file, newest, Math.max(sound, magic.length));
      return { journal, records, damagedBytes: sound > 0 ? damagedBytes : 0 };
    } catch (error) {
      if (error instanceof GyreError) throw error;
      throw new GyreError('PERMISSION_DENIED', `the journal in ${folder} cannot be used: ${messageOf(error)}`, {}, { cause: error });
    }
  }

  /** Length of the file. */
  get bytes(): number {
    return this.#size;
  }

  /**
   * Appends a record; resolves when it is on the disk.
   * @throws GyreError RESOURCE_EXHAUSTED when the disk is full, UNAVAILABLE when it cannot be written; nothing of it stays behind
   */
  append(head: Head, body: Uint8Array = new Uint8Array()): Promise<BodyPlace> {
    return this.#push(head, body, true);
  }

  /** Appends a record that may be lost in a power cut, though not by the death of the process. */
  async note(head: Head): Promise<void> {
    await this.#push(head, new Uint8Array(), false);
  }

  #push(head: Head, body: Uint8Array, durable: boolean): Promise<BodyPlace> {
    const text = Buffer.from(JSON.stringify(head));
    const frame = frameOf(text, body);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ frame, headSize: text.length, durable, resolve, reject });
      void this.#run();
    });
  }

  /** Writes what waits, unless the file is taken: whoever has it looks for more when it is done. */
  #run(work: () => Promise<void> = () => this.#drain()): Promise<void> {
    this.#writing ??= work().finally(() => {
      this.#writing = undefined;
      if (this.#waiting.length > 0) void this.#run();
    });
    return this.#writing;
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      try {
        const bytes = Buffer.concat(group.map(({ frame }) => frame));
        for (let done = 0; done < bytes.length;) {
          const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, this.#size + done);
          done += bytesWritten;
        }
        if (group.some(({ durable }) => durable)) await this.#file.datasync();
        for (const { frame, headSize, resolve } of group) {
          const at = this.#size + frameHeader + headSize;
          this.#size += frame.length;
          resolve({ at, size: this.#size - at });
        }
      } catch (error) {
        await this.#file.truncate(this.#size).catch(() => undefined);
        const full = error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
        const fault = new GyreError(
          full ? 'RESOURCE_EXHAUSTED' : 'UNAVAILABLE',
          `the journal in ${this.#folder} cannot be written: ${messageOf(error)}`,
          {},
          { cause: error },
        );
        for (const { reject } of group) reject(fault);
      }
    }
  }

  /** Reads a record's body. */
  async read({ at, size }: BodyPlace): Promise<Buffer> {
    const bytes = Buffer.alloc(size);
    const { bytesRead } = await this.#file.read(bytes, 0, size, at);
    if (bytesRead < size) throw new GyreError('DATA_LOSS', `the journal in ${this.#folder} ends before the record at ${at} does`);
    return bytes;
  }

  /**
   * Begins a new file with these records alone, and lets go of the old one; places of bodies in it are void then.
   * @param heads asked once nothing is being written; undefined leaves the file as it is
   */
  async startOver(heads: () => readonly Head[] | undefined): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    const kept = heads();
    if (kept === undefined) return;
    await this.#run(() => this.#replace(kept));
  }

  async #replace(heads: readonly Head[]): Promise<void> {
    const next = this.#generation + 1;
    const temporary = join(this.#folder, 'journal.next');
    await rm(temporary, { force: true });
    const file = await open(temporary, 'wx+', 0o600);
    const bytes = Buffer.concat([magic, ...heads.map((head) => frameOf(Buffer.from(JSON.stringify(head)), new Uint8Array()))]);
    await file.write(bytes, 0, bytes.length, 0);
    await file.datasync();
    await rename(temporary, pathOf(this.#folder, next));
    await syncFolder(this.#folder);
    const old = { file: this.#file, generation: this.#generation };
    this.#file = file;
    this.#generation = next;
    this.#size = bytes.length;
    await old.file.close();
    await rm(pathOf(this.#folder, old.generation));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    await this.#file.close();
  }
}

function pathOf(folder: string, generation: number): string {
  return join(folder, `journal-${generation}.log`);
}

function frameOf(head: Uint8Array, body: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(frameHeader + head.length + body.length);
  frame.set(head, frameHeader);
  frame.set(body, frameHeader + head.length);
  frame.writeUInt32LE(head.length, 8);
  frame.writeUInt32LE(4 + head.length + body.length, 0);
  frame.writeUInt32LE(crc32(frame.subarray(8)), 4);
  return frame;
}

async function readFrames<Head>(
  file: FileHandle,
  size: number,
  folder: string,
): Promise<{ readonly records: readonly JournalRecord<Head>[]; readonly sound: number }> {
  const start = Buffer.alloc(magic.length);
  await file.read(start, 0, magic.length, 0);
  if (!start.equals(magic)) throw new GyreError('DATA_LOSS', `the journal in ${folder} does not begin with ${magic.toString()}`);
  const records: JournalRecord<Head>[] = [];
  const lengths = Buffer.alloc(frameHeader);
  let at = magic.length;
  while (at + frameHeader <= size) {
    await file.read(lengths, 0, frameHeader, at);
    const length = lengths.readUInt32LE(0);
    if (length < 4 || length > maxPayload || at + 8 + length > size) break;
    const payload = Buffer.alloc(length);
    await file.read(payload, 0, length, at + 8);
    const headSize = payload.readUInt32LE(0);
    if (crc32(payload) !== lengths.readUInt32LE(4) || headSize > length - 4) break;
    // Written by this room with a checksum that holds: its shape is the one that was written.
    const head = JSON.parse(payload.toString('utf8', 4, 4 + headSize)) as Head;
    records.push({ head, body: { at: at + frameHeader + headSize, size: length - 4 - headSize } });
    at += 8 + length;
  }
  return { records, sound: at };
}

/** A new name in a folder is durable only when the folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
