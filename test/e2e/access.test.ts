import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gyre, temporaryFolder } from '../harness/gyre-fixture.ts';

describe('permissions on single records, on the command line', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let cwd = '';
  const say = async (words: readonly string[], code = 0): Promise<string> => {
    const ended = await gyre(words, { cwd });
    assert.equal(ended.code, code, `${ended.stdout}${ended.stderr}`);
    return `${ended.stdout}${ended.stderr}`;
  };

  before(async () => {
    folder = await temporaryFolder();
    cwd = join(folder.path, 'shop');
    await mkdir(cwd);
    await writeFile(join(cwd, 'people.csv'), 'id,age\n1,30\n2,40\n');
    await writeFile(
      join(cwd, 'gyre.yaml'),
      `project: shop
charter: { problem: p, owner: o, success: { accuracy: ">= 0.5" } }
data: { people: { source: people.csv, key: id } }
steps: { show: { run: ls } }
`,
    );
    await say(['identity', 'add', 'bea', '--role', 'stakeholder']);
  });
  after(() => folder[Symbol.asyncDispose]());

  test('are granted, listed and revoked by words that name the record', async () => {
    assert.match(await say(['access', 'list']), /where nothing was granted: what the roles say/);
    assert.match(await say(['access', 'grant', 'bea', 'deny', '--experiment', '*']), /bea has DENY on the experiment \*/);
    assert.match(await say(['access', 'ls', '--identity', 'bea']), /bea +DENY +experiment +\* /);
    assert.match(await say(['access', 'revoke', 'bea', '--experiment', '*']), /what holds for everybody/);
    await say(['access', 'revoke', 'bea', '--experiment', '*'], 4);
    assert.match(await say(['access', 'grant', 'bea', 'READ', '--model', 'none'], 4), /none/);
    assert.match(await say(['access', 'grant', 'bea', 'READ', '--experiment', 'none'], 4), /there is no experiment "none"/);
    assert.match(await say(['access', 'grant', 'bea', 'READ'], 2), /--experiment NAME or --model NAME/);
    assert.match(await say(['access', 'grant', 'bea', 'READ', '--experiment', '*', '--model', '*'], 2), /one record at a time/);
    const audited = await say(['audit', 'ls', '--json', '--limit', '100']);
    for (const kind of ['grant.given', 'grant.revoked']) assert.ok(audited.includes(kind), kind);
  });

  test('lie within roles, which an admin sets', async () => {
    assert.match(await say(['identity', 'roles', 'bea', '--role', 'data-scientist']), /bea has the roles data-scientist/);
    assert.match(await say(['identity', 'roles', 'owner', '--role', 'qa'], 3), /last admin/);
  });
});
