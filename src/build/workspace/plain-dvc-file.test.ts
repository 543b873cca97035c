import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Document, parse } from 'yaml';
import { parsePlain, plainText } from './plain-dvc-file.ts';

const md5 = '0123456789abcdef0123456789abcdef';
const names = ['data', 'a b.csv', '_x', './x', '.hidden', 'x=1+2@3-4', 'a  b', 'data(1)'];
const oddNames = [
  '.5',
  '._',
  '.inf',
  '.NaN',
  'true',
  'No',
  'null',
  'n',
  '1e5',
  '2020-01-01',
  '-x',
  'a: b',
  'a #b',
  ' a',
  'a ',
  "it's",
  '"q"',
  'a\tb',
  '*x',
  '&x',
  'café',
];

describe('a .dvc file in the plain form', () => {
  for (const name of names) {
    test(`says of "${name}" what a YAML reader says, and is what a YAML writer gives`, () => {
      const out = { md5: `${md5}.dir`, size: 123456, nfiles: 7, hash: 'md5', path: name };
      const text = plainText(Object.entries(out));
      assert.equal(text, new Document({ outs: [out] }).toString({ lineWidth: 0, indentSeq: false }));
      assert.deepEqual(
        parsePlain(text)?.map((members) => Object.fromEntries(members)),
        [out],
      );
    });
  }

  test('of several outs', () => {
    const text = `outs:\n- md5: ${md5}\n  size: 0\n  isexec: true\n  hash: md5\n  path: a\n- path: b\n`;
    assert.deepEqual({ outs: parsePlain(text)?.map((members) => Object.fromEntries(members)) }, parse(text));
  });

  test('is none where a reader could take a value for something else', () => {
    for (const name of oddNames) {
      assert.equal(
        plainText([
          ['md5', md5],
          ['path', name],
        ]),
        undefined,
        name,
      );
      assert.equal(parsePlain(`outs:\n- path: ${name}\n`), undefined, name);
    }
    for (const number of ['12345678901234567890123456789012', '1234567890123456789012345678e123'])
      assert.equal(parsePlain(`outs:\n- md5: ${number}\n  path: a\n`), undefined, number);
    for (const size of ['0x10', '1_000', '-1', '1.5', '012', '9'.repeat(16)])
      assert.equal(parsePlain(`outs:\n- size: ${size}\n  path: a\n`), undefined, size);
  });

  test('is none with anything that it does not know', () => {
    const texts = [
      '',
      'outs:\n',
      'outs: []\n',
      'outs:\n- path: a',
      'outs:\n  path: a\n',
      'outs:\n- path: a\r\n',
      'outs:\n- path: a\n  path: b\n',
      'outs:\n- path: a\n  # said\n',
      'outs:\n- path: a # said\n',
      'outs:\n- path: a\n  cache: false\n',
      'outs:\n- path: a\nmeta:\n  x: 1\n',
      'wdir: sub\nouts:\n- path: a\n',
      'outs:\n- path: a\n  isexec: yes\n',
    ];
    for (const text of texts) assert.equal(parsePlain(text), undefined, JSON.stringify(text));
  });
});
