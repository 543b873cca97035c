/** Projects to run the program on: a copy of the example, and small ones that are built in a second. */
import { execFileSync } from 'node:child_process';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { seeded } from '#core';
import { repository } from './gyre-fixture.ts';

/** The churn example in a repository of its own. @returns its folder and commit */
export async function copyOfExample(folder: string): Promise<{ readonly folder: string; readonly commit: string }> {
  const target = join(folder, 'churn');
  await cp(join(repository, 'examples/churn'), target, {
    recursive: true,
    filter: (path) => !/[/\\]\.gyre(-control)?([/\\]|$)/.test(path),
  });
  await writeFile(join(target, '.gitignore'), '.gyre*\n');
  // On a machine shared with others a stall of theirs would fail the example's own limit, which is not what the tests ask.
  await edit(join(target, 'gyre.yaml'), (text) =>
    text.replace('latencyP99Ms: 250, requestsPerSecond: 100', 'latencyP99Ms: 5000, requestsPerSecond: 20'),
  );
  return { folder: target, commit: commitAll(target) };
}

/** Makes a folder a repository, and commits all that is in it. */
export function commitAll(folder: string): string {
  const git = (...words: string[]): string =>
    execFileSync('git', ['-C', folder, '-c', 'user.name=test', '-c', 'user.email=test@example.org', ...words], { encoding: 'utf8' });
  git('init', '-q');
  git('add', '-A');
  git('commit', '-q', '-m', 'as it is');
  return git('rev-parse', 'HEAD').trim();
}

/** Cuts down what takes the example's time, where the quality of its models is not the question: the trials of the search, the load. */
export function fewTrials(folder: string): Promise<void> {
  return edit(join(folder, 'gyre.yaml'), (text) =>
    text.replace('trials: 12', 'trials: 2').replace('[0.1, 1, 10]', '[1]').replace('durationMs: 1500', 'durationMs: 300'),
  );
}

/** Changes a file, and makes sure that it did. */
export async function edit(file: string, change: (text: string) => string): Promise<void> {
  const text = await readFile(file, 'utf8');
  const changed = change(text);
  if (changed === text) throw new Error(`${file}: the change found nothing to change`);
  await writeFile(file, changed);
}

/** Customers of a shop that never was: numbers, categories with gaps, a boolean, dates, a key, and targets of two kinds. */
export function people(rows: number, seed = 11): string {
  const random = seeded(seed);
  const lines = ['customer_id,age,plan,income,newsletter,joined,spend,cancelled'];
  for (let row = 0; row < rows; row++) {
    const age = 18 + random.int(60);
    const plan = ['basic', 'plus', 'pro'][random.int(3)];
    const income = 20_000 + 80_000 * random.next();
    const newsletter = random.next() < 0.6;
    const joined = new Date(Date.UTC(2024, 0, 1 + random.int(700))).toISOString().slice(0, 10);
    const spend = 20 + income / 1000 + (plan === 'pro' ? 40 : 0) + 5 * random.normal();
    const cancelled = (plan === 'basic' ? 1.5 : -0.5) + (newsletter ? -1 : 0.8) + (age - 48) / 15 + random.normal() > 0;
    const cells = [age, random.next() < 0.03 ? '' : plan, income.toFixed(2), newsletter, joined, spend.toFixed(2)];
    lines.push(`c${String(row).padStart(4, '0')},${cells.join(',')},${cancelled ? 'yes' : 'no'}`);
  }
  return `${lines.join('\n')}\n`;
}

/** A project of `people` without search: built in about a second. */
export async function smallProject(folder: string, options: { readonly rows?: number; readonly csv?: string } = {}): Promise<string> {
  const target = join(folder, 'shop');
  await mkdir(target, { recursive: true });
  await writeFile(join(target, 'people.csv'), options.csv ?? people(options.rows ?? 400));
  await writeFile(
    join(target, 'gyre.yaml'),
    `project: shop
charter:
  problem: Who cancels?
  owner: Test
  success: { accuracy: ">= 0.6" }
data:
  people: { source: people.csv, key: customer_id, target: cancelled, split: { parts: { train: 0.5, validation: 0.2, test: 0.3 } } }
steps:
  prepare:
    of: people
    target: cancelled
    positive: "yes"
    transform: { exclude: [customer_id, joined], numeric: { impute: median, scale: standard }, categorical: { impute: missing, encode: one_hot } }
  logistic: { trainer: logistic, of: prepare, metric: accuracy, seed: 3 }
  boosting: { trainer: gbdt, of: prepare, metric: accuracy, seed: 3 }
test: { gates: [] }
release:
  environments: { test: { certify: qa }, production: { approve: approver } }
  tests: { latencyP99Ms: 5000, requestsPerSecond: 20, durationMs: 300 }
serve: { endpoint: shop }
monitor: { window: 1d, minRows: 10 }
`,
  );
  return target;
}
