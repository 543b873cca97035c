import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sha256 } from '#core';
import { parseLfsPointer } from './index.ts';

const oid = sha256('the data');
const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize 8\n`;

describe('a Git LFS pointer', () => {
  test('names the bytes that it stands for, as text and as bytes', () => {
    const expected = { oid, size: 8, extensions: [] };
    assert.deepEqual(parseLfsPointer(pointer), expected);
    assert.deepEqual(parseLfsPointer(Buffer.from(pointer)), expected);
    assert.deepEqual(parseLfsPointer(Buffer.from(`xx${pointer}`).subarray(2)), expected);
  });

  test('is known with the line ends of Windows, without the last one, and by its earlier names', () => {
    const expected = { oid, size: 8, extensions: [] };
    assert.deepEqual(parseLfsPointer(pointer.replaceAll('\n', '\r\n')), expected);
    assert.deepEqual(parseLfsPointer(pointer.trimEnd()), expected);
    assert.deepEqual(parseLfsPointer(pointer.replace('git-lfs.github.com', 'hawser.github.com')), expected);
  });

  test('tells of extensions', () => {
    const extended = `version https://git-lfs.github.com/spec/v1\next-0-case-inverter sha256:${sha256('x')}\noid sha256:${oid}\nsize 8\n`;
    assert.deepEqual(parseLfsPointer(extended)?.extensions, ['case-inverter']);
  });

  test('is not seen in what only looks like one', () => {
    const others = [
      '',
      'version 2 of the file\n',
      pointer.replace('spec/v1', 'spec/v9'),
      pointer.replace(oid, oid.slice(1)),
      pointer.replace(oid, oid.toUpperCase()),
      pointer.replace('size 8', 'size eight'),
      pointer.replace('size 8\n', ''),
      `${pointer}and then some prose\twith TABS\n`,
      `${pointer}${'x'.repeat(1000)}\n`,
      ` ${pointer}`,
    ];
    for (const other of others) assert.equal(parseLfsPointer(other), undefined, JSON.stringify(other));
  });
});
