import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Actor } from '#contract';
import { by } from '../testing.ts';
import type { Rooms } from '../testing.ts';
import { publicRunId } from '../tracking/words.ts';

const kim: Actor = { identity: 'kim', name: 'kim' };
const lee: Actor = { identity: 'lee', name: 'lee' };

/** What comments are on every database: `comments.test.ts` runs it. */
export function commentsContract(backend: string, open: () => Promise<Rooms>, skip: string | false = false): void {
  describe(`comments on ${backend}`, { skip }, () => {
    let rooms: Rooms;
    let run = '';
    before(async () => {
      rooms = await open();
      const { id: experiment } = await rooms.training.ensureExperiment('Default');
      run = (await rooms.training.tracking.createRun({ experiment, name: 'one', by })).id;
    });
    after(() => rooms[Symbol.asyncDispose]());

    test('stand in the order in which they were made, by either form of the run’s id', async () => {
      const { comments } = rooms.training;
      const first = await comments.add({ run, text: 'why, @lee?', mentions: [lee, kim], by: kim });
      const second = await comments.add({ run: publicRunId(run), text: 'because', mentions: [], by: lee });
      assert.deepEqual(first.mentions, [lee], 'nobody is told of own words');
      assert.deepEqual(await comments.list(run), [first, second]);
      await assert.rejects(comments.list('nobody'), { code: 'NOT_FOUND' });
      await assert.rejects(comments.add({ run: 'nobody', text: 'x', mentions: [], by }), { code: 'NOT_FOUND' });
    });

    test('are changed by their author alone, and whom they newly mention is told once', async () => {
      const { comments } = rooms.training;
      const { id } = await comments.add({ run, text: '@lee', mentions: [lee], by: kim });
      await assert.rejects(comments.change({ run, comment: id, text: 'mine', mentions: [], by: lee }), { code: 'PERMISSION_DENIED' });
      await assert.rejects(comments.remove({ run, comment: id, by: lee }), { code: 'PERMISSION_DENIED' });
      await assert.rejects(comments.remove({ run, comment: 'none', by: kim }), { code: 'NOT_FOUND' });
      const changed = await comments.change({ run, comment: id, text: '@lee again', mentions: [lee, by], by: kim });
      assert.ok(changed.editedAt !== undefined);
      const told = (await rooms.events.read({ types: ['dev.gyre.run.commented.v1'], limit: 100 }))
        .filter(({ data }) => data.comment === id)
        .map(({ data }) => data.mentions);
      assert.deepEqual(told, [[lee.identity], [by.identity]]);
      await comments.remove({ run, comment: id, by, anybody: true });
      assert.ok((await comments.list(run)).every((comment) => comment.id !== id));
      assert.ok((await comments.mentionsOf(lee.identity)).every(({ comment }) => comment.id !== id));
    });

    test('are found by whom they mention until they are seen, and not in a run that is deleted', async () => {
      const { comments, tracking } = rooms.training;
      const { id: experiment } = await rooms.training.ensureExperiment('Default');
      const other = await tracking.createRun({ experiment, name: 'other', by });
      const { id, at } = await comments.add({ run: other.id, text: '@lee', mentions: [lee], by: kim });
      const [newest] = await comments.mentionsOf(lee.identity);
      assert.deepEqual([newest.comment.id, newest.run.name, newest.seen], [id, 'other', false]);
      assert.ok((await comments.see(lee.identity, Date.parse(at))) >= 1);
      assert.equal(await comments.see(lee.identity, Date.parse(at)), 0);
      assert.ok((await comments.mentionsOf(lee.identity)).every(({ seen }) => seen));
      await tracking.deleteRun({ id: other.id, by });
      assert.ok((await comments.mentionsOf(lee.identity)).every(({ comment }) => comment.id !== id));
      await assert.rejects(comments.add({ run: other.id, text: 'x', mentions: [], by }), { code: 'FAILED_PRECONDITION' });
    });
  });
}
