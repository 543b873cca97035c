import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { checkProject, loadProject, problemText } from './index.ts';
import type { LoadedProject } from './index.ts';

const files = {
  'customers.csv': 'id,signup,city\n1,2026-01-01T00:00:00Z,Rome\n',
  'transactions.csv': 'tx,customer,ts,amount\na,1,2026-01-01T00:00:00Z,10\n',
  'demographics.csv': 'person,age\n1,40\n',
};

/** A project with a joined dataset; its first line of `source` is line 9. */
const project = (source: string, more = ''): string => `project: small
charter: { problem: p, owner: o, success: { accuracy: ">= 0.5" } }
data:
  customers: { source: customers.csv, key: id }
  transactions: { source: transactions.csv, key: tx }
  demographics: { source: demographics.csv, key: person }
  profile:
    key: id
    source:
${source
  .split('\n')
  .map((line) => `      ${line}`)
  .join('\n')}
${more}steps: { show: { run: ls } }
`;

const right = `join: customers
at: signup
with:
  transactions: { key: customer, time: ts, window: 90d, aggregate: { spend: sum(amount), visits: count() } }
  recent: { of: transactions, key: customer, time: ts, bounds: at, latest: { last_amount: amount } }
  demographics: { key: person }`;

async function withProject<T>(text: string, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'gyre-joins-'));
  try {
    for (const [name, content] of Object.entries({ ...files, 'gyre.yaml': text })) await writeFile(join(folder, name), content);
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
const problemsOf = (text: string): Promise<readonly string[]> =>
  withProject(text, async (folder) => (await checkProject(folder)).problems.map(problemText));
const load = (text: string): Promise<LoadedProject> => withProject(text, (folder) => loadProject(folder));

describe('checking a joined dataset', () => {
  test('finds nothing wrong in a right one, settles its defaults and knows its columns', async () => {
    assert.deepEqual(await problemsOf(project(right)), []);
    const { resolved } = await load(project(right));
    const profile = resolved.datasets.find(({ name }) => name === 'profile');
    assert.equal(profile?.source, 'join of customers with transactions, recent, demographics');
    assert.partialDeepStrictEqual(profile?.join, { base: 'customers', key: 'id', at: 'signup' });
    assert.deepEqual(
      profile?.join?.sides.map(({ name, dataset, windowMs, bounds }) => [name, dataset, windowMs, bounds]),
      [
        ['transactions', 'transactions', 90 * 86_400_000, 'before'],
        ['recent', 'transactions', undefined, 'at'],
        ['demographics', 'demographics', undefined, 'before'],
      ],
    );
    const [problem] = await problemsOf(project(right, '    target: spent\n'));
    assert.equal(problem, 'gyre.yaml:16:13 data.profile.target: dataset "profile" has no column "spent"; did you mean "spend"?');
  });

  test('asks by which column rows are joined where the base has no key', async () => {
    const keyless = project(right).replace('customers: { source: customers.csv, key: id }', 'customers: { source: customers.csv }');
    assert.deepEqual(await problemsOf(keyless), [
      'gyre.yaml:10:13 data.profile.source.join: "customers" has no key that the others could be joined by; say by which column with "key"',
    ]);
    assert.deepEqual(await problemsOf(keyless.replace('join: customers', 'join: customers\n      key: id')), []);
  });

  const cases: readonly (readonly [string, string, string, string])[] = [
    [
      'an unknown base',
      'join: customers',
      'join: customer',
      ':10:13 data.profile.source.join: there is no dataset "customer"; did you mean "customers"?',
    ],
    [
      'an unknown dataset',
      '  demographics: {',
      '  demografics: {',
      ':15:9 data.profile.source.with.demografics: there is no dataset "demografics"; did you mean "demographics"?',
    ],
    [
      'an unknown column',
      'key: customer,',
      'key: customers,',
      'source.with.transactions.key: dataset "transactions" has no column "customers"; did you mean "customer"?',
    ],
    ['an unknown instant', 'at: signup', 'at: signed', 'source.at: dataset "customers" has no column "signed"'],
    ['an unknown aggregate', 'sum(amount)', 'total(amount)', 'aggregate.spend: "total(amount)" is no aggregate: there are count(…)'],
    [
      'an aggregate of an unknown column',
      'sum(amount)',
      'sum(amounts)',
      'aggregate.spend: dataset "transactions" has no column "amounts"; did you mean "amount"?',
    ],
    ['an aggregate of nothing', 'sum(amount)', 'sum()', 'aggregate.spend: "sum()" names no column: such as sum(amount)'],
    [
      'figures that would look into the future',
      'time: ts, window: 90d, aggregate',
      'aggregate',
      'aggregate: needs "time": without it, rows after "signup" would count as well',
    ],
    ['a window without an instant', 'at: signup\n', '', 'with.transactions.window: needs "time" here and "at" above'],
    [
      'two columns of one name',
      'last_amount: amount',
      'visits: amount',
      'with.recent: gives a column "visits", and so does "transactions"; give it another name',
    ],
    [
      'two things taken at once',
      '{ key: person }',
      '{ key: person, columns: [age], latest: [age] }',
      'with.demographics.columns: stands beside "latest"',
    ],
    [
      'a time where one row is expected',
      '{ key: person }',
      '{ key: person, time: age }',
      'with.demographics.time: is for rows that come one after the other; write "latest"',
    ],
  ];
  for (const [what, from, to, message] of cases) {
    test(`names ${what}, with its place`, async () => {
      assert.ok(right.includes(from));
      const problems = await problemsOf(project(right.replace(from, to)));
      assert.ok(
        problems.some((problem) => /^gyre\.yaml:\d+:\d+ data\.profile\./.test(problem) && problem.includes(message)),
        problems.join('\n'),
      );
    });
  }

  test('finds datasets that are joined from each other', async () => {
    const circle = `join: customers\nwith:\n  other: { key: id }`;
    const other = '  other: { source: { join: profile, with: { demographics: { key: person } } }, key: id }\n';
    const problems = await problemsOf(project(circle, other));
    assert.ok(
      problems.some((problem) => problem.includes('datasets are joined from each other: profile → other → profile')),
      problems.join('\n'),
    );
  });
});
