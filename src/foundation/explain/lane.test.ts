import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hasCode } from '#core';
import { attr, encodeModel, graphBuilder, mlDomain, tensor } from '#onnx';
import type { Feeds } from '#onnx';
import { ExplainLane } from './lane.ts';
import type { LaneJob } from './lane.ts';

function linear(coefficient: number): Uint8Array {
  const graph = graphBuilder({ name: 'linear' });
  graph.input('x', 'FLOAT', ['N', 1]);
  const attributes = { coefficients: attr.floats([coefficient]), intercepts: attr.floats([1]) };
  graph.output('y', 'FLOAT', ['N', 1], graph.op('LinearRegressor', ['x'], { domain: mlDomain, attributes }));
  return encodeModel(graph);
}

const feeds = (value: number): Feeds => ({ x: tensor('FLOAT', [1, 1], Float32Array.of(value)) });

function jobOf(coefficient: number, read?: () => void): LaneJob {
  return {
    key: String(coefficient),
    parts: async () => {
      read?.();
      return { graph: linear(coefficient), signature: { inputs: [], outputs: [], classes: [] } };
    },
    job: { feeds: feeds(3), options: {}, background: { kind: 'request', feeds: feeds(1), weights: [1] } },
    timeoutMs: 60_000,
  };
}

describe('the thread that explains', () => {
  test('answers requests in their order, and reads a model again only after others took its place', async () => {
    await using lane = new ExplainLane({ maxModels: 2 });
    const read: number[] = [];
    const ask = async (coefficient: number): Promise<number | undefined> => {
      const { explanations } = await lane.explain(jobOf(coefficient, () => read.push(coefficient)));
      return explanations?.[0].contributions[0].contribution;
    };
    assert.deepEqual(await Promise.all([1, 2, 1, 3, 1, 2].map(ask)), [2, 4, 2, 6, 2, 4]);
    assert.deepEqual(read, [1, 2, 3, 2]);
  });

  test('refuses more than may wait, gives up who waits too long, and goes on after a model that cannot be read', async () => {
    await using lane = new ExplainLane({ maxQueued: 2 });
    const gate = Promise.withResolvers<void>();
    const held: LaneJob = { ...jobOf(1), parts: () => gate.promise.then(() => jobOf(1).parts()) };
    const first = lane.explain(held);
    const late = lane.explain({ ...jobOf(2), timeoutMs: 1 });
    const broken = lane.explain({ ...jobOf(3), parts: () => Promise.reject(new Error('gone')) });
    await assert.rejects(lane.explain(jobOf(4)), (error) => hasCode(error, 'RESOURCE_EXHAUSTED'));
    await assert.rejects(late, (error) => hasCode(error, 'DEADLINE_EXCEEDED'));
    const last = lane.explain(jobOf(5));
    gate.resolve();
    assert.equal((await first).method, 'linear');
    await assert.rejects(broken, /gone/);
    assert.equal((await last).method, 'linear');
  });

  test('closed, it gives up what waits', async () => {
    const lane = new ExplainLane();
    const first = lane.explain(jobOf(1));
    const second = lane.explain(jobOf(2));
    const outcomes = Promise.allSettled([first, second]);
    await lane[Symbol.asyncDispose]();
    const [, waiting] = await outcomes;
    assert.ok(waiting.status === 'rejected' && hasCode(waiting.reason, 'UNAVAILABLE'));
    await assert.rejects(lane.explain(jobOf(1)), (error) => hasCode(error, 'UNAVAILABLE'));
  });
});
