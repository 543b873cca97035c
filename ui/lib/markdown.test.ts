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

  test('has fenced blocks, which may hold anything, and links to pages of the web and of the platform', () => {
    assert.deepEqual(blocksOf('a\n```chart\nmetric: loss\n\n# no heading\n```\nb\n```\nopen'), [
      { is: 'paragraph', spans: [{ is: 'text', text: 'a' }] },
      { is: 'fence', language: 'chart', text: 'metric: loss\n\n# no heading' },
      { is: 'paragraph', spans: [{ is: 'text', text: 'b' }] },
      { is: 'fence', language: '', text: 'open' },
    ]);
    assert.deepEqual(blocksOf('[run](/runs/7) and [web](https://example.org/a?b)'), [
      {
        is: 'paragraph',
        spans: [
          { is: 'link', text: 'run', href: '/runs/7' },
          { is: 'text', text: ' and ' },
          { is: 'link', text: 'web', href: 'https://example.org/a?b' },
        ],
      },
    ]);
    const [unsafe] = blocksOf('[x](//elsewhere) [y](data:text/html,x)');
    assert.deepEqual(unsafe, { is: 'paragraph', spans: [{ is: 'text', text: '[x](//elsewhere) [y](data:text/html,x)' }] });
  });

  test('takes elements and links for the text that they are', () => {
    assert.deepEqual(blocksOf('<script>alert(1)</script> [x](javascript:alert(1))'), [
      { is: 'paragraph', spans: [{ is: 'text', text: '<script>alert(1)</script> [x](javascript:alert(1))' }] },
    ]);
  });
});
