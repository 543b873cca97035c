import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hasCode } from '#core';
import { fileValues, fillTemplate, mayMeet, parseItemPattern, pathFault, templateFault } from './item-pattern.ts';

/** Which of some paths a pattern takes. */
const taken = (pattern: string, paths: readonly string[]): readonly string[] => {
  const parsed = parseItemPattern(pattern);
  return paths.filter((path) => parsed.match(path) !== undefined);
};

describe('a pattern of items', () => {
  test('takes a star for a run of characters of one segment, two for any number of segments, as a shell does', () => {
    const paths = ['a.jpg', 'images/a.jpg', 'images/cats/a.jpg', 'images/cats/old/a.jpg', 'images/a.jpeg', 'other/images/a.jpg'];
    assert.deepEqual(taken('images/*.jpg', paths), ['images/a.jpg']);
    assert.deepEqual(taken('images/**/*.jpg', paths), ['images/a.jpg', 'images/cats/a.jpg', 'images/cats/old/a.jpg']);
    assert.deepEqual(taken('images/*/a.???', paths), ['images/cats/a.jpg']);
    assert.deepEqual(taken('images/**', paths), paths.slice(1, 5));
    assert.deepEqual(taken('*.jpg', paths), ['a.jpg']);
    assert.deepEqual(taken('images/a.jpg', paths), ['images/a.jpg']);
  });

  test('leaves hidden files and folders out unless they are named, and takes other signs as they stand', () => {
    const paths = ['in/.hidden.txt', 'in/.git/x.txt', 'in/x.txt', 'in/a+b (1).txt', 'in/aab (1).txt'];
    assert.deepEqual(taken('in/**/*.txt', paths), ['in/x.txt', 'in/a+b (1).txt', 'in/aab (1).txt']);
    assert.deepEqual(taken('in/.*.txt', paths), ['in/.hidden.txt']);
    assert.deepEqual(taken('in/a+b (1).*', paths), ['in/a+b (1).txt']);
  });

  test('gives what stands in braces its name, and the same name twice the same text', () => {
    const pattern = parseItemPattern('logs/{day}/{host}-{day}.log');
    assert.deepEqual(pattern.names, ['day', 'host']);
    assert.equal(pattern.folder, 'logs');
    assert.deepEqual(pattern.match('logs/2026-01-01/web-1-2026-01-01.log'), { day: '2026-01-01', host: 'web-1' });
    assert.equal(pattern.match('logs/2026-01-01/web-2026-01-02.log'), undefined);
  });

  test('says what is wrong with one that cannot be', () => {
    const wrong = {
      'images/': 'names a folder',
      '/etc/*': 'is not relative',
      '../up/*': 'leaves the project',
      'a\\b': 'has a backslash',
      'a//b': 'has an empty',
      'images/**.jpg': 'holds "**.jpg": "**" stands alone',
      'logs/{day/*.log': 'has a brace without its partner',
      'logs/{the day}/*.log': 'names "{the day}"',
    };
    for (const [text, why] of Object.entries(wrong))
      assert.throws(
        () => parseItemPattern(text),
        (error) => hasCode(error, 'INVALID_ARGUMENT') && error.message.startsWith(`"${text}" ${why}`),
        text,
      );
  });
});

describe('an output of an item', () => {
  test('is named after the file: its folder beneath the pattern’s, its stem, name and extension', () => {
    const values = fileValues('images/cats/old/tom.v2.jpg', 'images');
    assert.deepEqual(values, { dir: 'cats/old', stem: 'tom.v2', name: 'tom.v2.jpg', ext: 'jpg' });
    assert.equal(fillTemplate('thumbs/{dir}/{stem}.png', values), 'thumbs/cats/old/tom.v2.png');
    assert.equal(fillTemplate('thumbs/{dir}/{stem}.png', fileValues('images/tom', 'images')), 'thumbs/tom.png');
    assert.equal(fillTemplate('{dir}/{stem}/', fileValues('tom.jpg', '')), 'tom/');
    assert.equal(fileValues('.profile', '').stem, '.profile');
  });

  test('is refused where it is the same for every item, leaves the project or names what is not there', () => {
    assert.equal(templateFault('thumbs/{stem}.png', ['stem']), undefined);
    assert.equal(templateFault('thumbs/{stem}/', ['stem']), undefined);
    assert.match(templateFault('thumbs/all.png', ['stem']) ?? '', /^is the same for every item/);
    assert.match(templateFault('thumbs/{step}.png', ['stem', 'dir']) ?? '', /^names \{step\}; there is \{stem\}, \{dir\}$/);
    assert.match(templateFault('../{stem}.png', ['stem']) ?? '', /^leaves the project/);
    assert.match(templateFault('thumbs/*.{stem}', ['stem']) ?? '', /^has a wildcard/);
    assert.match(pathFault('C:/x') ?? '', /^is not relative/);
  });
});

describe('what one step writes and another reads', () => {
  test('meets where one file could be both, and only there', () => {
    const pairs: readonly (readonly [string, string, boolean])[] = [
      ['a.txt', 'a.txt', true],
      ['a.txt', 'a.txt.gz', false],
      ['thumbs/{dir}/{stem}.png', 'thumbs/', true],
      ['thumbs/{stem}.png', 'thumbs/**/*.png', true],
      ['thumbs/{stem}.png', 'thumbs/**/*.json', false],
      ['images/small/{stem}.jpg', 'images/raw/*.jpg', false],
      ['images/{stem}.txt', 'images/**/*.jpg', false],
      ['thumbs/{stem}.png', 'thumbs/one.png', true],
      ['thumbs/{stem}.png', 'other/one.png', false],
      ['parts/{stem}/', 'parts/**/*.csv', true],
      ['thumbs', 'thumbs/', false],
    ];
    for (const [left, right, meet] of pairs) {
      assert.equal(mayMeet(left, right), meet, `${left} and ${right}`);
      assert.equal(mayMeet(right, left), meet, `${right} and ${left}`);
    }
  });
});
