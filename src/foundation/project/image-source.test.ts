import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { checkProject, problemText } from './index.ts';

const project = (source: string, more = ''): string => `project: pictures
charter:
  problem: what is in the picture
  owner: Ada
  success: { accuracy: ">= 0.8" }
data:
  clothes:
    source: ${source}
    key: path
    target: label${more}
steps: { train: { run: python train.py } }
`;

async function checked(yaml: string): Promise<{ problems: readonly string[]; images: unknown }> {
  const folder = await mkdtemp(join(tmpdir(), 'gyre-project-'));
  try {
    const files = { 'gyre.yaml': yaml, 'images/hat/a.jpg': '', 'labels.csv': 'file,class,photographer\na.jpg,hat,Ada\n', 'one.jpg': '' };
    for (const [file, content] of Object.entries(files)) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), content);
    }
    const { problems, project: loaded } = await checkProject(folder);
    return { problems: problems.map((problem) => problemText(problem)), images: loaded?.resolved.datasets[0].images };
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('images as a source of a project', () => {
  test('are a folder with a slash at its end, or a folder with a CSV of labels', async () => {
    const plain = await checked(project('images/'));
    assert.deepEqual(plain.problems, []);
    assert.deepEqual(plain.images, {});
    const labelled = await checked(project('{ images: images, labels: labels.csv, path: file, label: class }'));
    assert.deepEqual(labelled.problems, []);
    assert.deepEqual(labelled.images, {
      labels: { file: 'labels.csv', path: 'file', label: 'class' },
    });
  });

  test('have the columns that are measured and those that the labels add', async () => {
    const good = await checked(
      project('{ images: images, labels: labels.csv, path: file, label: class }', '\n    where: "photographer = \'Ada\'"'),
    );
    assert.deepEqual(good.problems, []);
    const { problems } = await checked(project('images/', '\n    where: "brightnes > 0.1"'));
    assert.match(problems.join('\n'), /brightness/);
  });

  test('are named with line and what would be right where something is wrong', async () => {
    const cases: readonly (readonly [string, RegExp])[] = [
      ['nowhere/', /gyre\.yaml:8:\d+.*there is no folder nowhere\//],
      ['images', /gyre\.yaml:8:\d+.*images is a folder.*images\//],
      ['{ images: one.jpg }', /one\.jpg is a file; a folder of images is needed/],
      ['{ images: images, labels: labels.csv }', /labels\.csv has no column "path".*file, class, photographer/],
      ['{ images: images, labels: labels.csv, path: file, label: klass }', /has no column "klass"/],
      ['{ images: images, labels: nowhere.csv }', /nowhere\.csv cannot be read/],
      ['{ images: images, path: file }', /"path" says nothing without labels/],
      ['{ images: images, lables: labels.csv }', /unknown key "lables".*labels/],
    ];
    for (const [source, words] of cases) assert.match((await checked(project(source))).problems.join('\n'), words, source);
  });

  test('are what a transform of pictures is of: its network is a file, and it stands alone', async () => {
    const steps = (of: string, transform: string): string =>
      project('images/').replace(
        'steps: { train: { run: python train.py } }',
        `steps:\n  see: { of: ${of}, target: label, transform: ${transform} }`,
      );
    const right = await checked(steps('clothes', '{ image: { backbone: one.jpg, width: 8, height: 8 } }'));
    assert.deepEqual(right.problems, []);
    const wrong = await checked(steps('clothes', '{ image: { backbone: none.onnx, width: 8, height: 8, std: 0 }, exclude: [path] }'));
    assert.equal(wrong.problems.length, 3);
    assert.match(wrong.problems.join('\n'), /"exclude" is of columns/);
    assert.match(wrong.problems.join('\n'), /there is no file none\.onnx/);
    assert.match(wrong.problems.join('\n'), /pixels are divided by it/);
  });
});
