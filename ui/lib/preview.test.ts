import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { imageType, previewOf, tableRows } from './preview.ts';

describe('the preview of a file', () => {
  test('goes by its name', () => {
    assert.deepEqual(['a/B.PNG', 'x.csv', 'model/MLmodel', 'notes.md', 'plot.html', 'model.onnx', 'none'].map(previewOf), [
      'image',
      'table',
      'text',
      'markdown',
      'html',
      'graph',
      undefined,
    ]);
    assert.equal(imageType('a.svg'), 'image/svg+xml');
  });

  test('reads tables whose cells hold separators, quotes and lines', () => {
    assert.deepEqual(tableRows('a,b\r\n"1,5","say ""hi""\nagain"\r\n,3', ',', 10), [
      ['a', 'b'],
      ['1,5', 'say "hi"\nagain'],
      ['', '3'],
    ]);
    assert.deepEqual(tableRows('a\tb\n1\t2\n3\t4\n', '\t', 2), [
      ['a', 'b'],
      ['1', '2'],
    ]);
  });
});
