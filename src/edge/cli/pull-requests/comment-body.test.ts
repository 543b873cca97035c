import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { commentBody, printedReport } from './comment-body.ts';

describe('the body of a comment', () => {
  const long = ['## Report', '<details><summary>Many</summary>', '', '```text', ...Array.from({ length: 9000 }, (_, at) => `line ${at}`), '```', '', '</details>'].join('\n'); // prettier-ignore

  test('is the report behind the marker, where there is room', () => {
    assert.equal(commentBody('<!-- m -->', 'short', 100, 'Elsewhere.'), '<!-- m -->\nshort');
  });

  test('is cut between two lines, closes what was open, and says where all of it is', () => {
    const body = commentBody('<!-- m -->', long, 65_536, 'All of it: https://gyre.example/ci/1');
    assert.ok(body.length <= 65_536 && body.length > 65_000, String(body.length));
    assert.match(
      body,
      /\nline \d+\n```\n<\/details>\n\n\*The report is longer than a comment may be\. All of it: https:\/\/gyre\.example\/ci\/1\*\n$/,
    );
  });

  test('of a screen leaves out what opens by a click, and what keeps words from being markup', () => {
    const shown = printedReport('# R\n\n<details><summary>x</summary>\n\ny\n\n</details>\n\na \\| b &lt;= 3 @\u200Bada');
    assert.equal(shown, '# R\n\na | b <= 3 @ada');
  });
});
