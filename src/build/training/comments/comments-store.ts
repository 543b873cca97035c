import type { Actor, Mention, RunComment } from '#contract';
import { isoInstant } from '#core';
import type { Db, Tx } from '#store';
import type { CommentRow, TrainingTables } from '../tables.ts';

type Stored = CommentRow & { readonly position: number; readonly run_id: string };
const mostComments = 1000;
const mostMentions = 200;

export async function insertComment(tx: Tx, row: CommentRow): Promise<number> {
  const { position } = await tx
    .tables<TrainingTables>()
    .insertInto('run_comments')
    .values(row)
    .returning('position')
    .executeTakeFirstOrThrow();
  return Number(position);
}

/** Notes whom a comment mentions; who is noted already stays so. */
export async function insertMentions(
  tx: Tx,
  { comment, run, mentions }: { readonly comment: number; readonly run: number; readonly mentions: readonly Actor[] },
): Promise<void> {
  if (mentions.length === 0) return;
  await tx
    .tables<TrainingTables>()
    .insertInto('comment_mentions')
    .values(mentions.map(({ identity, name }) => ({ identity, comment, run, name, seen_at: null })))
    .onConflict((conflict) => conflict.columns(['identity', 'comment']).doNothing())
    .execute();
}

/** A comment with the id of its run. */
export async function commentRow(db: Db, id: string): Promise<Stored | undefined> {
  const row = await db
    .tables<TrainingTables>()
    .selectFrom('run_comments')
    .innerJoin('runs', 'runs.position', 'run_comments.run')
    .selectAll('run_comments')
    .select('runs.id as run_id')
    .where('run_comments.id', '=', id)
    .executeTakeFirst();
  return row === undefined ? undefined : { ...row, position: Number(row.position) };
}

/** A comment's text, and when it was changed. */
export async function changeText(
  tx: Tx,
  { position, text, at }: { readonly position: number; readonly text: string; readonly at: number },
) {
  await tx.tables<TrainingTables>().updateTable('run_comments').set({ text, edited_at: at }).where('position', '=', position).execute();
}

export async function deleteComment(tx: Tx, position: number): Promise<void> {
  await tx.tables<TrainingTables>().deleteFrom('comment_mentions').where('comment', '=', position).execute();
  await tx.tables<TrainingTables>().deleteFrom('run_comments').where('position', '=', position).execute();
}

/** Who is no longer mentioned by a comment. @param kept identities */
export async function dropMentions(tx: Tx, comment: number, kept: readonly string[]): Promise<void> {
  let query = tx.tables<TrainingTables>().deleteFrom('comment_mentions').where('comment', '=', comment);
  if (kept.length > 0) query = query.where('identity', 'not in', [...kept]);
  await query.execute();
}

/** The comments of a run, in the order in which they were made. @param run its position, and its id */
export async function commentsOf(db: Db, run: { readonly position: number; readonly id: string }): Promise<readonly RunComment[]> {
  const rows = await db
    .tables<TrainingTables>()
    .selectFrom('run_comments')
    .selectAll()
    .where('run', '=', run.position)
    .orderBy('position')
    .limit(mostComments)
    .execute();
  const mentions = await mentionsIn(
    db,
    rows.map(({ position }) => Number(position)),
  );
  return rows.map((row) => recordOf(row, run.id, mentions.get(Number(row.position)) ?? []));
}

export function recordOf(row: CommentRow, run: string, mentions: readonly Actor[]): RunComment {
  return {
    id: row.id,
    run,
    text: row.text,
    mentions: [...mentions],
    by: row.created_by,
    at: isoInstant(row.created_at),
    ...(row.edited_at === null ? {} : { editedAt: isoInstant(row.edited_at) }),
  };
}

/** Whom comments mention, by the comments' positions, in the order of names. */
export async function mentionsIn(db: Db, comments: readonly number[]): Promise<ReadonlyMap<number, readonly Actor[]>> {
  if (comments.length === 0) return new Map();
  const rows = await db
    .tables<TrainingTables>()
    .selectFrom('comment_mentions')
    .select(['comment', 'identity', 'name'])
    .where('comment', 'in', comments)
    .orderBy('name')
    .execute();
  const found = Map.groupBy(rows, ({ comment }) => Number(comment));
  return new Map([...found].map(([comment, ones]) => [comment, ones.map(({ identity, name }) => ({ identity, name }))]));
}

/** Where somebody is mentioned, newest first. */
export async function mentionsOf(db: Db, identity: string): Promise<readonly Mention[]> {
  const rows = await db
    .tables<TrainingTables>()
    .selectFrom('comment_mentions')
    .innerJoin('run_comments', 'run_comments.position', 'comment_mentions.comment')
    .innerJoin('runs', 'runs.position', 'run_comments.run')
    .innerJoin('experiments', 'experiments.id', 'runs.experiment')
    .selectAll('run_comments')
    .select(['runs.id as run_id', 'runs.name as run_name', 'experiments.public_id', 'comment_mentions.seen_at'])
    .where('comment_mentions.identity', '=', identity)
    .where('runs.deleted_at', 'is', null)
    .orderBy('comment_mentions.comment', 'desc')
    .limit(mostMentions)
    .execute();
  const mentions = await mentionsIn(
    db,
    rows.map(({ position }) => Number(position)),
  );
  return rows.map((row) => ({
    comment: recordOf(row, row.run_id, mentions.get(Number(row.position)) ?? []),
    run: { id: row.run_id, name: row.run_name, experiment: row.public_id },
    seen: row.seen_at !== null,
  }));
}

/** @returns how many mentions count as seen only now */
export async function seeMentions(
  tx: Tx,
  { identity, until, at }: { readonly identity: string; readonly until: number; readonly at: number },
): Promise<number> {
  const tables = tx.tables<TrainingTables>();
  const changed = await tables
    .updateTable('comment_mentions')
    .set({ seen_at: at })
    .where('identity', '=', identity)
    .where('seen_at', 'is', null)
    .where(
      'comment',
      'in',
      tables.selectFrom('run_comments').select('position').where('created_at', '<=', until).$narrowType<{ readonly position: number }>(),
    )
    .executeTakeFirst();
  return Number(changed.numUpdatedRows);
}
