import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { requireArtifactPath } from './paths.ts';

describe('a path of an artifact', () => {
  for (const path of [
    'a',
    '0/0190d3f2a1b27c3d8e4f5a6b7c8d9e0f/artifacts/model/MLmodel',
    'plots/größe ½ 日本.png',
    'a%20b/100%',
    '…/..hidden/a..b/...',
    '.gitignore',
    'times/12:30.txt',
    `${'n'.repeat(255)}/x`,
  ]) {
    test(`may be ${JSON.stringify(path).slice(0, 60)}`, () => assert.equal(requireArtifactPath(path), path));
  }

  const refused: Readonly<Record<string, RegExp>> = {
    '': /is empty/,
    '/etc/passwd': /is absolute/,
    '//etc/passwd': /is absolute/,
    '..': /has "\.\." in it/,
    'a/../../b': /has "\.\." in it/,
    './a': /has "\." in it/,
    'a//b': /empty name/,
    'a/': /empty name/,
    '%2e%2e/a': /has "\.\." in it/,
    '%252e%252e/a': /has "\.\." in it/,
    '%25252e%25252e%25252fa': /has "\.\." in it/,
    '..%2fa': /has "\.\." in it/,
    '%2fetc/passwd': /is absolute/,
    'a%5c..%5cb': /backslash/,
    'a\\b': /backslash/,
    'C:/windows': /names a drive/,
    'c:windows': /names a drive/,
    'C%3A/windows': /names a drive/,
    'file:/etc/passwd': /names a scheme/,
    'file:///etc/passwd': /names a scheme/,
    'file:etc': /names a scheme/,
    'http://host/a': /names a scheme/,
    'a\u0000b': /cannot be seen/,
    'a%00b': /cannot be seen/,
    'a\nb': /cannot be seen/,
    'a\u202egnp.exe': /cannot be seen/,
    '．．/a': /has "\.\." in it/,
    '‥/a': /has "\.\." in it/,
    '․․/a': /has "\.\." in it/,
    'a\ud800b': /no Unicode text/,
    [`${'n'.repeat(256)}/x`]: /more than 255 bytes/,
    [`${'ü'.repeat(128)}`]: /more than 255 bytes/,
    [Array.from({ length: 1001 }, () => 'n').join('/')]: /more than 2000 bytes/,
  };
  for (const [path, message] of Object.entries(refused)) {
    test(`is not ${JSON.stringify(path).slice(0, 60)}`, () =>
      assert.throws(() => requireArtifactPath(path), { code: 'INVALID_ARGUMENT', message }));
  }
});
