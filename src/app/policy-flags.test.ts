import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ReleaseManifest } from '#contract';
import { hasCode } from '#core';
import { sampleManifest, samplePackage } from '#serving';
import { requireNoPolicy, withPolicy } from './policy-flags.ts';
import type { PolicyFlags } from './policy-flags.ts';

const manifest: ReleaseManifest = sampleManifest(samplePackage(), 1);

describe('what `gyre serve --model` is told of limits and log', () => {
  test('stands instead of what the models’ own manifest says; the rest stays', () => {
    const told = withPolicy({ maxConcurrent: '8', rate: '50/100', logMask: ['email', 'email'], logWhenFull: 'drop_oldest', logSample: '0.25' }, manifest); // prettier-ignore
    assert.deepEqual(told.limits, { ...manifest.limits, maxConcurrent: 8, rate: { perSecond: 50, burst: 100 } });
    assert.deepEqual(told.log, { ...manifest.log, sample: 0.25, mask: ['email'], whenFull: 'drop_oldest' });
    assert.deepEqual(withPolicy({}, manifest), manifest);
    assert.deepEqual(withPolicy({ rate: '0.5' }, manifest).limits.rate, { perSecond: 0.5 });
  });

  test('is refused with the option and what would be right', () => {
    const wrong: readonly (readonly [PolicyFlags, RegExp])[] = [
      [{ maxConcurrent: '0' }, /^--max-concurrent must be a whole number from 1 on, not "0"/],
      [{ rate: 'many' }, /^--rate must be requests a second, such as 50.*not "many"/],
      [{ rate: '0' }, /^--rate/],
      [{ logSample: '2' }, /^--log-sample must be a share from 0/],
      [{ logSample: '' }, /^--log-sample/],
      [{ logWhenFull: 'panic' }, /^--log-when-full must be refuse or drop_oldest/],
      [{ logMask: [''] }, /^--log-mask must name/],
    ];
    for (const [flags, said] of wrong)
      assert.throws(
        () => withPolicy(flags, manifest),
        (error) => hasCode(error, 'INVALID_ARGUMENT') && said.test(error.message),
        JSON.stringify(flags),
      );
  });

  test('is refused beside a manifest, which says it itself', () => {
    requireNoPolicy({});
    assert.throws(
      () => requireNoPolicy({ logDrop: ['street'] }),
      (error) => hasCode(error, 'INVALID_ARGUMENT') && error.message.startsWith('--log-drop is for models by their place'),
    );
  });
});
