import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { blocksOf } from './markdown.ts';
import type { Block, Span } from './markdown.ts';

const text = (of: string): Span => ({ is: 'text', text: of });
const paragraph = (of: string): Block => ({ is: 'paragraph', spans: [text(of)] });

describe('the Markdown of documents', () => {
  test('has headings, paragraphs, bullets over several lines, bold, italic, struck text and code', () => {
    assert.deepEqual(blocksOf('## Data `x`\n\n**Missing:** *all*.\nAdd ~~it~~.\n\n- one\n- two\n  goes on\n'), [
      { is: 'heading', level: 2, spans: [text('Data '), { is: 'code', text: 'x' }] },
      {
        is: 'paragraph',
        spans: [
          { is: 'bold', spans: [text('Missing:')] },
          text(' '),
          { is: 'italic', spans: [text('all')] },
          text('.\nAdd '),
          { is: 'struck', spans: [text('it')] },
          text('.'),
        ],
      },
      { is: 'list', items: [{ blocks: [paragraph('one')] }, { blocks: [paragraph('two\ngoes on')] }] },
    ]);
  });

  test('has numbered lists, lists in lists, tasks, quotes and rules', () => {
    assert.deepEqual(blocksOf('3. a\n4. b\n   - c\n\n> said\n\n---\n\n- [x] done\n- [ ] open'), [
      {
        is: 'list',
        from: 3,
        items: [{ blocks: [paragraph('a')] }, { blocks: [paragraph('b'), { is: 'list', items: [{ blocks: [paragraph('c')] }] }] }],
      },
      { is: 'quote', blocks: [paragraph('said')] },
      { is: 'rule' },
      {
        is: 'list',
        items: [
          { done: true, blocks: [paragraph('done')] },
          { done: false, blocks: [paragraph('open')] },
        ],
      },
    ]);
  });

  test('has tables, whose cells may hold a bar', () => {
    assert.deepEqual(blocksOf('| a | b |\n| --- | --- |\n| 1 | x \\| y |'), [
      { is: 'table', head: [[text('a')], [text('b')]], rows: [[[text('1')], [text('x | y')]]] },
    ]);
  });

  test('has fenced blocks, which may hold anything, to the end when they are never closed', () => {
    assert.deepEqual(blocksOf('a\n```chart\nmetric: loss\n\n# no heading\n```\nb\n```\nopen'), [
      paragraph('a'),
      { is: 'fence', language: 'chart', text: 'metric: loss\n\n# no heading' },
      paragraph('b'),
      { is: 'fence', language: '', text: 'open' },
    ]);
  });

  test('has links to pages of the web and of the platform, and images as links to them', () => {
    assert.deepEqual(blocksOf('[run](/runs/7) and [**web**](https://example.org/a?b)'), [
      {
        is: 'paragraph',
        spans: [
          { is: 'link', href: '/runs/7', spans: [text('run')] },
          text(' and '),
          { is: 'link', href: 'https://example.org/a?b', spans: [{ is: 'bold', spans: [text('web')] }] },
        ],
      },
    ]);
    assert.deepEqual(blocksOf('![a plot](https://example.org/plot.png)'), [
      { is: 'paragraph', spans: [{ is: 'link', href: 'https://example.org/plot.png', spans: [text('a plot')] }] },
    ]);
  });

  test('takes elements, and links to scripts and to nobody knows where, for the text that they are', () => {
    for (const source of [
      '[x](//elsewhere) [y](data:text/html,x)',
      '[x](javascript:alert(1))',
      '[x](JavaScript:alert(1))',
      '[x](/\\elsewhere)',
      'a <b>bold</b> word',
    ])
      assert.deepEqual(blocksOf(source), [paragraph(source)], source);
    assert.deepEqual(blocksOf('<script>alert(1)</script>'), [paragraph('<script>alert(1)</script>')]);
    assert.deepEqual(blocksOf('a &lt;b&gt; &amp;amp;'), [paragraph('a <b> &amp;')]);
  });

  test('shows what is nested too deep as it is', () => {
    const deep = '>'.repeat(50_000);
    const [only, ...others] = blocksOf(deep);
    assert.ok(others.length === 0 && only?.is === 'fence');
  });
});
