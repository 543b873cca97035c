import { stringify } from 'yaml';
import type { TableSchema } from '#contract';
import type { Guess } from './init-guess.ts';
import { tableSchemaText } from './schema-text.ts';

export interface ProjectTextInput {
  readonly name: string;
  readonly dataset: string;
  /** Relative to the project's folder. */
  readonly source: string;
  readonly schemaFile: string;
  readonly guess: Guess;
  readonly owner: string;
  /** YYYY-MM-DD */
  readonly today: string;
}

const firstThreshold = { binary: { roc_auc: '>= 0.75' }, multiclass: { accuracy: '>= 0.70' }, regression: { r2: '>= 0.50' } } as const;

/** A first gyre.yaml: everything that a first run needs, with comments that say what each part is for. */
export function projectText(input: ProjectTextInput): string {
  const { name, dataset, guess } = input;
  const [[metric, threshold]] = Object.entries(firstThreshold[guess.task]);
  const isRegression = guess.task === 'regression';
  const linear = isRegression ? 'linear' : 'logistic';
  const exclude = [...(guess.key === undefined ? [] : [guess.key]), ...guess.excluded].map(word).join(', ');
  return `# yaml-language-server: $schema=.gyre/gyre.schema.json
# The project: one file from the problem to the monitor. "gyre check" checks it, "gyre run" runs it, "gyre up" opens its page.
project: ${word(name)}

# Phase zero: why there is a model at all, and what it must reach. Every change of these words is recorded as a new version
# of the charter, and each model card names the version that its model was judged by.
charter:
  problem: ${word(`Predict ${guess.target} of each row of ${dataset}. Say here what is decided with it, by whom, and what a wrong decision costs.`)}
  owner: ${word(input.owner)}
  # The thresholds of success. They are gates of every test report, and the monitor watches them in production.
  success:
    ${metric}: ${word(threshold)} # a first guess: what would make the model worth using?
  risk: limited # minimal, limited or high
  assumptions:
    - text: ${word('Rows that come later look like those that the model was trained on; the monitor says when they no longer do.')}
      reason: nothing is known yet about how the data change
      author: ${word(input.owner)}
      date: ${input.today}
  # personalData:            # name personal data, or the model card says that none is used
  #   columns: [...]
  #   purpose: ...
  #   legalBasis: ...

data:
  ${word(dataset)}:
    source: ${word(input.source)} # CSV, Parquet or JSON Lines, relative to this file
${
  guess.key === undefined
    ? '    # key: id # a column that names a row; without one all values of a row do, and equal rows are always on one side of the split\n'
    : `    key: ${word(guess.key)} # names a row; which part of the split a row is in depends on it alone\n`
}    expect: ${word(input.schemaFile)} # the reviewed schema: data that do not fit it are refused
    target: ${word(guess.target)}
    split:
      # Fitted on train, chosen on validation, judged on test. New rows never move old ones.
      parts: { train: 0.7, validation: 0.15, test: 0.15 }${isRegression ? '' : `\n      stratify: ${word(guess.target)}`}

steps:
  prepare:
    of: ${word(dataset)}
    target: ${word(guess.target)}
    task: ${guess.task}${guess.positive === undefined ? '' : `\n    positive: ${quoted(guess.positive)} # the class that probabilities speak of`}
    transform:
      exclude: [${exclude}] # no features: what names a row or differs in each
      # derive: { name: "expression over columns, such as a / (b + 1)" }
      numeric: { impute: median, scale: standard }
      categorical: { impute: missing, encode: one_hot }
  ${linear}:
    trainer: ${linear}
    of: prepare
    search: { algorithm: grid, space: { l2: [0.1, 1, 10] } }
  boosting:
    trainer: gbdt
    of: prepare
    search: { algorithm: random, trials: 8, space: { learning_rate: { log: [0.03, 0.2] } } }

# Beside the charter's thresholds: gates of your own, such as "accuracy by some_column >= 0.70".
test:
  gates: []
