import type { InputColumn, Signature, Task } from '#contract';
import { GyreError } from '#core';
import { isMissing } from '#tables';
import type { Frame } from '#tables';
import type { ForeignGraph, GivenScores, TakenTensor } from './foreign-graph.ts';

/** What is taken and given; where the bytes of a graph are is nobody's concern here. */
type ForeignModel = Omit<ForeignGraph, 'bytes'>;

/** What whoever tests a version says about it; the rest is read from its files. */
export interface AskedWiring {
  /** The column that the model predicts. */
  readonly target: string;
  readonly key?: string;
  /** The columns of each tensor of the graph, in their order; under `''` those of the only one. */
  readonly columns?: Readonly<Record<string, readonly string[]>>;
  readonly task?: Task;
  /** In the order in which the graph gives their probabilities. */
  readonly classes?: readonly string[];
  /** Binary: the class that scores speak of. */
  readonly positive?: string;
  /** The output that says probabilities, or the prediction. */
  readonly output?: string;
}

/** What the files of a version say beside the graph. */
export interface KnownWiring {
  /** Column names in the order in which the model was called where it was trained. */
  readonly columns: readonly string[];
  readonly signature?: Signature;
}

/** How a foreign graph stands behind named columns. */
export interface Wiring {
  readonly tensors: readonly { readonly tensor: TakenTensor; readonly columns: readonly string[] }[];
  readonly inputs: readonly InputColumn[];
  readonly scores: GivenScores;
  readonly task: Task;
  /** Binary: the positive one last. Empty for regression. */
  readonly classes: readonly string[];
  /** For each class the column of the scores that says its probability; null where that is what the other class leaves. */
  readonly order: readonly (number | null)[];
  readonly positive?: string;
}

/**
 * Settles how a graph is fed and read, from what was asked, what its files say, and the rows that it is tested on.
 * @throws GyreError INVALID_ARGUMENT naming what does not fit, or what nobody has said and how to say it
 */
export function settleWiring(graph: ForeignModel, asked: AskedWiring, known: KnownWiring, frame: Frame): Wiring {
  if (!frame.has(asked.target)) throw unknownColumn(asked.target, frame, 'the target');
  const tensors = graph.takes.map((tensor) => ({ tensor, columns: columnsOf(tensor, graph, asked, known, frame) }));
  const scores = scoresFor(graph, asked.output);
  const task = taskOf(graph, scores, asked, known, frame);
  const inputs = inputColumns(tensors, known, frame);
  if (task === 'regression') return { tensors, inputs, scores, task, classes: [], order: [0] };
  const given = classesOf(graph, scores, asked, known, frame);
  if (task === 'binary' && given.length !== 2)
    throw new GyreError('INVALID_ARGUMENT', `a binary task has two classes; the model has ${given.length}: ${quoted(given)}`);
  const positive = task === 'binary' ? positiveOf(given, asked, known) : undefined;
  const classes = positive === undefined ? given : [...given.filter((name) => name !== positive), positive];
  // A sigmoid says the probability of the second class alone.
  const column = (name: string): number | null => (scores.width === 1 ? (name === given[1] ? 0 : null) : given.indexOf(name));
  return { tensors, inputs, scores, task, classes, order: classes.map(column), ...(positive === undefined ? {} : { positive }) };
}

function columnsOf(tensor: TakenTensor, graph: ForeignModel, asked: AskedWiring, known: KnownWiring, frame: Frame): readonly string[] {
  const { name, width, type } = tensor;
  const said = asked.columns?.[name] ?? (graph.takes.length === 1 ? asked.columns?.[''] : undefined);
  const recorded =
    graph.takes.length === 1 && (width === undefined ? known.columns.length > 0 : known.columns.length === width)
      ? known.columns
      : undefined;
  const columns = said ?? (width === 1 && frame.has(name) ? [name] : recorded);
  if (columns === undefined) throw unsaidColumns(tensor, asked, frame);
  if (width !== undefined && columns.length !== width)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `"${name}" takes ${width} column${width === 1 ? '' : 's'}, but ${columns.length} ${columns.length === 1 ? 'is' : 'are'} named: ${quoted(columns)}`,
      { tensor: name },
    );
  for (const column of columns) {
    if (!frame.has(column)) throw unknownColumn(column, frame, `what "${name}" takes`);
    if (column === asked.target)
      throw new GyreError('INVALID_ARGUMENT', `"${column}" is what is predicted: it cannot be taken as well`, { column });
    if ((frame.column(column).kind === 'text') !== (type === 'STRING'))
      throw new GyreError(
        'INVALID_ARGUMENT',
        `column "${column}" holds ${frame.typeOf(column)}, but "${name}" takes ${type === 'STRING' ? 'texts' : 'numbers'}: the model was trained on it in another form`,
        { column, tensor: name },
      );
    if (!saysMissing(type) && hasMissing(frame, column))
      throw new GyreError('INVALID_ARGUMENT', `column "${column}" has missing values, but "${name}" takes ${type}, which cannot say so`, {
        column,
        tensor: name,
      });
  }
  return columns;
}

function unsaidColumns({ name, width, type }: TakenTensor, { target, key }: AskedWiring, frame: Frame): GyreError {
  const fitting = frame.names.filter(
    (column) => column !== target && column !== key && frame.column(column).kind === (type === 'STRING' ? 'text' : 'number'),
  );
  const say =
    fitting.length === width
      ? `are they ${fitting.join(',')}? Then say so (--columns ${fitting.map((column) => (/\s/.test(column) ? `"${column}"` : column)).join(',')})`
      : `name ${width ?? 'them'} of ${quoted(fitting)} in their order (--columns)`;
  return new GyreError(
    'INVALID_ARGUMENT',
    `the graph takes a tensor "${name}" of ${width ?? 'some'} ${type === 'STRING' ? 'texts' : 'numbers'} a row, and nothing says which columns these are: ${say}`,
    { tensor: name },
  );
}

