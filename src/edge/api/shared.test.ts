import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Report, SavedView } from '#contract';
import { openBench } from './testing.ts';
import type { Bench } from './testing.ts';

type Role = 'admin' | 'data-scientist' | 'stakeholder' | 'ml-engineer';

describe('views and reports by HTTP', () => {
  let bench: Bench;
  let experiment = '';
  before(async () => {
    bench = await openBench();
    const { tracking } = bench.deps.training;
    experiment = (await tracking.createExperiment({ name: 'closed', by: { identity: 'ada', name: 'Ada' } })).id;
    const body = { identity: 'the-ml-engineer', kind: 'experiment', record: experiment, level: 'NO_PERMISSIONS' };
    assert.equal((await bench.ask('/api/v1/grants', { method: 'PUT', token: bench.tokens.admin, body })).status, 200);
  });
  after(() => bench[Symbol.asyncDispose]());

  async function ask<T>(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    role: Role,
    body?: object,
  ): Promise<{ status: number; answer: T }> {
    const response = await bench.ask(`/api/v1/${path}`, { method, token: bench.tokens[role], ...(body === undefined ? {} : { body }) });
    // What each route answers is held against its schema elsewhere.
    return { status: response.status, answer: (await response.json()) as T };
  }

  test('a view is saved, listed and deleted by its maker, and by an admin, but by nobody else', async () => {
    const body = { name: 'best first', experiment, query: 'sort=metrics.loss' };
    const { answer: view } = await ask<SavedView>('PUT', 'views', 'data-scientist', body);
    assert.equal(view.by.name, 'the-data-scientist');
    const listed = await ask<{ items: SavedView[] }>('GET', `views?experiment=${experiment}`, 'stakeholder');
    assert.deepEqual(listed.answer.items, [view]);
    assert.equal((await ask('PUT', 'views', 'admin', body)).status, 409);
    assert.equal((await ask('PUT', 'views', 'stakeholder', body)).status, 403);
    assert.equal((await ask('PUT', 'views', 'data-scientist', { name: 'x', experiment: 'nowhere', query: '' })).status, 404);
    const other = await ask<SavedView>('PUT', 'views', 'ml-engineer', { name: 'mine', query: '' });
    assert.equal((await ask('DELETE', `views/${other.answer.id}`, 'data-scientist')).status, 403);
    assert.equal((await ask('DELETE', `views/${other.answer.id}`, 'admin')).status, 200);
    assert.equal((await ask('DELETE', `views/${view.id}`, 'data-scientist')).status, 200);
    assert.equal((await ask('GET', `views/${view.id}`, 'data-scientist')).status, 404);
  });

  test('views of an experiment that is closed to somebody are closed too', async () => {
    const { answer: view } = await ask<SavedView>('PUT', 'views', 'data-scientist', { name: 'secret', experiment, query: 'filter=x' });
    assert.deepEqual((await ask<{ items: SavedView[] }>('GET', 'views', 'ml-engineer')).answer.items, []);
    assert.equal((await ask('GET', `views/${view.id}`, 'ml-engineer')).status, 403);
    assert.equal((await ask('PUT', 'views', 'ml-engineer', { name: 'mine', experiment, query: '' })).status, 403);
  });

  test('a report is written, changed by another on its newest version only, and deleted by its author', async () => {
    const { answer: report } = await ask<Report>('POST', 'reports', 'data-scientist', { title: 'Depth', text: '# Depth' });
    const path = `reports/${report.id}`;
    const change = { title: 'Depth', text: '# Depth, again', basedOn: 1 };
    assert.equal((await ask<Report>('PUT', path, 'ml-engineer', change)).answer.version, 2);
    const late = await ask<{ code: string; detail: string }>('PUT', path, 'data-scientist', change);
    assert.deepEqual([late.status, late.answer.code], [409, 'ABORTED']);
    assert.match(late.answer.detail, /last changed by the-ml-engineer/);
    assert.equal((await ask<Report>('GET', `${path}?version=1`, 'stakeholder')).answer.text, '# Depth');
    assert.equal((await ask<{ items: unknown[] }>('GET', `${path}/versions`, 'stakeholder')).answer.items.length, 2);
    assert.equal((await ask('PUT', path, 'stakeholder', change)).status, 403);
    assert.equal((await ask('DELETE', path, 'ml-engineer')).status, 403);
    assert.equal((await ask('DELETE', path, 'data-scientist')).status, 200);
    assert.equal((await ask('GET', path, 'stakeholder')).status, 404);
    assert.equal((await ask('POST', 'reports', 'data-scientist', { title: ' ', text: '' })).status, 400);
  });
});
