import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { QualityReport, QualityTrend } from '#contract';
import { done, facts, gyre, temporaryFolder } from '../harness/gyre-fixture.ts';
import { edit, people, smallProject } from '../harness/projects-fixture.ts';

describe('quality in the pipeline', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let cwd = '';
  before(async () => {
    folder = await temporaryFolder();
    const csv = people(300)
      .replace(/^(c0007),\d+/m, '$1,')
      .replace(/^c0009/m, 'c0008');
    cwd = await smallProject(folder.path, { csv });
    await edit(join(cwd, 'gyre.yaml'), (text) =>
      text.replace('target: cancelled, split', 'target: cancelled, quality: { fail: ["missing: age"] }, split'),
    );
  });
  after(() => folder[Symbol.asyncDispose]());

  test('a check that fails stops the run and says why; with the bad rows set aside the others go on', async () => {
    const stopped = await gyre(['run'], { cwd });
    assert.equal(stopped.code, 1);
    const said = `${stopped.stdout}${stopped.stderr}`;
    assert.match(said, /"people" fails 2 quality checks: missing: age: age is missing in 1 row \(0\.33 %\); unique key: 1 row repeat/);
    assert.match(said, /skipped split:people/);

    await edit(join(cwd, 'gyre.yaml'), (text) => text.replace('quality: {', 'quality: { quarantine: true,'));
    assert.match(await done(['run'], { cwd }), /quality:people: 2 rows set aside/);
    const { points } = await facts<QualityTrend>(['data', 'quality', '--trend', 'people'], { cwd });
    assert.deepEqual(
      points.map(({ rows, violations }) => [rows, violations]),
      [
        [300, 2],
        [298, 0],
      ],
    );
    const whole = await gyre(['data', 'quality', points[0].version, '--json'], { cwd });
    assert.equal(whole.code, 1, 'a report that fails is a verdict');
    const { quarantine } = JSON.parse(whole.stdout) as QualityReport;
    assert.ok(quarantine);
    const aside = await done(['data', 'rows', quarantine.version], { cwd });
    assert.match(aside, /^c0007 .* missing: age$/m);
    assert.match(aside, /^c0008 .* unique key$/m);
  });
});
