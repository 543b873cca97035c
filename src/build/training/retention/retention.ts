import type { TrainingDeps } from '../port.ts';
import type { DeletedRecord, Retention } from './port.ts';
import { bytesBelow, clearSome, eraseRecord, selectDeleted } from './retention-store.ts';
import type { FoundRecord } from './retention-store.ts';

const recordsAtOnce = 200;

/** Opens retention over a migrated store. */
export function openRetention({ store, grants }: Pick<TrainingDeps, 'store' | 'grants'>): Retention {
  async function* found(kind: DeletedRecord['kind'], before: number): AsyncGenerator<FoundRecord> {
    let after = -1;
    for (;;) {
      const position = after;
      const page = await store.read((db) => selectDeleted(db, kind, before, position, recordsAtOnce));
      yield* page;
      const last = page.at(-1);
      if (last === undefined || page.length < recordsAtOnce) return;
      after = last.position;
    }
  }
  const clear = async (): Promise<void> => {
    while (await store.write(clearSome, undefined));
  };
  return {
    async *deletedBefore(before) {
      for (const kind of ['run', 'logged_model', 'experiment'] as const) {
        for await (const record of found(kind, before)) yield { ...record, bytes: await store.read((db) => bytesBelow(db, record.folder)) };
      }
    },
    async erase(record, before) {
      const isGone = await store.write(
        async (tx, args) => {
          const gone = await eraseRecord(tx, args);
          // Its id may be given again.
          if (gone && args.record.kind === 'experiment') await grants?.deleted(tx, { kind: 'experiment', record: args.record.id });
          return gone;
        },
        { record, before },
      );
      if (isGone && record.kind === 'run') await clear();
      return isGone;
    },
    clear,
  };
}
