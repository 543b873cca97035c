import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { blocksOf } from './markdown.ts';

describe('the Markdown of documents', () => {
  test('has headings, paragraphs, bullets over several lines, bold and code', () => {
    assert.deepEqual(blocksOf('## Data `x`\n\n**Missing:** all.\nAdd it.\n\n- one\n- two\n  goes on\n'), [
      {
        is: 'heading',
        level: 2,
        spans: [
          { is: 'text', text: 'Data ' },
          { is: 'code', text: 'x' },
        ],
      },
      {
        is: 'paragraph',
        spans: [
          { is: 'bold', text: 'Missing:' },
          { is: 'text', text: ' all. Add it.' },
        ],
      },
      { is: 'bullets', items: [[{ is: 'text', text: 'one' }], [{ is: 'text', text: 'two goes on' }]] },
    ]);
  });

  test('has tables, whose cells may hold a bar', () => {
    assert.deepEqual(blocksOf('| a | b |\n| --- | --- |\n| 1 | x \\| y |'), [
      {
        is: 'table',
        head: [[{ is: 'text', text: 'a' }], [{ is: 'text', text: 'b' }]],
        rows: [[[{ is: 'text', text: '1' }], [{ is: 'text', text: 'x | y' }]]],
      },
    ]);
  });

  test('takes elements and links for the text that they are', () => {
    assert.deepEqual(blocksOf('<script>alert(1)</script> [x](javascript:alert(1))'), [
      { is: 'paragraph', spans: [{ is: 'text', text: '<script>alert(1)</script> [x](javascript:alert(1))' }] },
    ]);
  });
});
