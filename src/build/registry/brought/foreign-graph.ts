import { GyreError } from '#core';
import { decodeModel, mlDomain, surroundModel } from '#onnx';
import type { AttributeView, ElementType, ModelView, NodeView } from '#onnx';

/** A tensor that a graph takes. */
export interface TakenTensor {
  readonly name: string;
  readonly type: ElementType;
  /** Values of a row, where the graph says it. */
  readonly width?: number;
  /** Whether it is one row of the shape [N]; else [N, width]. */
  readonly isFlat: boolean;
}

/** A value of a graph that may say probabilities or predictions. */
export interface GivenScores {
  /** The name that callers of the graph know it by. */
  readonly name: string;
  /** The value in the graph; another one behind a ZipMap, which makes a list of dictionaries of it. */
  readonly value: string;
  readonly width?: number;
  /** What a ZipMap calls the columns. */
  readonly classes?: readonly string[];
}

/** What a graph that was trained elsewhere takes and gives, as far as Gyre tests and serves models: rows of columns, scores. */
export interface ForeignGraph {
  readonly bytes: Uint8Array;
  readonly takes: readonly TakenTensor[];
  readonly scores: readonly GivenScores[];
  /** Whether it also gives a label: then it is a classifier. */
  readonly hasLabel: boolean;
  /** The classes that its classifier names, in the order of the scores. */
  readonly classes?: readonly string[];
}

/**
 * Reads a graph that was trained elsewhere.
 * @throws GyreError INVALID_ARGUMENT for bytes that are no model; FAILED_PRECONDITION for a graph that takes or gives something else than rows
 */
export function readForeignGraph(bytes: Uint8Array): ForeignGraph {
  const model = decodeModel(bytes);
  const constants = new Set(model.initializers.map(({ name }) => name));
  const classes = classifierClasses(model.nodes);
  return {
    bytes,
    takes: model.inputs.filter(({ name }) => !constants.has(name)).map(takenTensor),
    scores: scoresOf(model),
    hasLabel: model.outputs.some(({ type, shape }) => isLabelType(type) && (shape === null || shape.length === 1)),
    ...(classes === undefined ? {} : { classes }),
  };
}

/** The same graph where each ZipMap, which Gyre cannot run, gives the tensor that it would make dictionaries of. */
export function withoutZipMaps(bytes: Uint8Array): Uint8Array {
  const model = decodeModel(bytes);
  const zipped = model.outputs.flatMap(({ name }) => {
    const node = zipMapOf(model, name);
    return node === undefined ? [] : [{ name, value: node.inputs[0] }];
  });
  if (zipped.length === 0) return bytes;
  const constants = new Set(model.initializers.map(({ name }) => name));
  const tensors = (values: ModelView['inputs']) =>
    values.flatMap(({ name, type, shape }) => (type === null || shape === null ? [] : [{ name, type, shape }]));
  return surroundModel(bytes, {
    prefix: '',
    inputs: tensors(model.inputs.filter(({ name }) => !constants.has(name))),
    outputs: [...tensors(model.outputs), ...zipped.map(({ name }) => ({ name, type: 'FLOAT' as const, shape: ['', ''] }))],
    before: [],
    after: zipped.map(({ name, value }) => ({ name, domain: '', opType: 'Identity', inputs: [value], outputs: [name], attributes: {} })),
    constants: new Map(),
    without: new Set(zipped.map(({ name }) => name)),
  });
}

function takenTensor({ name, kind, type, shape }: ModelView['inputs'][number]): TakenTensor {
  const fail = (what: string): never => {
    throw new GyreError(
      'FAILED_PRECONDITION',
      `the input "${name}" of the graph ${what}: Gyre tests and serves models that take rows of columns`,
      {
        input: name,
      },
    );
  };
  if (type === null) return fail(kind === 'tensor' ? 'has an element type that Gyre does not run' : `is no tensor, but a ${kind}`);
  if (shape === null || shape.length === 0 || shape.length > 2)
    return fail(shape === null ? 'says no shape' : `has ${shape.length} axes instead of rows and columns`);
  const [rows, columns] = shape;
  if (typeof rows === 'number' && rows > 0)
    return fail(`takes exactly ${rows} row${rows === 1 ? '' : 's'} at a time (export it with a first axis of any size)`);
  if (shape.length === 1) return { name, type, width: 1, isFlat: true };
  return { name, type, ...(typeof columns === 'number' && columns > 0 ? { width: columns } : {}), isFlat: false };
}

function scoresOf(model: ModelView): GivenScores[] {
  return model.outputs.flatMap(({ name, type, shape }): GivenScores[] => {
    const zipMap = zipMapOf(model, name);
    if (zipMap !== undefined) {
      const classes = classNames(zipMap);
      return [{ name, value: zipMap.inputs[0], ...(classes === undefined ? {} : { classes, width: classes.length }) }];
    }
    if (type !== 'FLOAT' && type !== 'DOUBLE' && type !== 'FLOAT16') return [];
    const columns = shape?.length === 1 ? 1 : shape?.at(1);
    return [{ name, value: name, ...(typeof columns === 'number' && columns > 0 ? { width: columns } : {}) }];
  });
}

function zipMapOf({ nodes }: ModelView, output: string): NodeView | undefined {
  return nodes.find(({ opType, domain, outputs }) => opType === 'ZipMap' && domain === mlDomain && outputs.includes(output));
}

/** The classes of the last classifier in the graph. */
function classifierClasses(nodes: readonly NodeView[]): readonly string[] | undefined {
  const named = nodes.map(classNames).filter((classes) => classes !== undefined);
  return named.at(-1);
}

const classAttributes = ['classlabels_strings', 'classlabels_int64s', 'classlabels_ints'];

function classNames({ domain, attributes }: NodeView): readonly string[] | undefined {
  if (domain !== mlDomain) return undefined;
  for (const { name, attribute } of attributes) {
    const found = classAttributes.includes(name) ? textsOf(attribute) : [];
    if (found.length > 0) return found;
  }
  return undefined;
}

function textsOf(attribute: AttributeView): readonly string[] {
  if (attribute.type === 'STRINGS') return attribute.value;
  return attribute.type === 'INTS' ? Array.from(attribute.value, String) : [];
}

function isLabelType(type: ElementType | null): boolean {
  return type === 'STRING' || type === 'INT64' || type === 'INT32';
}
