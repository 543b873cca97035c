import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventType } from '#contract';
import { wordsOf } from './event-words.ts';

describe('events in words', () => {
  test('are sentences with the page of their evidence', () => {
    const said = wordsOf({
      type: eventType('deployment.live'),
      data: { id: 'd1', environment: 'production', generation: 2, modelVersion: 'm', manifest: 'x' },
    });
    assert.deepEqual(said, { part: 'deploy', text: 'Generation 2 is live in production', href: '/releases?deployment=d1', tone: 'good' });
  });

  test('say which gate refused what, and why', () => {
    const said = wordsOf({
      type: eventType('gate.refused'),
      data: { gate: 'approval', modelVersion: 'm', environment: 'production', attempted: 'release', message: 'nobody approved it' },
    });
    assert.match(said.text, /“approval” refused release in production: nobody approved it/);
    assert.equal(said.tone, 'warn');
  });

  test('of a kind that is not known yet are told by their kind', () => {
    assert.equal(wordsOf({ type: 'dev.gyre.feature_view.created.v2', data: {} }).text, 'Feature view created');
  });
});
