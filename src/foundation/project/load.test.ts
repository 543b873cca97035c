import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Value } from 'typebox/value';
import { parse } from 'yaml';
import { Project } from '#contract';
import { hasCode, seeded } from '#core';
import { checkProject, loadProject, problemText } from './index.ts';
import type { LoadOptions } from './index.ts';
import { jsonSchema, shapeFindings } from './shape.ts';

const right = `project: small
charter:
  problem: who leaves
  owner: Ada
  success: { roc_auc: ">= 0.8" }
data:
  customers:
    source: customers.csv
    key: id
    split:
      parts: { train: 0.6, validation: 0.2, test: 0.2 }
steps:
  prepare: { of: customers, target: left, positive: "yes", transform: { exclude: [id] } }
  boosting:
    trainer: gbdt
    of: prepare
    search: { algorithm: random, trials: 3, space: { learning_rate: { log: [0.01, 0.3] } } }
test:
  gates: [accuracy by city >= 0.7]
`;

const example = join(dirname(fileURLToPath(import.meta.url)), '../../../examples/churn');

async function problemsOf(files: Readonly<Record<string, string | Uint8Array>>, options?: LoadOptions): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'gyre-project-'));
  try {
    for (const [file, content] of Object.entries({ 'customers.csv': 'id,city,age,left\n1,Rome,40,yes\n', ...files })) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), content);
    }
    return (await checkProject(folder, options)).problems.map((problem) => problemText(problem).replaceAll(folder, 'FOLDER'));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The project above with one place changed. */
const changed = (from: string, to: string): Readonly<Record<string, string>> => {
  assert.ok(right.includes(from), `the project holds ${from}`);
  return { 'gyre.yaml': right.replace(from, to) };
};

