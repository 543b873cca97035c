import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { ciServices, type DeliveryPlan } from './delivery-plan.ts';
import { isAsWritten, workflowFile } from './workflow-file.ts';

const plan: DeliveryPlan = { base: 'main', test: 'test', production: 'production', folder: '', cron: '23 4 * * *' };

describe('the file of a CI service', () => {
  for (const service of ciServices) {
    const { text } = workflowFile(service, plan);

    test(`of ${service} is known again as it was written, and as another once a sign of it differs`, () => {
      assert.equal(isAsWritten(text, plan), true);
      for (const other of [text.replace('gyre ci', 'gyre  ci'), 'name: ours\n']) assert.equal(isAsWritten(other, plan), false);
      const ofAnother = workflowFile(service, { ...plan, folder: 'models/shop' }).text;
      assert.equal(isAsWritten(ofAnother, plan), 'models/shop', 'another project of the repository');
    });

    test(`of ${service} runs in the project’s folder, where that is not the repository’s own`, () => {
      const below = workflowFile(service, { ...plan, folder: 'models/shop' }).text;
      assert.match(below, /cd models\/shop/);
      assert.match(below, /models\/shop\/gyre-ci\.env/);
    });

    test(`of ${service} tests nothing where no environment certifies`, () => {
      const { test: _test, ...untested } = plan;
      const alone = workflowFile(service, untested).text;
      assert.doesNotMatch(alone, /gyre release (test|deploy)|--until certified/);
      assert.match(alone, /gyre release wait \\?"\$GYRE_MODEL_VERSION\\?" production --until ready/);
    });

    test(`of ${service} takes names of branches and folders as words of the shell`, () => {
      const odd = workflowFile(service, { ...plan, base: "it's", folder: 'a folder' }).text;
      assert.ok(odd.includes(service === 'jenkins' ? String.raw`--base \'it\'\\\'\'s\'` : service === 'gitlab' ? String.raw`--base 'it'\\''s'` : String.raw`--base 'it'\''s'`), odd); // prettier-ignore
      if (service !== 'jenkins') assert.ok(parse(odd) !== null);
      // Wherever a shell reads the file that hands on, its place is one word.
      const reading = odd.split('\n').filter((line) => /(cat|<|\. ).*gyre-ci\.env/.test(line));
      for (const line of reading) assert.match(line, /\\?'(\.\/)?a folder\/gyre-ci\.env\\?'/, line);
      assert.equal(reading.length, { github: 1, gitlab: 0, azure: 1, jenkins: 3 }[service]);
    });
  }

  test('of GitHub grants no more than it needs', () => {
    const { permissions, jobs } = parse(workflowFile('github', plan).text) as {
      readonly permissions: object;
      readonly jobs: Readonly<Record<string, { readonly permissions: object; readonly steps: readonly { readonly uses?: string }[] }>>;
    };
    assert.deepEqual(permissions, {});
    assert.deepEqual(jobs['ci']?.permissions, { contents: 'read', 'pull-requests': 'write' });
    assert.ok(['test', 'certify', 'release'].every((name) => Object.keys(jobs[name]?.permissions ?? { none: true }).length === 0));
    const actions = Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ uses }) => uses ?? []));
    assert.ok(
      actions.every((uses) => /@[0-9a-f]{40}$/.test(uses)),
      'by commit: a tag can be moved',
    );
  });
});
