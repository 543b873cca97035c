import type { InputColumn, NamedRow } from '#contract';

/** A request for an endpoint: one row with named columns. */
export interface EndpointRequest {
  /** Base URL of its data plane. */
  readonly address: string;
  readonly endpoint: string;
  readonly inputs: readonly InputColumn[];
  readonly row: NamedRow;
  /** The file that each column's picture came from, where that is known. */
  readonly files?: Readonly<Record<string, string>>;
}

export const languages = ['curl', 'Python (requests)', 'Python (tritonclient)', 'TypeScript'] as const;
export type Language = (typeof languages)[number];

/** The program that makes a request. */
export function clientCode(language: Language, request: EndpointRequest): string {
  switch (language) {
    case 'curl':
      return curl(request);
    case 'Python (requests)':
      return requests(request);
    case 'Python (tritonclient)':
      return tritonclient(request);
    case 'TypeScript':
      return typescript(request);
  }
}

const routeOf = ({ address, endpoint }: EndpointRequest): string => `${address}/predict/${encodeURIComponent(endpoint)}`;

/** The columns that hold pictures: programs read them from files. */
const picturesOf = ({ inputs }: EndpointRequest): ReadonlySet<string> =>
  new Set(inputs.filter(({ image }) => image !== undefined).map(({ name }) => name));

/** A file that stands in a program: its name, where no shell and no language reads more into it. */
function fileOf({ files }: EndpointRequest, column: string): string {
  const name = files?.[column] ?? '';
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(name) ? name : 'picture.jpg';
}

function curl(request: EndpointRequest): string {
  const pictures = [...picturesOf(request)];
  const [only] = pictures;
  if (only !== undefined && request.inputs.length === 1)
    return `curl -s '${routeOf(request)}' \\\n  -F picture=@${fileOf(request, only)}\n`;
  const row = Object.fromEntries(Object.entries(request.row).filter(([name]) => !pictures.includes(name)));
  const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
  const head = `curl -s '${routeOf(request)}' \\\n  -H 'content-type: application/json' \\\n`;
  if (only === undefined) return `${head}  -d ${quoted(JSON.stringify({ rows: [row] }))}\n`;
  // A picture is too long for an argument: it is piped.
  const parts = JSON.stringify({ rows: [{ ...row, ...Object.fromEntries(pictures.map((name) => [name, '\u0000'])) }] }).split('\\u0000');
  const piped = parts.flatMap((part, at) => {
    const name = pictures[at];
    return [`printf %s ${quoted(part)}`, ...(name === undefined ? [] : [`base64 < ${fileOf(request, name)} | tr -d '\\n'`])];
  });
  return `{ ${piped.join('; ')}; } |\n${head}  -d @-\n`;
}

function requests(request: EndpointRequest): string {
  const pictures = [...picturesOf(request)];
  const row = Object.fromEntries(Object.entries(request.row).filter(([name]) => !pictures.includes(name)));
  return [
    ...(pictures.length === 0 ? [] : ['import base64']),
    'import requests',
    '',
    `row = ${python(row)}`,
    ...pictures.map((name) => `row[${python(name)}] = base64.b64encode(open(${python(fileOf(request, name))}, "rb").read()).decode()`),
    `answer = requests.post(${python(routeOf(request))}, json={"rows": [row]}, timeout=10)`,
    'answer.raise_for_status()',
    'print(answer.json()["predictions"][0])',
    '',
  ].join('\n');
}

function tritonclient(request: EndpointRequest): string {
  const { address, endpoint, inputs, row } = request;
  const secure = address.startsWith('https:');
  const lines = inputs.map(({ name, datatype, image }) => {
    if (image !== undefined)
      return `    (${python(name)}, "BYTES", np.array([open(${python(fileOf(request, name))}, "rb").read()], dtype=object)),`;
    const isText = datatype === 'BYTES';
    const value = row[name] ?? null;
    const said = isText ? `b${python(value === null ? '' : String(value))}` : value === null ? 'np.nan' : String(Number(value));
    const array = isText
      ? isAscii(said)
        ? `np.array([[${said}]], dtype=object)`
        : `np.array([[${said.slice(1)}.encode()]], dtype=object)`
      : `np.array([[${said}]], dtype=np.float64)`;
    return `    (${python(name)}, "${datatype}", ${array}),`;
  });
  return [
    'import numpy as np',
    'import tritonclient.http as triton',
    '',
    `client = triton.InferenceServerClient(${python(address.replace(/^https?:\/\//, ''))}${secure ? ', ssl=True' : ''})`,
    'columns = [',
    ...lines,
    ']',
    'inputs = []',
    'for name, datatype, values in columns:',
    '    tensor = triton.InferInput(name, values.shape, datatype)',
    '    tensor.set_data_from_numpy(values)',
    '    inputs.append(tensor)',
    `answer = client.infer(${python(endpoint)}, inputs)`,
    'for output in answer.get_response()["outputs"]:',
    '    print(output["name"], answer.as_numpy(output["name"]))',
    '',
  ].join('\n');
}

const isAscii = (text: string): boolean => /^[\u0020-\u007e]*$/.test(text);

function typescript(request: EndpointRequest): string {
  const pictures = [...picturesOf(request)];
  const row = Object.fromEntries(Object.entries(request.row).filter(([name]) => !pictures.includes(name)));
  return [
    ...(pictures.length === 0 ? [] : ["import { readFile } from 'node:fs/promises';", '']),
    `const row${pictures.length === 0 ? '' : ': Record<string, unknown>'} = ${JSON.stringify(row, undefined, 2)};`,
    ...pictures.map((name) => `row[${JSON.stringify(name)}] = await readFile('${fileOf(request, name)}', 'base64');`),
    `const answer = await fetch(${JSON.stringify(routeOf(request))}, {`,
    "  method: 'POST',",
    "  headers: { 'content-type': 'application/json' },",
    '  body: JSON.stringify({ rows: [row] }),',
    '});',
    'if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);',
    'const { predictions } = await answer.json();',
    'console.log(predictions[0]);',
    '',
  ].join('\n');
}

/** A value as Python writes it. */
function python(value: NamedRow | string | number | boolean | null): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return String(value);
  // JSON's strings are Python's too, but for a lone slash that JSON may escape and JSON.stringify does not.
  if (typeof value === 'string') return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([name, cell]) => `${JSON.stringify(name)}: ${python(cell)}`)
    .join(', ')}}`;
}