describe('checking a project', () => {
  test('finds nothing wrong in a right one, nor in the churn example', async () => {
    assert.deepEqual(await problemsOf({ 'gyre.yaml': right }), []);
    const { problems, project } = await checkProject(example);
    assert.deepEqual(problems.map(problemText), []);
    assert.equal(project?.schemas['customers'].columns.length, 21);
  });

  const cases: readonly (readonly [string, string, string, string])[] = [
    [
      'an unknown key, with what was meant',
      '    split:',
      '    spilt:',
      'gyre.yaml:10:5 data.customers.spilt: unknown key "spilt"; did you mean "split"?',
    ],
    ['a missing member, with its meaning', '  owner: Ada\n', '', 'gyre.yaml:2:1 charter: "owner" is missing (text)'],
    [
      'a number where a text belongs',
      'owner: Ada',
      'owner: 7',
      'gyre.yaml:4:10 charter.owner: must be text, is the number 7; put it in quotes: "7"',
    ],
    [
      'true where a text belongs',
      'positive: "yes"',
      'positive: true',
      'gyre.yaml:13:53 steps.prepare.positive: must be text, is true; put it in quotes: "true"',
    ],
    [
      'a text where a number belongs',
      'train: 0.6',
      'train: "0.6"',
      'gyre.yaml:11:23 data.customers.split.parts.train: must be a number between 0 and 1, is the text "0.6"; write 0.6 without quotes',
    ],
    [
      'an empty member',
      'success: { roc_auc: ">= 0.8" }',
      'success:',
      'gyre.yaml:5:3 charter.success: is empty; a mapping (name: value) is needed',
    ],
    [
      'an unknown word',
      'trainer: gbdt',
      'trainer: gdbt',
      'gyre.yaml:15:14 steps.boosting.trainer: "gdbt" is not known here; did you mean "gbdt"?',
    ],
    [
      'a step that does not say what it is',
      'trainer: gbdt',
      'trainr: gbdt',
      'gyre.yaml:15:5 steps.boosting.trainr: unknown key "trainr"; did you mean "trainer"?',
    ],
    [
      'a step that says two things',
      'trainer: gbdt',
      'trainer: gbdt\n    run: python train.py',
      'gyre.yaml:14:3 steps.boosting: has "trainer" and "run"; only one of "transform", "trainer", "run" says what it is',
    ],
    [
      'a search axis of no kind',
      '{ log: [0.01, 0.3] }',
      '{ lgo: [0.01, 0.3] }',
      'gyre.yaml:17:71 steps.boosting.search.space.learning_rate.lgo: unknown key "lgo"; did you mean "log"?',
    ],
    [
      'a range with one end',
      'log: [0.01, 0.3]',
      'log: [0.01]',
      'gyre.yaml:17:76 steps.boosting.search.space.learning_rate.log: must be a list of 2 (each a number), has 1',
    ],
    [
      'a threshold that is none',
      '">= 0.8"',
      '"about 0.8"',
      'gyre.yaml:5:23 charter.success.roc_auc: "about 0.8" does not fit: such as ">= 0.83"',
    ],
    [
      'a metric by another tool’s name',
      'roc_auc:',
      'auc:',
      'gyre.yaml:5:14 charter.success.auc: "auc" is no metric; did you mean "roc_auc"?',
    ],
    [
      'a metric of another task',
      'roc_auc: ">= 0.8"',
      'rmse: "<= 3"',
      'gyre.yaml:5:14 charter.success.rmse: rmse is not measured for a binary target; it is for regression',
    ],
    [
      'a threshold in the wrong direction',
      '">= 0.8"',
      '"<= 0.8"',
      'gyre.yaml:5:23 charter.success.roc_auc: warning: a higher roc_auc is better, but "<=" asks for the opposite',
    ],
    [
      'fractions that do not add up to 1',
      'test: 0.2',
      'test: 0.25',
      'gyre.yaml:11:14 data.customers.split.parts: the fractions add up to 1.05, not to 1; with test: 0.2 it would be',
    ],
    [
      'a missing part',
      'validation: 0.2, test: 0.2',
      'test: 0.4',
      'gyre.yaml:11:14 data.customers.split.parts: has no part "validation", which training needs; models are fitted on train, chosen on validation, judged on test',
    ],
    [
      'a file that is not there',
      'source: customers.csv',
      'source: costumers.csv',
      'gyre.yaml:8:13 data.customers.source: there is no file costumers.csv; the path is relative to gyre.yaml',
    ],
    [
      'a format that cannot be read',
      'source: customers.csv',
      'source: customers.xlsx',
      'gyre.yaml:8:13 data.customers.source: "customers.xlsx" is of no format that can be read; the file\'s name ends in .csv, .tsv, .parquet, .jsonl, .ndjson',
    ],
    [
      'a column that is not there',
      'target: left',
      'target: lfet',
      'gyre.yaml:13:37 steps.prepare.target: dataset "customers" has no column "lfet"; did you mean "left"?',
    ],
    [
      'a gate on no column',
      'by city',
      'by town',
      'gyre.yaml:19:11 test.gates[0]: no dataset has a column "town"; columns: id, city, age, left',
    ],
    [
      'a gap between groups without a column',
      'accuracy by city >= 0.7',
      'equal_opportunity_difference <= 0.1',
      'gyre.yaml:19:11 test.gates[0]: equal_opportunity_difference is a gap between groups; name their column: "equal_opportunity_difference by COLUMN <= 0.1"',
    ],
    [
      'a gap between groups of no column',
      'accuracy by city >= 0.7',
      'equal_opportunity_difference by town <= 0.1',
      'gyre.yaml:19:11 test.gates[0]: no dataset has a column "town"; columns: id, city, age, left',
    ],
    [
      'a gate that cannot be read',
      'accuracy by city >= 0.7',
      'accuracy = 0.7',
      'gyre.yaml:19:11 test.gates[0]: "accuracy = 0.7" is no gate: "roc_auc >= 0.83", "accuracy by Contract >= 0.70" or "roc_auc on newest >= 0.8" are needed',
    ],
    [
      'a trainer of a dataset',
      'of: prepare',
      'of: customers',
      'gyre.yaml:16:9 steps.boosting.of: "customers" is a dataset; a trainer is of a transform step; transform steps: prepare',
    ],
    [
      'a step that refers to nothing',
      'of: prepare',
      'of: prepair',
      'gyre.yaml:16:9 steps.boosting.of: there is no step "prepair"; a trainer is of a transform step; did you mean "prepare"?',
    ],
    [
      'a parameter that the trainer has not',
      '{ learning_rate:',
      '{ learnin_rate:',
      'gyre.yaml:17:54 steps.boosting.search.space.learnin_rate: trainer "gbdt" has no parameter "learnin_rate"; did you mean "learning_rate"?',
    ],
    [
      'a grid over a range',
      'algorithm: random',
      'algorithm: grid',
      'gyre.yaml:17:67 steps.boosting.search.space.learning_rate: a grid needs a list of values, not a range; such as [0.01, 0.3], or "algorithm: random"',
    ],
    [
      'a range the wrong way round',
      '[0.01, 0.3]',
      '[0.3, 0.01]',
      'gyre.yaml:17:76 steps.boosting.search.space.learning_rate.log: the range ends (0.01) before it begins (0.3)',
    ],
    [
      'a trainer that cannot learn the target',
      'trainer: gbdt',
      'trainer: linear',
      'gyre.yaml:15:14 steps.boosting.trainer: "linear" does not learn a binary target; these do: logistic, gbdt',
    ],
    [
      'a column that the log hides from the retraining that learns from it',
      'project: small',
      'serve: { endpoint: small, log: { drop: [email] } }\nmonitor: { onAlert: [notify, retrain] }\nproject: small',
      'gyre.yaml:1:40 serve.log.drop: "email" is hidden in the log, and a retraining learns from what is logged; leave "retrain" out of monitor.onAlert, or log the column: readers without the right see it masked in any case',
    ],
    [
      'a name that is none',
      'project: small',
      'project: a small one',
      'gyre.yaml:1:10 project: "a small one" does not fit: a name is made of letters, digits, ".", "_" and "-", begins with a letter or digit, and has at most 128 signs',
    ],
  ];
  for (const [what, from, to, expected] of cases) {
    test(`names ${what}`, async () => {
      const problems = await problemsOf(changed(from, to));
      assert.ok(problems.includes(expected), `${expected}\nis not among\n${problems.join('\n')}`);
    });
  }

  test('names steps that wait for each other', async () => {
    const steps = `  first: { run: make first, after: [second] }\n  second: { run: make second, deps: [out.txt] }\n  third: { run: make third, outs: [out.txt], after: [first] }\ntest:`;
    assert.deepEqual(await problemsOf(changed('\ntest:', `\n${steps}`)), [
      'gyre.yaml:18:3 steps.first: steps wait for each other in a circle: first → second → third → first',
    ]);
  });

  test('lists all problems at once, in the order of the lines', async () => {
    const problems = await problemsOf({
      'gyre.yaml': right.replace('test: 0.2', 'test: 0.1').replace('roc_auc', 'auc').replace('target: left', 'target: gone'),
    });
    assert.deepEqual(
      problems.map((line) => /^gyre\.yaml:(\d+)/.exec(line)?.[1]),
      ['5', '11', '13'],
    );
  });
});

