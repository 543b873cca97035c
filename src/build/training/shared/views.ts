import { eventType } from '#contract';
import type { SavedView } from '#contract';
import { GyreError, isoInstant } from '#core';
import type { TrainingDeps } from '../port.ts';
import type { SavedViews } from './port.ts';
import { changeView, deleteView, everyExperiment, insertView, selectView, selectViewNamed, selectViews } from './views-store.ts';
import type { ViewRow } from './views-store.ts';

/** Named views of the table of runs, over a migrated store. */
export function openSavedViews({ store, events, clock, newId }: Pick<TrainingDeps, 'store' | 'events' | 'clock' | 'newId'>): SavedViews {
  return {
    save: ({ name, experiment = everyExperiment, query, by }) =>
      store.write(
        async (tx, { id, at }) => {
          await tx.lock('saved_views');
          const known = await selectViewNamed(tx, experiment, name);
          if (known !== undefined && known.created_by.identity !== by.identity)
            throw new GyreError(
              'ALREADY_EXISTS',
              `a view "${name}" is there, and it is ${known.created_by.name}’s: save under another name`,
              {
                view: known.id,
              },
            );
          const row: ViewRow = { ...(known ?? { id, name, experiment, created_by: by, created_at: at }), query, updated_at: at };
          if (known === undefined) await insertView(tx, row);
          else await changeView(tx, known.id, { query, updated_at: at });
          events.publish(tx, { type: eventType('view.saved'), subject: row.id, actor: by.identity, data: { id: row.id, name } });
          return viewOf(row);
        },
        { id: newId(), at: clock.now() },
      ),
    list: (experiment) => store.read(async (db) => (await selectViews(db, experiment)).map(viewOf)),
    get: (id) => store.read(async (db) => viewOf(known(await selectView(db, id), id))),
    delete: ({ id, by }) =>
      store.write(async (tx) => {
        const { name } = known(await selectView(tx, id), id);
        await deleteView(tx, id);
        events.publish(tx, { type: eventType('view.deleted'), subject: id, actor: by.identity, data: { id, name } });
      }, undefined),
  };
}

function known(row: ViewRow | undefined, id: string): ViewRow {
  if (row === undefined) throw new GyreError('NOT_FOUND', `there is no view with the id "${id}"`, { view: id });
  return row;
}

function viewOf({ experiment, created_by: by, created_at: createdAt, updated_at: updatedAt, ...row }: ViewRow): SavedView {
  return {
    ...row,
    ...(experiment === everyExperiment ? {} : { experiment }),
    by,
    createdAt: isoInstant(createdAt),
    updatedAt: isoInstant(updatedAt),
  };
}
