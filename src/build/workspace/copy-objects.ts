import { putIfSound } from './cache-write.ts';
import type { ObjectWriter } from './cache-write.ts';
import type { Buffers } from './file-bytes.ts';
import { objectPath } from './layout.ts';
import { readObject } from './object-source.ts';

/** Copy objects from a cache into a folder remote, each hashed on its way: a damaged one is not spread. */
export interface CopyTask {
  readonly kind: 'copy';
  readonly from: string;
  /** 16 bytes an object. */
  readonly md5s: Uint8Array;
}

export interface CopyResult {
  readonly kind: 'copied';
  readonly bytes: number;
  readonly copied: number;
  readonly failed: readonly (readonly [md5: string, reason: string])[];
}

export function copyObjects(task: CopyTask, buffers: Buffers, writer: ObjectWriter): CopyResult {
  const md5s = Buffer.from(task.md5s.buffer, task.md5s.byteOffset, task.md5s.byteLength);
  const failed: (readonly [string, string])[] = [];
  let [bytes, copied] = [0, 0];
  for (let at = 0; at < md5s.length; at += 16) {
    const md5 = md5s.toString('hex', at, at + 16);
    const path = objectPath(task.from, md5);
    const content = readObject(path, md5, buffers);
    if (content === 'missing' || content === 'damaged') failed.push([md5, `${content} in the cache`]);
    else if (content === 'large') {
      const size = putIfSound(writer, path, buffers, { wanted: md5 })?.size;
      if (size === undefined) failed.push([md5, 'damaged in the cache']);
      else copied += 1;
      bytes += size ?? 0;
    } else {
      if (writer.put(md5, content)) copied += 1;
      bytes += content.length;
    }
  }
  return { kind: 'copied', bytes, copied, failed };
}