${isRegression ? '' : '  threshold: max_f1 # how the decision threshold is chosen, on validation\n'}
release:
  environments:
    test: { certify: qa } # application tests run here, and a QA expert certifies their report
    production: { approve: approver } # somebody other than the author and the certifier approves

serve:
  endpoint: ${word(name)}

monitor:
  window: 1d # predictions are judged by the day
  performance: { ${metric}: charter } # the charter's own threshold; or ">= 0.95 of test"
  onAlert: [notify]
`;
}

export interface ImageProjectTextInput {
  readonly name: string;
  readonly dataset: string;
  /** The folder of images, relative to the project's folder, with `/` at its end. */
  readonly source: string;
  readonly isLabelled: boolean;
  readonly owner: string;
}

/** A first gyre.yaml for a folder of images: versioned, checked and divided; what is learnt from them is added as steps. */
export function imageProjectText({ name, dataset, source, isLabelled, owner }: ImageProjectTextInput): string {
  const labels = isLabelled
    ? '    target: label\n'
    : '    # source: { images: …, labels: labels.csv, path: file, label: class } # labels from a CSV; then: target: label\n';
  return `# yaml-language-server: $schema=.gyre/gyre.schema.json
# The project: one file from the problem to the monitor. "gyre check" checks it, "gyre run" runs it, "gyre up" opens its page.
project: ${word(name)}

# Phase zero: why these images are kept, and what is to be decided with them.
charter:
  problem: ${word(`Keep the images of ${dataset}. Say here what is decided with them, by whom, and what a wrong decision costs.`)}
  owner: ${word(owner)}

data:
  ${word(dataset)}:
    source: ${word(source)} # class/name.jpg: an image's label is the folder that it lies in; the images stay where they are
    key: path # names an image; which part of the split it is in depends on it alone
${labels}    split:
      # New images never move old ones.
      parts: { train: 0.7, validation: 0.15, test: 0.15 }${isLabelled ? '\n      stratify: label' : ''}

# Your own training, in any language: it gets its data as files, and writes a model.
# steps:
#   train: { run: python train.py, deps: [train.py], outs: [model.onnx], metrics: [metrics.json] }
`;
}

/** A first gyre.yaml for who only wants to track runs and register models: data and steps can come later. */
export function trackingProjectText({ name, owner }: { readonly name: string; readonly owner: string }): string {
  return `# yaml-language-server: $schema=.gyre/gyre.schema.json
# "gyre up" serves it: MLflow clients log runs and register models with MLFLOW_TRACKING_URI=http://127.0.0.1:7070.
project: ${word(name)}

# Phase zero: what the experiments are for.
charter:
  problem: ${word('Keep what is tried, and which models came of it. Say here what is to be decided better, and for whom.')}
  owner: ${word(owner)}

# No dataset yet: "gyre init" in another folder shows what a dataset and its steps look like.
data: {}
`;
}

/** A reviewed schema file for what inference saw; the person who reads it makes it a reviewed one. */
export function schemaText(dataset: string, schema: TableSchema): string {
  return tableSchemaText(schema, {
    head: [
      `What every version of ${dataset} has to fit; inferred from the data: read it, and say what must hold.`,
      'Per column: type (integer, number, boolean, string, instant), presence, nullable, maxMissing, unique, references, min, max, categories,',
      'pattern, minLength, maxLength, earliest, latest, order, freshness, population, severity. For the table: keys, references, time, rules, checks.',
    ],
  });
}

/** A word as a YAML scalar, quoted only where it must be. */
function word(text: string): string {
  return inFlow(text);
}

function inFlow(text: string): string {
  // Inside { } and [ ] some signs need quotes that are fine outside.
  return /[,[\]{}#&*!|>'"%@`:\n]/.test(text) ? JSON.stringify(text) : stringify(text, { lineWidth: 0 }).trim();
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