describe('a file that is no project', () => {
  const texts: readonly (readonly [string, string | Uint8Array, string])[] = [
    ['an empty file', '', 'gyre.yaml:1:1: is empty'],
    ['a file of comments', '# nothing\n', 'gyre.yaml:1:1: is empty'],
    [
      'several documents',
      `${right}---\n${right}`,
      'gyre.yaml:20:1: holds 2 documents; one is needed; remove the line "---" before this one',
    ],
    ['a tab', 'project: small\ncharter:\n\tproblem: x\n', 'gyre.yaml:3:1: a tab indents this line; YAML takes spaces only'],
    [
      'a key given twice',
      'project: small\nproject: big\n',
      'gyre.yaml:2:1: the key "project" is given twice in this mapping; keep one of them',
    ],
    ['a list', '- project\n', 'gyre.yaml:1:1: must be a mapping (name: value), is a list of 1'],
    [
      'Latin-1',
      new Uint8Array([...Buffer.from('project: small\n# caf'), 0xe9, 0x0a]),
      'gyre.yaml:2:6: is not UTF-8 from here on; save it as UTF-8',
    ],
    ['UTF-16', new Uint8Array([0xff, 0xfe, 0x70, 0x00]), 'gyre.yaml:1:1: is written in UTF-16; save it as UTF-8'],
    ['a quote that is not closed', 'project: "small\n', 'gyre.yaml:2:1: a quote that is opened here is not closed'],
  ];
  for (const [what, content, expected] of texts) {
    test(`is refused with its place: ${what}`, async () => {
      const [first] = await problemsOf({ 'gyre.yaml': content });
      assert.equal(first, expected);
    });
  }

  test('says where it looked when there is none, and what a file of another name should be called', async () => {
    assert.deepEqual(await problemsOf({}), [
      'gyre.yaml: there is no gyre.yaml in FOLDER; run "gyre init" to make one, or go to the folder that has it',
    ]);
    assert.deepEqual(await problemsOf({ 'gyre.yml': right }), ['gyre.yaml: there is no gyre.yaml in FOLDER; rename gyre.yml to gyre.yaml']);
  });

  test('a bomb of aliases is refused, not expanded', async () => {
    const lines = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
    for (let level = 0; level < 8; level++)
      lines.push(`l${level}: &l${level} [${Array.from({ length: 10 }, () => `*${level === 0 ? 'a' : `l${level - 1}`}`).join(', ')}]`);
    const [first] = await problemsOf({ 'gyre.yaml': lines.join('\n') });
    assert.match(first, /^gyre\.yaml:1:1: .*alias/i);
  });
});

