import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { pictureRefusal } from './picture-file.ts';

describe('a picture that is to be sent', () => {
  test('is taken when its type is known and its request fits', () => {
    assert.equal(pictureRefusal({ name: 'cat.jpg', type: 'image/jpeg', size: 1_000_000 }, 8_388_608), undefined);
    assert.equal(pictureRefusal({ name: 'cat.png', type: 'image/png', size: 50_000_000 }, undefined), undefined);
  });

  test('is refused with what would be right', () => {
    assert.match(
      pictureRefusal({ name: 'notes.txt', type: 'text/plain', size: 3 }, undefined) ?? '',
      /^notes\.txt is no picture: JPEG, PNG/,
    );
    assert.match(pictureRefusal({ name: 'a.svg', type: 'image/svg+xml', size: 3 }, undefined) ?? '', /of the type image\/svg\+xml: JPEG/);
    assert.match(pictureRefusal({ name: 'a.jpg', type: 'image/jpeg', size: 0 }, undefined) ?? '', /empty/);
    assert.match(
      pictureRefusal({ name: 'big.jpg', type: 'image/jpeg', size: 7_000_000 }, 8_388_608) ?? '',
      /7\.0 MB, which makes a request of 9\.3 MB; this endpoint takes 8\.4 MB/,
    );
  });
});
