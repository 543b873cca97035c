import { open } from 'node:fs/promises';
import { GyreError } from '#core';

/** What a program or library of Linux says that it needs. */
export interface ElfNeeds {
  readonly machine: 'amd64' | 'arm64';
  /** The loader that starts it; libraries name none. */
  readonly interpreter?: string;
  /** Names such as `libm.so.6`. */
  readonly needed: readonly string[];
  /** Folders to look in first, as it says them: with `$ORIGIN` for its own. */
  readonly runPath: readonly string[];
}

const [segmentLoad, segmentDynamic, segmentInterpreter] = [1, 2, 3];
const [tagEnd, tagNeeded, tagStrings, tagRunPathOld, tagRunPath] = [0, 1, 5, 15, 29];
const machines: Readonly<Record<number, ElfNeeds['machine']>> = { 62: 'amd64', 183: 'arm64' };

interface Segment {
  readonly type: number;
  readonly offset: number;
  readonly address: number;
  readonly size: number;
}

/**
 * Reads the dynamic section of a file in the Executable and Linkable Format (System V ABI, chapters 4 and 5; 64 bits, least byte first).
 * @returns undefined when it is no such file
 * @throws GyreError INVALID_ARGUMENT for a machine that Gyre does not run on
 */
export async function elfNeeds(path: string): Promise<ElfNeeds | undefined> {
  await using file = await open(path);
  const at = async (offset: number, length: number): Promise<Buffer> => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset);
    return buffer.subarray(0, bytesRead);
  };
  const head = await at(0, 64);
  if (head.length < 64 || head.readUInt32BE(0) !== 0x7f454c46 || head[4] !== 2 || head[5] !== 1) return undefined;
  const machine = machines[head.readUInt16LE(18)];
  if (machine === undefined) throw new GyreError('INVALID_ARGUMENT', `${path} is made for a machine that is neither amd64 nor arm64`);
  const [entrySize, entries] = [head.readUInt16LE(54), head.readUInt16LE(56)];
  const table = await at(Number(head.readBigUInt64LE(32)), entrySize * entries);
  const segments = Array.from({ length: entries }, (_, index): Segment => {
    const entry = table.subarray(index * entrySize);
    return {
      type: entry.readUInt32LE(0),
      offset: Number(entry.readBigUInt64LE(8)),
      address: Number(entry.readBigUInt64LE(16)),
      size: Number(entry.readBigUInt64LE(32)),
    };
  });
  const interpreter = segments.find(({ type }) => type === segmentInterpreter);
  const dynamic = segments.find(({ type }) => type === segmentDynamic);
  const tags = dynamic === undefined ? [] : tagsIn(await at(dynamic.offset, dynamic.size));
  const strings = tags.find(([tag]) => tag === tagStrings)?.[1];
  const text = async (offset: number): Promise<string> => untilZero(await at(offset, 4096));
  const named = (wanted: readonly number[]): Promise<string[]> =>
    Promise.all(tags.filter(([tag]) => wanted.includes(tag)).map(([, value]) => text(offsetOf(segments, strings ?? 0) + value)));
  return {
    machine,
    ...(interpreter === undefined ? {} : { interpreter: untilZero(await at(interpreter.offset, interpreter.size)) }),
    needed: await named([tagNeeded]),
    runPath: (await named([tagRunPathOld, tagRunPath])).flatMap((path) => path.split(':')),
  };
}

function tagsIn(bytes: Buffer): readonly (readonly [number, number])[] {
  const tags: [number, number][] = [];
  for (let at = 0; at + 16 <= bytes.length; at += 16) {
    const tag = Number(bytes.readBigUInt64LE(at));
    if (tag === tagEnd) break;
    tags.push([tag, Number(bytes.readBigUInt64LE(at + 8))]);
  }
  return tags;
}

/** Where in the file lies what the program sees at an address. */
function offsetOf(segments: readonly Segment[], address: number): number {
  const holder = segments.find((one) => one.type === segmentLoad && address >= one.address && address < one.address + one.size);
  return holder === undefined ? address : address - holder.address + holder.offset;
}

function untilZero(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end === -1 ? bytes.length : end);
}