describe('a project in TypeScript', () => {
  const module = (body: string): Readonly<Record<string, string>> => ({ 'gyre.ts': body });

  test('is taken from its default export, types erased', async () => {
    const project = JSON.stringify(parse(right));
    assert.deepEqual(
      await problemsOf(module(`interface Any { readonly project: string }\nconst project: Any = ${project};\nexport default project;\n`)),
      [],
    );
  });
  test('is checked by the same schema', async () => {
    const project = JSON.stringify({ ...(parse(right) as object), serv: {} });
    assert.deepEqual(await problemsOf(module(`export default ${project};`)), ['gyre.ts serv: unknown key "serv"; did you mean "serve"?']);
  });
  test('has to export plain data', async () => {
    assert.deepEqual(await problemsOf(module('export default { project: () => "small" };')), [
      'gyre.ts project: is a function; a project is made of plain data',
    ]);
    assert.deepEqual(await problemsOf(module('export const project = 1;')), [
      'gyre.ts: has no default export; end it with "export default { project: …, … }"',
    ]);
  });
  test('that throws is refused with the line', async () => {
    const [first] = await problemsOf(module('\nthrow new Error("no such luck");\n'));
    assert.equal(first, 'gyre.ts:2:7: cannot be loaded: no such luck');
  });
  test('may not stand beside gyre.yaml', async () => {
    assert.deepEqual(await problemsOf({ 'gyre.yaml': right, 'gyre.ts': 'export default {}' }), [
      'gyre.ts: stands beside gyre.yaml; keep one of the two',
    ]);
  });
});

