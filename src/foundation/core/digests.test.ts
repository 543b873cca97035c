import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { asSha256, canonicalJson, digestOf, isSha256, sha256 } from './digests.ts';
import { hasCode } from './errors.ts';

describe('canonical JSON', () => {
  test('writes RFC 8785’s first example as the RFC does', () => {
    // Section 3.2.2: the input, and the output of section 3.2.3.
    const input = String.raw`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
      "literals": [null, true, false]
    }`;
    const expected =
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}';
    assert.equal(canonicalJson(JSON.parse(input)), expected);
  });

  test('sorts keys by their UTF-16 code units', () => {
    // Section 3.2.3's example: the order of the values is the order that the RFC asks for.
    const input = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\ud83d\ude00': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    };
    assert.deepEqual(Object.values(JSON.parse(canonicalJson(input).replace('"1":', '"\\u0001x":')) as Record<string, string>), [
      'Carriage Return',
      'One',
      'Control',
      'Latin Small Letter O With Diaeresis',
      'Euro Sign',
      'Emoji: Grinning Face',
      'Hebrew Letter Dalet With Dagesh',
    ]);
  });

  test('writes the RFC’s sample numbers as the RFC does', () => {
    // Appendix B: IEEE 754 bits and the text they must become.
    const samples: readonly (readonly [bits: bigint, text: string])[] = [
      [0x0000000000000000n, '0'],
      [0x8000000000000000n, '0'],
      [0x0000000000000001n, '5e-324'],
      [0x8000000000000001n, '-5e-324'],
      [0x7fefffffffffffffn, '1.7976931348623157e+308'],
      [0x4340000000000000n, '9007199254740992'],
      [0x4430000000000000n, '295147905179352830000'],
      [0x44b52d02c7e14af5n, '9.999999999999997e+22'],
      [0x44b52d02c7e14af6n, '1e+23'],
      [0x444b1ae4d6e2ef4en, '999999999999999700000'],
      [0x444b1ae4d6e2ef50n, '1e+21'],
      [0x3eb0c6f7a0b5ed8cn, '9.999999999999997e-7'],
      [0x3eb0c6f7a0b5ed8dn, '0.000001'],
      [0x41b3de4355555553n, '333333333.3333332'],
      [0xbecbf647612f3696n, '-0.0000033333333333333333'],
      [0x43143ff3c1cb0959n, '1424953923781206.2'],
    ];
    for (const [bits, text] of samples) {
      const view = new DataView(new ArrayBuffer(8));
      view.setBigUint64(0, bits);
      assert.equal(canonicalJson(view.getFloat64(0)), text);
    }
  });

  test('leaves members out whose value is undefined, and says null for a hole in an array', () => {
    assert.equal(canonicalJson({ b: undefined, a: [undefined, 1] }), '{"a":[null,1]}');
  });

  test('refuses what JSON cannot say', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 1n, () => 1, undefined, { deep: [Number.NEGATIVE_INFINITY] }]) {
      assert.throws(
        () => canonicalJson(value),
        (error) => hasCode(error, 'INVALID_ARGUMENT'),
      );
    }
  });
});

describe('a digest', () => {
  test('is the SHA-256 of FIPS 180-4’s examples', () => {
    assert.equal(sha256(''), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    assert.equal(sha256('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    assert.equal(sha256(Uint8Array.of(0x61, 0x62, 0x63)), sha256('abc'));
  });

  test('of a value does not depend on the order in which it was written', () => {
    assert.equal(digestOf({ a: 1, b: { c: 2, d: 3 } }), digestOf({ b: { d: 3, c: 2 }, a: 1 }));
    assert.notEqual(digestOf({ a: 1 }), digestOf({ a: '1' }));
    assert.notEqual(digestOf([1, 2]), digestOf([2, 1]));
  });

  test('is told from other texts by its form', () => {
    assert.equal(isSha256(sha256('abc')), true);
    assert.equal(asSha256(sha256('abc')), sha256('abc'));
    for (const text of ['', 'abc', sha256('abc').toUpperCase(), `${sha256('abc')}0`, `${sha256('abc')}\n`]) {
      assert.equal(isSha256(text), false, JSON.stringify(text));
      assert.throws(() => asSha256(text), /64 lower-case hex digits/);
    }
  });
});
