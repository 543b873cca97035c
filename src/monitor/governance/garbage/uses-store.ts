import { sql } from 'kysely';
import type { BlobHolder, BlobStore } from '#blobs';
import { asSha256, GyreError, messageOf } from '#core';
import type { Sha256 } from '#core';
import type { Db } from '#store';

/** One reference: a digest, and the record that it stands in. */
export interface BlobUse {
  readonly digest: Sha256;
  /** `dataset version 702a45d5e5e1 customers` */
  readonly by: string;
}

const rowsAtOnce = 500;

/**
 * All that a room's table refers to, as one snapshot of the store has it. A digest comes as often as it stands there.
 * @throws GyreError FAILED_PRECONDITION when a list cannot be read: what it names is not known then
 */
export async function* blobUses(db: Db, blobs: Pick<BlobStore, 'open'>, holder: BlobHolder): AsyncGenerator<BlobUse> {
  const { table, key, columns, record, lists } = holder;
  const keys = sql.join(key.map((column) => sql.ref(column)));
  const wanted = sql.join([...new Set([...key, ...columns])].map((column) => sql.ref(column)));
  let after: readonly unknown[] | undefined;
  for (;;) {
    const past = after === undefined ? sql`` : sql`where (${keys}) > (${sql.join(after)})`;
    const page = sql<
      Record<string, unknown>
    >`select ${wanted} from ${sql.table(table)} ${past} order by ${keys} limit ${sql.lit(rowsAtOnce)}`;
    const { rows } = await page.execute(db.tables());
    for (const row of rows) {
      const by = `${record} ${key.map((column) => shortened(String(row[column]))).join(' ')}`;
      for (const column of columns) for (const digest of digestsIn(row[column])) yield { digest, by };
      for (const list of lists?.(row) ?? []) {
        for await (const digest of listedIn(blobs, list, by)) yield { digest, by };
      }
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < rowsAtOnce) return;
    after = key.map((column) => last[column]);
  }
}

/** Every SHA-256 in the bytes of a list, whose lines are short. */
async function* listedIn(blobs: Pick<BlobStore, 'open'>, list: Sha256, by: string): AsyncGenerator<Sha256> {
  let rest = '';
  const decoder = new TextDecoder();
  try {
    for await (const chunk of await blobs.open(list)) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield* digestsIn(line);
    }
  } catch (error) {
    const message = `the list ${list} of ${by} cannot be read, so what it names is not known and nothing may go: ${messageOf(error)}`;
    throw new GyreError('FAILED_PRECONDITION', message, { digest: list }, { cause: error });
  }
  yield* digestsIn(rest);
}

/** Every SHA-256 in a text, or in the JSON of a value. */
function digestsIn(value: unknown): readonly Sha256[] {
  if (value === null || value === undefined) return [];
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return (text.match(/(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/g) ?? []).map(asSha256);
}

function shortened(text: string): string {
  return /^[0-9a-f]{64}$/.test(text) ? text.slice(0, 12) : text;
}