function scoresFor({ scores }: ForeignModel, asked: string | undefined): GivenScores {
  const names = quoted(scores.map(({ name }) => name));
  if (asked !== undefined) {
    const found = scores.find(({ name }) => name === asked);
    if (found !== undefined) return found;
    throw new GyreError('INVALID_ARGUMENT', `the graph gives no numbers as "${asked}"; those it gives are ${names}`, { output: asked });
  }
  const [only, ...others] = scores;
  if (only === undefined)
    throw new GyreError('FAILED_PRECONDITION', 'the graph gives no numbers, only labels: Gyre judges probabilities and predictions');
  const likely = others.length === 0 ? only : scores.find(({ name, classes }) => classes !== undefined || /prob/i.test(name));
  if (likely !== undefined) return likely;
  throw new GyreError('INVALID_ARGUMENT', `the graph gives ${names}: name the one that says probabilities or the prediction (--output)`);
}

function taskOf(graph: ForeignModel, scores: GivenScores, asked: AskedWiring, { signature }: KnownWiring, frame: Frame): Task {
  const said = asked.task ?? signature?.task;
  if (said !== undefined) return said;
  const classes = asked.classes ?? scores.classes ?? graph.classes;
  if (classes !== undefined) return classes.length === 2 ? 'binary' : 'multiclass';
  const isClass = frame.column(asked.target).kind === 'text' || frame.typeOf(asked.target) === 'boolean';
  if (!graph.hasLabel && !isClass && (scores.width ?? 1) === 1) return 'regression';
  return (scores.width ?? 2) <= 2 ? 'binary' : 'multiclass';
}

function classesOf(
  graph: ForeignModel,
  scores: GivenScores,
  asked: AskedWiring,
  { signature }: KnownWiring,
  frame: Frame,
): readonly string[] {
  const present = presentClasses(frame, asked.target);
  const said = asked.classes ?? (signature === undefined || signature.classes.length === 0 ? undefined : signature.classes);
  const width = scores.width === 1 ? 2 : scores.width;
  const counted =
    width !== undefined && present.every((name) => Number.isInteger(Number(name)) && Number(name) >= 0 && Number(name) < width);
  const classes = said ?? scores.classes ?? graph.classes ?? (counted ? Array.from({ length: width }, (_, at) => String(at)) : undefined);
  if (classes === undefined)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `nothing says which class each of the ${width ?? ''} probabilities of the model is of: name ${quoted(present)} in its order (--classes)`,
    );
  if (width !== undefined && classes.length !== width)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `the model gives ${width} probabilities a row, but there are ${classes.length} classes: ${quoted(classes)}`,
    );
  const strange = present.find((name) => !classes.includes(name));
  if (strange === undefined) return classes;
  throw new GyreError(
    'INVALID_ARGUMENT',
    `the model's classes are ${quoted(classes)}, but "${asked.target}" has ${quoted(present)}: say which of these each of the model's is (--classes ${present.join(',')}, in the order of ${classes.join(', ')})`,
    { class: strange },
  );
}

function positiveOf(classes: readonly string[], asked: AskedWiring, { signature }: KnownWiring): string {
  const said = asked.positive ?? signature?.positive;
  if (said === undefined) return classes[1];
  if (classes.includes(said)) return said;
  throw new GyreError('INVALID_ARGUMENT', `the model has no class "${said}" that could be the positive one; it has ${quoted(classes)}`, {
    class: said,
  });
}

const mostShown = 100;

/** The classes of a column as `targetsOf` names them, in order; of a column with too many of them only some. */
function presentClasses(frame: Frame, target: string): readonly string[] {
  const column = frame.column(target);
  const found = new Set<string>();
  for (let row = 0; row < frame.rows && found.size < mostShown; row++) {
    if (isMissing(column, row)) continue;
    if (column.kind === 'text') found.add(column.dictionary[column.codes[row]]);
    else found.add(frame.typeOf(target) === 'boolean' ? String(column.values[row] !== 0) : String(column.values[row]));
  }
  return [...found].sort();
}

function inputColumns(tensors: Wiring['tensors'], { signature }: KnownWiring, frame: Frame): InputColumn[] {
  const said = new Map((signature?.inputs ?? []).map((input) => [input.name, input]));
  const needed = new Map<string, boolean>();
  for (const { tensor, columns } of tensors) {
    for (const column of columns)
      needed.set(column, (needed.get(column) ?? false) || !saysMissing(tensor.type) || !hasMissing(frame, column));
  }
  return [...needed].map(([name, required]): InputColumn => {
    const type = frame.typeOf(name);
    return {
      name,
      type,
      datatype: frame.column(name).kind === 'text' ? 'BYTES' : 'FP64',
      required: said.get(name)?.required === false ? false : required,
    };
  });
}

/** Floating-point numbers say by NaN that there is none, texts by an empty one. */
function saysMissing(type: TakenTensor['type']): boolean {
  return type === 'FLOAT' || type === 'DOUBLE' || type === 'FLOAT16' || type === 'STRING';
}

function hasMissing(frame: Frame, name: string): boolean {
  const column = frame.column(name);
  for (let row = 0; row < frame.rows; row++) if (isMissing(column, row)) return true;
  return false;
}

function unknownColumn(column: string, frame: Frame, what: string): GyreError {
  return new GyreError('INVALID_ARGUMENT', `there is no column "${column}" for ${what}; the table has ${quoted(frame.names)}`, { column });
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}
