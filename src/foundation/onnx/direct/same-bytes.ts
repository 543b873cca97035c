import assert from 'node:assert/strict';
import { openSession } from '../session.ts';
import type { Feeds, Session } from '../session-types.ts';
import { isSame } from './direct.ts';

/** For tests: fails unless a graph is computed here, and gives the bytes that ONNX Runtime gives for all of these. */
export async function assertSameBytes(graph: Uint8Array, feeds: readonly Feeds[]): Promise<void> {
  await using runtime = await openSession(graph);
  await using direct = await openSession(graph, { direct: true });
  const runNow = computed(direct);
  for (const fed of feeds) {
    const expected = await runtime.run(fed);
    const given = runNow(fed);
    assert.deepEqual(Object.keys(given), Object.keys(expected));
    for (const [name, value] of Object.entries(expected)) {
      if (isSame(given[name], value)) continue;
      assert.deepEqual(given[name], value, `${name} of ${value.shape[0]} rows`);
      assert.fail(`${name} of ${value.shape[0]} rows differs in bits`);
    }
  }
}

/** For tests: `runNow` of a session that has it. */
export function computed(session: Session): NonNullable<Session['runNow']> {
  assert.ok(session.runNow, 'the graph is not computed here');
  return session.runNow;
}

/** For tests: whether a graph is computed here when that is asked for. */
export async function isComputedHere(graph: Uint8Array): Promise<boolean> {
  await using session = await openSession(graph, { direct: true });
  return session.runNow !== undefined;
}
