import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ReleaseManifest, Signature } from '#contract';
import { isoInstant, seeded } from '#core';
import type { Feeds } from '#onnx';
import { logLine, namedRowTexts, outcomeText } from './log-line.ts';
import { namedRows } from './outcome.ts';
import type { Outcome } from './outcome.ts';

const signature = (inputs: Signature['inputs']): Signature => ({ task: 'regression', inputs, outputs: [], classes: [] });

describe('a line of the prediction log', () => {
  test('says the same of tensors as rows with named columns do, for every type of tensor and column', () => {
    const random = seeded(5);
    const odd = [0, -0, 1.5, -1e300, 1e-7, 1e21, Number.NaN, Number.POSITIVE_INFINITY, 123456789.25];
    for (let round = 0; round < 50; round++) {
      const rows = 1 + random.int(3);
      const doubles = (width: number): Float64Array =>
        Float64Array.from({ length: rows * width }, () => (random.next() < 0.3 ? odd[random.int(odd.length)] : random.normal()));
      const feeds: Feeds = {
        amount: { type: 'DOUBLE', shape: [rows, 1], data: doubles(1) },
        wide: { type: 'FLOAT', shape: [rows, 3], data: Float32Array.from(doubles(3)) },
        'wi"de': { type: 'DOUBLE', shape: [rows, 2], data: doubles(2) },
        flag: { type: 'DOUBLE', shape: [rows, 1], data: Float64Array.from({ length: rows }, () => random.int(2)) },
        at: { type: 'DOUBLE', shape: [rows, 1], data: Float64Array.from({ length: rows }, () => Math.round(1.7e12 * random.next())) },
        text: {
          type: 'STRING',
          shape: [rows, 1],
          data: Array.from({ length: rows }, () => ['', 'a "quoted"\n', 'Straße 😀', '\u2028'][random.int(4)]),
        },
        count: {
          type: 'INT64',
          shape: [rows, 1],
          data: BigInt64Array.from({ length: rows }, () => [1n, -(2n ** 62n), 2n ** 53n][random.int(3)]),
        },
        small: { type: 'UINT8', shape: [rows, 2], data: Uint8Array.from({ length: rows * 2 }, () => random.int(256)) },
        picture: { type: 'FLOAT', shape: [rows, 3, 8, 8], data: new Float32Array(rows * 192) },
      };
      const known = signature([
        { name: 'amount', type: 'number', datatype: 'FP64', required: true },
        { name: 'flag', type: 'boolean', datatype: 'FP64', required: true },
        { name: 'at', type: 'instant', datatype: 'FP64', required: true },
        { name: 'text', type: 'string', datatype: 'BYTES', required: true },
      ]);
      for (const one of [known, signature([])]) {
        const texts = namedRowTexts(one, feeds, rows);
        assert.deepEqual(
          texts.map((text): unknown => JSON.parse(text)),
          JSON.parse(JSON.stringify(namedRows(one, feeds, rows))),
        );
      }
    }
  });

  test('says the same of an outcome as it is', () => {
    const outcomes: readonly Outcome[] = [
      { value: 1.25 },
      { value: Number.NaN },
      { label: 'yes "or" no', probabilities: { yes: 0.75, 'n"o': 0.25 } },
      { label: 'a', probabilities: { a: Number.NaN, b: 1 } },
      { label: 'a', probabilities: {} },
      { label: 'a' },
      { label: 'a', probabilities: { a: 1 }, outlier: { score: 1, threshold: 2, isOutlier: false } },
    ];
    for (const outcome of outcomes) {
      assert.deepEqual(JSON.parse(outcomeText(outcome)), JSON.parse(JSON.stringify(outcome)));
    }
  });

  test('names what was served, when, and each row', () => {
    const manifest: ReleaseManifest = {
      format: 'gyre.manifest.v1',
      environment: 'production',
      endpoint: 'ch"urn',
      generation: 7,
      models: [],
      log: { sample: 1 },
      limits: { maxBodyBytes: 1, maxRows: 1 },
      tokenHashes: [],
      createdAt: '2026-01-01T00:00:00.000Z',
    };
    const entry = {
      name: 'churn',
      version: '3',
      modelVersion: 'mv',
      package: 'ab'.repeat(32),
      files: [],
      signature: signature([]),
      weight: 1,
    };
    const head = { manifest, entry, servedMs: 1_750_000_000_123, latencyMs: 1.5, eventTime: undefined, traceId: undefined };
    const rows = [
      { id: '7-abababab-1', inputs: '{"a":1}', outputs: '{"value":2}', key: undefined },
      { id: '7-abababab-2', inputs: '{}', outputs: '{"value":3}', key: 'order "9"' },
    ];
    const shared = { environment: 'production', endpoint: 'ch"urn', generation: 7, package: entry.package, model: 'churn', version: '3' };
    assert.deepEqual(JSON.parse(logLine(head, rows)), {
      ...shared,
      servedAt: isoInstant(head.servedMs),
      latencyMs: 1.5,
      rows: [
        { id: '7-abababab-1', inputs: { a: 1 }, outputs: { value: 2 } },
        { id: '7-abababab-2', inputs: {}, outputs: { value: 3 }, key: 'order "9"' },
      ],
    });
    const told: unknown = JSON.parse(logLine({ ...head, servedMs: 5, eventTime: '2026-03-01T12:00:00.000Z', traceId: 'f'.repeat(32) }, []));
    assert.deepEqual(told, {
      ...shared,
      servedAt: isoInstant(5),
      eventTime: '2026-03-01T12:00:00.000Z',
      traceId: 'f'.repeat(32),
      latencyMs: 1.5,
      rows: [],
    });
  });
});
