import { eventType } from '#contract';
import type { Actor, RunComment } from '#contract';
import { GyreError } from '#core';
import type { Db, Tx } from '#store';
import type { TrainingDeps } from '../port.ts';
import { placeOf } from '../runs-store.ts';
import { deletedRun, ownRunId, unknownRun } from '../tracking/words.ts';
import {
  changeText,
  commentRow,
  commentsOf,
  deleteComment,
  dropMentions,
  insertComment,
  insertMentions,
  mentionsIn,
  mentionsOf,
  recordOf,
  seeMentions,
} from './comments-store.ts';
import type { CommentChange, NewComment, RunComments } from './port.ts';

/** Comments on runs, over a migrated store. */
export function openComments({ store, events, clock, newId }: Pick<TrainingDeps, 'store' | 'events' | 'clock' | 'newId'>): RunComments {
  const publish = (tx: Tx, comment: RunComment, told: readonly Actor[]): void => {
    const { id, run, by } = comment;
    events.publish(tx, {
      type: eventType('run.commented'),
      subject: run,
      actor: by.identity,
      data: { id: run, comment: id, mentions: told.map(({ identity }) => identity) },
    });
  };
  async function add(
    tx: Tx,
    { request, id, at }: { readonly request: NewComment; readonly id: string; readonly at: number },
  ): Promise<RunComment> {
    const { text, by } = request;
    const run = ownRunId(request.run);
    const place = await placeOf(tx, run);
    if (place === undefined) throw unknownRun(run);
    if (place.deletedAt !== null) throw deletedRun(run);
    const mentions = others(request.mentions, by);
    const row = { id, run: place.position, text, created_at: at, edited_at: null, created_by: by };
    const comment = await insertComment(tx, row);
    await insertMentions(tx, { comment, run: place.position, mentions });
    const made = recordOf(row, run, mentions);
    publish(tx, made, mentions);
    return made;
  }
  async function change(tx: Tx, { request, at }: { readonly request: CommentChange; readonly at: number }): Promise<RunComment> {
    const { comment: id, text, by } = request;
    const run = ownRunId(request.run);
    const row = await requireComment(tx, run, id);
    requireAuthor(row.created_by, by, 'change');
    const mentions = others(request.mentions, by);
    const before = new Set((await mentionsIn(tx, [row.position])).get(row.position)?.map(({ identity }) => identity));
    await changeText(tx, { position: row.position, text, at });
    await dropMentions(
      tx,
      row.position,
      mentions.map(({ identity }) => identity),
    );
    await insertMentions(tx, { comment: row.position, run: row.run, mentions });
    const made = recordOf({ ...row, text, edited_at: at }, run, mentions);
    publish(
      tx,
      made,
      mentions.filter(({ identity }) => !before.has(identity)),
    );
    return made;
  }
  return {
    add: (request) => store.write(add, { request, id: newId(), at: clock.now() }),
    change: (request) => store.write(change, { request, at: clock.now() }),
    remove: ({ run: of, comment, by, anybody = false }) =>
      store.write(async (tx) => {
        const run = ownRunId(of);
        const row = await requireComment(tx, run, comment);
        if (!anybody) requireAuthor(row.created_by, by, 'delete');
        await deleteComment(tx, row.position);
        events.publish(tx, { type: eventType('run.comment_deleted'), subject: run, actor: by.identity, data: { id: run, comment } });
      }, undefined),
    list: (id) =>
      store.read(async (db) => {
        const run = ownRunId(id);
        const place = await placeOf(db, run);
        if (place === undefined) throw unknownRun(run);
        return commentsOf(db, { position: place.position, id: run });
      }),
    mentionsOf: (identity) => store.read((db) => mentionsOf(db, identity)),
    see: (identity, until) => store.write(seeMentions, { identity, until, at: clock.now() }),
  };
}

const others = (mentions: readonly Actor[], { identity }: Actor): readonly Actor[] => mentions.filter((one) => one.identity !== identity);

async function requireComment(db: Db, run: string, id: string) {
  const row = await commentRow(db, id);
  if (row?.run_id === run) return row;
  throw new GyreError('NOT_FOUND', `run ${run} has no comment "${id}"`, { run, comment: id });
}

function requireAuthor(author: Actor, by: Actor, verb: 'change' | 'delete'): void {
  if (author.identity === by.identity) return;
  throw new GyreError('PERMISSION_DENIED', `only ${author.name}, who wrote this comment, may ${verb} it`, { author: author.identity });
}
