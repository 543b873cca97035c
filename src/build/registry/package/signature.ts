import type { InputColumn, NamedRow, Signature, Task, TestReport, Transform } from '#contract';

/** What a packaged model takes and gives. Sizes of -1 stand for any number of rows. */
export function signatureOf(transform: Transform, report: TestReport): Signature {
  const { task, inputs, classes, positive } = transform;
  return {
    task,
    inputs,
    outputs: outputsOf(task, classes),
    classes,
    ...(positive === undefined ? {} : { positive }),
    ...(report.threshold === undefined ? {} : { threshold: report.threshold.value }),
  };
}

/** What every package of a model on named columns gives, by the names that serving knows. */
export function outputsOf(task: Task, classes: readonly string[]): Signature['outputs'] {
  if (task === 'regression') return [{ name: 'prediction', datatype: 'FP32', shape: [-1, 1] }];
  return [
    { name: 'label', datatype: 'BYTES', shape: [-1] },
    { name: 'probabilities', datatype: 'FP32', shape: [-1, classes.length] },
  ];
}

/** A row that fits the signature and is nobody's: the middle of each range, the first category. Real rows stay out of packages. */
export function exampleRow(inputs: readonly InputColumn[]): NamedRow {
  return Object.fromEntries(inputs.map((input) => [input.name, typicalValue(input)]));
}

/** A grey PNG of 8 x 8 pixels: a picture that is of nothing and nobody. */
const greyPicture =
  'iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAMAAADz0U65AAAAA1BMVEWAgICQdD0xAAAACXBIWXMAAAPoAAAD6AG1e1JrAAAADElEQVQImWNgoA4AAABIAAF7pRHIAAAAAElFTkSuQmCC';

function typicalValue({ type, categories, range, image }: InputColumn): NamedRow[string] {
  if (image !== undefined) return greyPicture;
  if (type === 'string') return categories?.[0] ?? null;
  if (type === 'boolean') return false;
  const middle = range === undefined ? 0 : (range[0] + range[1]) / 2;
  if (type === 'instant') return new Date(Math.round(middle)).toISOString();
  return type === 'integer' ? Math.round(middle) : Number(middle.toPrecision(6));
}

/** Rows as pandas writes them with orient `split`, which MLflow and our own data plane read. */
export function exampleFile(inputs: readonly InputColumn[]): { readonly columns: string[]; readonly data: NamedRow[string][][] } {
  const row = exampleRow(inputs);
  return { columns: inputs.map(({ name }) => name), data: [inputs.map(({ name }) => row[name])] };
}
