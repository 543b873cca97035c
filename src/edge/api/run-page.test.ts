import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { CodeChanges, Mention, ModelGraph, RunCheckout, RunClone, RunComment, RunLogLines } from '#contract';
import { decodeModel } from '#onnx';
import { openBench } from './testing.ts';
import { turnTheLoop } from './testing-loop.ts';
import type { Bench } from './testing.ts';
import type { Records } from './testing-loop.ts';

const by = { identity: 'kim', name: 'kim' };

describe('what a page of a run asks for', () => {
  let bench: Bench;
  let records: Records;
  let foreign = '';
  before(async () => {
    bench = await openBench();
    records = await turnTheLoop(bench);
    const { training } = bench.deps;
    const { tracking, artifacts } = training;
    const { id: experiment } = await training.ensureExperiment('Default');
    const run = await tracking.createRun({ experiment, name: 'theirs', tags: [{ key: 'mlflow.source.name', value: 'train.py' }], by });
    foreign = run.id;
    await tracking.logBatch(foreign, { parameters: [{ key: 'lr', value: '0.1' }] });
    const folder = await training.artifactFolder(foreign);
    await artifacts.put(`${folder}/logs/train.log`, Buffer.from(Array.from({ length: 3000 }, (_, at) => `line ${at}\n`).join('')));
    await artifacts.put(`${folder}/stdout.txt`, Buffer.from('hello\r\nthere'));
    await artifacts.put(`${folder}/broken.onnx`, Buffer.from('no model'));
  });
  after(() => bench[Symbol.asyncDispose]());

  const ask = async <T>(path: string, options: Parameters<Bench['ask']>[1] = {}): Promise<{ status: number; body: T }> => {
    const response = await bench.ask(`/api/v1/${path}`, { token: bench.tokens.admin, ...options });
    return { status: response.status, body: (await response.json()) as T };
  };

  test('a checkout names the version that the parts of a run were cut from, and where its file goes', async () => {
    const { body } = await ask<RunCheckout>(`runs/${records.version.run}/checkout`);
    const [data] = body.data;
    assert.equal(body.data.length, 1);
    assert.equal(data.version, records.whole);
    assert.deepEqual([data.how, data.uses], ['source', ['train', 'validation']]);
    assert.equal(data.files.length, 1);
    const file = await bench.ask(`/api/v1/datasets/${records.whole}/files/${data.files[0].sha256}`, {
      token: bench.tokens['data-steward'],
    });
    assert.equal(file.status, 200);
    assert.equal((await file.arrayBuffer()).byteLength, data.files[0].size);
    const other = await bench.ask(`/api/v1/datasets/${records.whole}/files/${'0'.repeat(64)}`, { token: bench.tokens['data-steward'] });
    assert.equal(other.status, 404);
  });

  test('the last lines of a log are shown, with the other logs beside it; a file that is no log is none', async () => {
    const { body } = await ask<RunLogLines>(`runs/${foreign}/log`);
    assert.deepEqual(
      [body.files, body.from, body.lines, body.cut, body.going],
      [['stdout.txt', 'logs/train.log'], 'stdout.txt', ['hello', 'there'], false, true],
    );
    const long = await ask<RunLogLines>(`runs/${foreign}/log?file=logs/train.log`);
    assert.deepEqual([long.body.lines.length, long.body.lines.at(-1), long.body.cut], [2000, 'line 2999', true]);
    assert.equal((await ask(`runs/${foreign}/log?file=broken.onnx`)).status, 404);
    const ours = await ask<RunLogLines>(`runs/${records.version.run}/log`);
    assert.equal(ours.body.from, 'train.log');
    assert.match(
      ours.body.lines.join('\n'),
      /logistic with seed \d+: l2 1, .*\n\d+ rows to train on[^]*after \d+ iterations: .*validation_roc_auc/,
    );
  });

  test('the graph of a model has its nodes in layers, each after those whose values it takes', async () => {
    const { body } = await ask<ModelGraph>(`runs/${records.version.run}/model-graph`);
    const model = decodeModel(await bench.deps.training.readArtifact(records.version.run, 'model.onnx'));
    assert.equal(body.total, model.nodes.length);
    assert.deepEqual(
      body.nodes.map(({ outputs }) => outputs),
      model.nodes.map(({ outputs }) => outputs),
    );
    assert.ok(body.nodes.every(({ after: before, layer }) => before.every((at) => body.nodes[at].layer < layer)));
    assert.equal(body.outputs.find(({ name }) => name === 'probabilities')?.shape, 'N × 2');
    assert.equal((await ask(`runs/${foreign}/model-graph?file=broken.onnx`)).status, 400);
    assert.equal((await ask(`runs/${foreign}/model-graph`)).status, 404);
  });

  test('code outside of a repository is said to be unknown', async () => {
    const { body } = await ask<CodeChanges>(`runs/${records.version.run}/code-changes?from=${foreign}`);
    assert.match(body.unknown ?? '', /no git repository|no commit is on record|is not in the project/);
    assert.equal((await ask(`runs/${records.version.run}/code-changes?from=nobody`)).status, 404);
  });

  test('a clone of a foreign run is a record that waits, with the changed parameters, and names its source', async () => {
    const { status, body } = await ask<RunClone>(`runs/${foreign}/clone`, { method: 'POST', body: { parameters: { lr: 0.2, depth: 3 } } });
    assert.equal(status, 201);
    assert.equal(body.how, 'opened');
    const made = await bench.deps.training.getRun(body.run ?? '');
    assert.equal(made.status, 'SCHEDULED');
    assert.deepEqual(made.parameters, { depth: '3', lr: '0.2' });
    assert.equal(made.tags['gyre.cloned_from'], foreign);
    assert.ok(
      body.commands.some((command) => /^MLFLOW_RUN_ID=\S+ python train\.py$/.test(command)),
      body.commands.join('\n'),
    );
    const again = await ask<RunCheckout>(`runs/${made.id}/checkout`);
    assert.deepEqual(again.body.commands, body.commands);
    assert.equal((await ask(`runs/${foreign}/clone`, { method: 'POST', body: { seed: 3 } })).status, 400);
  });

  test('a clone of a run of ours is trained only for those who may build', async () => {
    const clone = (token: string) => ask<{ detail: string }>(`runs/${records.version.run}/clone`, { method: 'POST', token, body: {} });
    const refused = await clone(bench.tokens.qa);
    assert.equal(refused.status, 403);
    assert.equal((await clone(bench.tokens['ml-engineer'])).status, 201);
  });

  test('comments mention people by name, who find them until they have seen them; only their author changes them', async () => {
    const path = `runs/${foreign}/comments`;
    const asked = {
      method: 'POST',
      token: bench.tokens['ml-engineer'],
      body: { text: 'Why, @the-operator? Not mail@the-admin.example, @nobody.' },
    };
    const { status, body: comment } = await ask<RunComment>(path, asked);
    assert.equal(status, 201);
    assert.deepEqual(
      comment.mentions.map(({ name }) => name),
      ['the-operator'],
    );
    const mentioned = { token: bench.tokens.operator };
    const found = await ask<{ items: Mention[]; unseen: number }>('mentions', mentioned);
    assert.deepEqual([found.body.unseen, found.body.items[0].comment.id, found.body.items[0].run.name], [1, comment.id, 'theirs']);
    assert.equal((await ask(`${path}/${comment.id}`, { method: 'PUT', ...mentioned, body: { text: 'mine now' } })).status, 403);
    assert.equal((await ask(`${path}/${comment.id}`, { method: 'DELETE', ...mentioned })).status, 403);
    assert.equal((await ask(`runs/${records.version.run}/comments/${comment.id}`, { method: 'DELETE' })).status, 404);
    const seen = await ask<{ seen: number }>('mentions/seen', { method: 'POST', ...mentioned, body: { until: comment.at } });
    assert.equal(seen.body.seen, 1);
    assert.equal((await ask<{ unseen: number }>('mentions', mentioned)).body.unseen, 0);
    const changed = await ask<RunComment>(`${path}/${comment.id}`, { ...asked, method: 'PUT', body: { text: 'Why, @the-approver?' } });
    assert.deepEqual(
      changed.body.mentions.map(({ name }) => name),
      ['the-approver'],
    );
    assert.deepEqual((await ask<{ items: Mention[] }>('mentions', mentioned)).body.items, []);
    const items = await bench.deps.events.read({ after: 0, limit: 10_000 });
    const told = items.filter(({ type }) => type === 'dev.gyre.run.commented.v1').map(({ data }) => data);
    assert.equal(told.length, 2);
    const left = await ask<{ items: RunComment[] }>(`${path}/${comment.id}`, { method: 'DELETE' });
    assert.deepEqual(left.body.items, []);
  });

  test('a comment needs words, and a run that is there', async () => {
    for (const text of ['', 'x'.repeat(20_001), 7, null])
      assert.equal((await ask(`runs/${foreign}/comments`, { method: 'POST', body: { text } })).status, 400);
    assert.equal((await ask('runs/nobody/comments', { method: 'POST', body: { text: 'x' } })).status, 404);
    assert.equal(
      (await ask(`runs/${foreign}/comments`, { method: 'POST', token: bench.tokens.stakeholder, body: { text: 'x' } })).status,
      403,
    );
  });
});
