import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tagLines, tagsIn } from './tag-lines.ts';

test('tags are written one a line, and one without a value is taken away', () => {
  assert.deepEqual(tagsIn('team=vision\n\n note = a=b \nold\nolder='), { team: 'vision', note: 'a=b', old: null, older: null });
  const tags = { team: 'vision', note: 'a=b' };
  assert.deepEqual(tagsIn(tagLines(tags)), tags);
  assert.equal(tagLines({ long: 'one\ntwo', 'a=b': 'c', short: 'x' }), 'short=x');
});