describe('settings of a project', () => {
  const withSettings = (line: string): Readonly<Record<string, string>> => ({ 'gyre.yaml': `${right}settings:\n  ${line}\n` });

  test('take secrets from the environment, and say which variable is not set', async () => {
    const files = withSettings('store: "postgres://gyre:${env:DB_PASSWORD}@db/gyre"');
    assert.deepEqual(await problemsOf(files), ['gyre.yaml:21:10 settings.store: the environment variable DB_PASSWORD is not set']);
    assert.deepEqual(await problemsOf(files, { environment: { DB_PASSWORD: 'x' } }), []);
  });
  test('hold no credential', async () => {
    const wanted = 'a credential is written down here; name an environment variable that holds it: "${env:NAME}"';
    assert.deepEqual(await problemsOf(withSettings('store: "postgres://gyre:hunter2@db/gyre"')), [
      `gyre.yaml:21:10 settings.store: ${wanted}`,
    ]);
    assert.deepEqual(await problemsOf(withSettings('smtpPassword: hunter2')), [`gyre.yaml:21:17 settings.smtpPassword: ${wanted}`]);
  });
  test('have names that are known', async () => {
    assert.deepEqual(await problemsOf(withSettings('prot: 7070'), { knownSettings: ['port', 'host'] }), [
      'gyre.yaml:21:3 settings.prot: unknown setting "prot"; did you mean "port"?',
    ]);
  });
});

describe('loading a project', () => {
  test('throws all problems as one error with the problems as data', async () => {
    await assert.rejects(loadProject(tmpdir()), (error) => hasCode(error, 'INVALID_ARGUMENT') && Array.isArray(error.details['problems']));
  });

  test('settles every default', async () => {
    const { resolved, warnings } = await loadProject(example);
    assert.deepEqual(warnings, []);
    assert.deepEqual(resolved.datasets[0].split.salt, 'churn');
    assert.deepEqual(
      resolved.test.gates.map(({ text, from }) => `${from}: ${text}`),
      ['charter: roc_auc >= 0.80', 'charter: accuracy >= 0.76', 'test: accuracy by Contract >= 0.65'],
    );
    assert.deepEqual(
      resolved.environments.map(({ name, certify, approve, approvals }) => [name, certify, approve, approvals]),
      [
        ['test', 'qa', undefined, 0],
        ['production', undefined, 'approver', 1],
      ],
    );
    assert.deepEqual(resolved.monitor.performance, [
      { metric: 'accuracy', text: '>= 0.90 of test', operator: '>=', value: 0.9, relativeTo: 'test' },
    ]);
    assert.deepEqual(
      resolved.steps.map(({ name, after }) => [name, after]),
      [
        ['prepare', []],
        ['logistic', ['prepare']],
        ['boosting', ['prepare']],
      ],
    );
  });
});

describe('the walk over shapes', () => {
  test('finds a fault exactly where TypeBox’s own check fails, on projects damaged at random', () => {
    const schema = jsonSchema(Project);
    const random = seeded(11);
    const strange: readonly unknown[] = [null, 7, -1, 0.5, '', 'x', true, [], {}, ['a'], { run: 'x' }, { log: [1, 2] }, '>= 1', [1, 'a']];
    let refused = 0;
    for (let round = 0; round < 600; round++) {
      const project = parse(right) as Record<string, unknown>;
      damage(project, random.next() * 5, (bound) => random.int(bound), strange);
      const found = shapeFindings(schema, project).length > 0;
      assert.equal(found, !Value.Check(Project, project), `${JSON.stringify(project)} ${JSON.stringify(shapeFindings(schema, project))}`);
      if (found) refused += 1;
    }
    assert.ok(refused > 100 && refused < 600, `${refused} of 600 were damaged beyond their shape`);
  });
});

function damage(node: Record<string, unknown>, depth: number, int: (bound: number) => number, strange: readonly unknown[]): void {
  const keys = Object.keys(node);
  const key = keys[int(keys.length)];
  const member = node[key];
  if (depth > 1 && typeof member === 'object' && member !== null && Object.keys(member).length > 0) {
    damage(member as Record<string, unknown>, depth - 1, int, strange);
  } else {
    const kind = int(3);
    if (kind === 0) delete node[key];
    else if (kind === 1) node[`${key}x`] = member;
    else node[key] = strange[int(strange.length)];
  }
}
