import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { by } from '../testing.ts';
import type { Rooms } from '../testing.ts';

const bo = { identity: 'bo', name: 'Bo' };

/** What people keep of runs to show each other, on every database: `shared.test.ts` runs it. */
export function sharedContract(backend: string, open: () => Promise<Rooms>, skip: string | false = false): void {
  describe(`views and reports on ${backend}`, { skip }, () => {
    let rooms: Rooms;
    before(async () => {
      rooms = await open();
    });
    after(() => rooms[Symbol.asyncDispose]());

    test('a view is found under its name, and saved again it is the same one with another query', async () => {
      const { views } = rooms.training;
      const first = await views.save({ name: 'best', experiment: '7', query: 'sort=metrics.loss', by });
      await views.save({ name: 'all', query: '', by: bo });
      const again = await views.save({ name: 'best', experiment: '7', query: 'sort=-metrics.auc', by });
      assert.equal(again.id, first.id);
      assert.deepEqual(await views.get(first.id), again);
      assert.deepEqual(
        (await views.list()).map(({ name, experiment, query }) => [name, experiment, query]),
        [
          ['all', undefined, ''],
          ['best', '7', 'sort=-metrics.auc'],
        ],
      );
      assert.deepEqual(await views.list('7'), [again]);
    });

    test('a name that is somebody else’s is not taken away, but is free in another experiment', async () => {
      const { views } = rooms.training;
      await assert.rejects(views.save({ name: 'best', experiment: '7', query: '', by: bo }), { code: 'ALREADY_EXISTS', message: /Ada’s/ });
      const other = await views.save({ name: 'best', experiment: '8', query: '', by: bo });
      await views.delete({ id: other.id, by: bo });
      await assert.rejects(views.get(other.id), { code: 'NOT_FOUND' });
      await assert.rejects(views.delete({ id: other.id, by: bo }), { code: 'NOT_FOUND' });
    });

    test('a report keeps every version, and its list begins with what was changed last', async () => {
      const { reports } = rooms.training;
      const { id, version } = await reports.create({ title: 'Depth', text: '# Depth\n', by });
      assert.equal(version, 1);
      await reports.create({ title: 'Width', text: '', by });
      const changed = await reports.change({ id, title: 'Depth and loss', text: 'Deeper is better.', basedOn: 1, by: bo });
      assert.deepEqual([changed.version, changed.changedBy, changed.by], [2, bo, by]);
      assert.deepEqual(await reports.get(id), changed);
      const old = await reports.get(id, 1);
      assert.deepEqual([old.title, old.text, old.version], ['Depth', '# Depth\n', 1]);
      assert.deepEqual(
        (await reports.versions(id)).map((one) => [one.version, one.title, one.by.name]),
        [
          [2, 'Depth and loss', 'Bo'],
          [1, 'Depth', 'Ada'],
        ],
      );
      assert.deepEqual((await reports.list()).map(({ title }) => title).sort(), ['Depth and loss', 'Width']);
      await assert.rejects(reports.get(id, 3), { code: 'NOT_FOUND' });
      await reports.delete({ id, by });
      await assert.rejects(reports.get(id), { code: 'NOT_FOUND' });
      await assert.rejects(reports.versions(id), { code: 'NOT_FOUND' });
    });

    test('of two changes to one version the second is refused, and names who made the first', async () => {
      const { reports } = rooms.training;
      const { id } = await reports.create({ title: 'Shared', text: 'a', by });
      const change = (text: string, who: typeof by) => reports.change({ id, title: 'Shared', text, basedOn: 1, by: who });
      const results = await Promise.allSettled([change('b', by), change('c', bo)]);
      assert.deepEqual(results.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
      await assert.rejects(change('d', bo), { code: 'ABORTED', message: /version 2, last changed by (Ada|Bo)/ });
      assert.equal((await reports.versions(id)).length, 2);
    });
  });
}
