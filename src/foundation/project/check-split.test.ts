import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { checkProject, loadProject, problemText } from './index.ts';

const project = (split: string, gates = 'accuracy >= 0.7'): string => `project: small
charter:
  problem: who leaves
  owner: Ada
  success: { roc_auc: ">= 0.8" }
data:
  visits:
    source: visits.csv
    key: id
    split: ${split}
steps:
  prepare: { of: visits, target: ill, positive: "yes", transform: { exclude: [id] } }
  boosting: { trainer: gbdt, of: prepare }
test:
  gates: [${gates}]
`;
const parts = 'parts: { train: 0.6, validation: 0.2, test: 0.2 }';
const rows = 'id,patient,clinic,latitude,longitude,seen,ill\n1,p,c,46.1,7.2,2026-01-01,yes\n2,q,d,46.2,7.3,2026-01-02,no\n';

async function inFolder<T>(text: string, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'gyre-split-'));
  try {
    await writeFile(join(folder, 'gyre.yaml'), text);
    await writeFile(join(folder, 'visits.csv'), rows);
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const problemsOf = (text: string): Promise<readonly string[]> =>
  inFolder(text, async (folder) => (await checkProject(folder)).problems.map((problem) => problemText(problem)));

describe('the split of a dataset in gyre.yaml', () => {
  test('names strategies of parts and validation sets', async () => {
    const text = project(`{
      ${parts}, group: patient,
      sets: {
        chance: { share: 0.1 }, ill: { share: 0.1, stratify: ill }, newest: { time: seen, from: 2026-01-02 },
        squares: { share: 0.1, location: [latitude, longitude], cell: 0.5 }, some: { location: clinic, places: [c] } } }`);
    assert.deepEqual(await problemsOf(text), []);
    const [{ split }] = await inFolder(text, async (folder) => (await loadProject(folder)).resolved.datasets);
    assert.deepEqual(split, {
      parts: { train: 0.6, validation: 0.2, test: 0.2 },
      salt: 'small',
      strategy: { strategy: 'group', columns: ['patient'] },
      sets: [
        { set: 'chance', strategy: { strategy: 'random', columns: [] }, share: 0.1 },
        { set: 'ill', strategy: { strategy: 'stratified', columns: ['ill'] }, share: 0.1 },
        { set: 'newest', strategy: { strategy: 'time', columns: ['seen'], from: '2026-01-02' } },
        { set: 'squares', strategy: { strategy: 'location', columns: ['latitude', 'longitude'], cell: 0.5 }, share: 0.1 },
        { set: 'some', strategy: { strategy: 'location', columns: ['clinic'], places: ['c'] } },
      ],
    });
    const timed = project(`{ ${parts}, time: seen, from: { test: 2026-03-01, validation: 2026-02-01 } }`);
    const [dataset] = await inFolder(timed, async (folder) => (await loadProject(folder)).resolved.datasets);
    assert.deepEqual(dataset.split.begins, ['2026-02-01', '2026-03-01']);
  });

  const wrong: readonly (readonly [name: string, split: string, message: string])[] = [
    [
      'a set that does not say how much it takes',
      '{ near: { location: clinic } }',
      'sets.near: does not say how much it takes; such as share: 0.1',
    ],
    [
      'a set by two strategies',
      '{ near: { location: clinic, group: patient, share: 0.1 } }',
      'sets.near: names group and location; rows are dealt by one of them; make a validation set for each',
    ],
    ['a set with the name of a part', '{ test: { share: 0.1 } }', 'sets.test: "test" is the name of a part as well'],
    [
      'a column that is not there',
      '{ near: { group: pacient, share: 0.1 } }',
      'sets.near.group: dataset "visits" has no column "pacient"; did you mean "patient"?',
    ],
    [
      'places without a location',
      '{ near: { group: patient, places: [c] } }',
      'sets.near.places: goes with "location", which is not named',
    ],
    [
      'a share beside a beginning',
      '{ new: { time: seen, from: 2026-01-02, share: 0.1 } }',
      'sets.new.share: is settled by "from" already; leave one out',
    ],
    [
      'a cell of names',
      '{ near: { location: clinic, cell: 1, share: 0.1 } }',
      'sets.near.cell: is for two columns of degrees, latitude and longitude; such as location: [latitude, longitude]',
    ],
  ];
  for (const [name, sets, message] of wrong) {
    test(`refuses ${name}`, async () => {
      const problems = await problemsOf(project(`{ ${parts}, sets: ${sets} }`));
      assert.deepEqual(
        problems.map((text) => text.replace(/^gyre\.yaml:\d+:\d+ data\.visits\.split\./, '')),
        [message],
      );
    });
  }

  test('refuses beginnings without a column of time or for parts that are not there, and gates on unknown sets', async () => {
    assert.match((await problemsOf(project(`{ ${parts}, from: { test: 2026-02-01 } }`))).join(), /not by which column; add "time: COLUMN"/);
    const missing = await problemsOf(project(`{ ${parts}, time: seen, from: { train: 2026-01-01, test: 2026-02-01 } }`));
    assert.match(missing.join(), /does not say when part "validation" begins/);
    assert.match(missing.join(), /the first part has all that is earlier/);
    const gates = await problemsOf(project(`{ ${parts} }`, 'accuracy on newest >= 0.7'));
    assert.match(gates.join(), /no split has a validation set "newest"; name it under split\.sets/);
  });
});
