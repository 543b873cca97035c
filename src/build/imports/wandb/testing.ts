/** Files of runs as wandb writes them, for tests; `test/interop` has those that wandb itself makes. */
import { crc32 } from 'node:zlib';
import { blockOf, numberField } from '../protobuf-testing.ts';

const blockBytes = 32 * 1024;

/** A run's record. */
export function runRecord(fields: { readonly id: string; readonly project: string; readonly name: string; readonly at: number }): Buffer {
  const timestamp = numberField(1, Math.floor(fields.at / 1000));
  return blockOf(
    17,
    Buffer.concat([
      blockOf(1, Buffer.from(fields.id)),
      blockOf(3, Buffer.from(fields.project)),
      blockOf(8, Buffer.from(fields.name)),
      blockOf(17, timestamp),
    ]),
  );
}

/** What was logged at a step: JSON by key. */
export function historyRecord(step: number, values: Readonly<Record<string, string>>): Buffer {
  const items = Object.entries(values).map(([key, json]) => blockOf(1, item(key, json)));
  return blockOf(2, Buffer.concat([...items, blockOf(2, numberField(1, step))]));
}

/** A change of the configuration (5) or the summary (3): JSON by key. */
export function changeRecord(kind: 3 | 5, values: Readonly<Record<string, string>>): Buffer {
  return blockOf(kind, Buffer.concat(Object.entries(values).map(([key, json]) => blockOf(1, item(key, json)))));
}

export function exitRecord(code: number): Buffer {
  return blockOf(18, Buffer.concat([numberField(1, code), numberField(2, 5)]));
}

function item(key: string, json: string): Buffer {
  return Buffer.concat([blockOf(2, Buffer.from(key)), blockOf(16, Buffer.from(json))]);
}

/** The bytes of a file with these records. */
export function datastore(records: readonly Buffer[]): Buffer {
  const parts: Buffer[] = [Buffer.from([0x3a, 0x57, 0x26, 0x42, 0xe1, 0xbe, 0])];
  let at = 7;
  const push = (part: Buffer): void => {
    parts.push(part);
    at += part.length;
  };
  for (const record of records) {
    let from = 0;
    do {
      if (blockBytes - (at % blockBytes) < 7) push(Buffer.alloc(blockBytes - (at % blockBytes)));
      const room = blockBytes - (at % blockBytes) - 7;
      const data = record.subarray(from, from + room);
      const isFirst = from === 0;
      from += data.length;
      const type = from === record.length ? (isFirst ? 1 : 4) : isFirst ? 2 : 3;
      const head = Buffer.alloc(7);
      head.writeUInt16LE(data.length, 4);
      head.writeUInt8(type, 6);
      head.writeUInt32LE(crc32(Buffer.concat([head.subarray(6), data])), 0);
      push(Buffer.concat([head, data]));
    } while (from < record.length);
  }
  return Buffer.concat(parts);
}
