import type { InputColumn, NamedRow } from '#contract';

/** A request for an endpoint: one row with named columns. */
export interface EndpointRequest {
  /** Base URL of its data plane. */
  readonly address: string;
  readonly endpoint: string;
  readonly inputs: readonly InputColumn[];
  readonly row: NamedRow;
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

function curl(request: EndpointRequest): string {
  const pictures = picturesOf(request);
  if (pictures.size > 0 && pictures.size === request.inputs.length) return `curl -s '${routeOf(request)}' \\\n  -F picture=@picture.jpg\n`;
  const row = Object.fromEntries(Object.entries(request.row).filter(([name]) => !pictures.has(name)));
  const body = JSON.stringify({ rows: [row] }).replaceAll("'", String.raw`'\''`);
  return `curl -s '${routeOf(request)}' \\\n  -H 'content-type: application/json' \\\n  -d '${body}'\n`;
}

function requests(request: EndpointRequest): string {
  const pictures = [...picturesOf(request)];
  const row = Object.fromEntries(Object.entries(request.row).filter(([name]) => !pictures.includes(name)));
  return [
    ...(pictures.length === 0 ? [] : ['import base64']),
    'import requests',
    '',
    `row = ${python(row)}`,
    ...pictures.map((name) => `row[${python(name)}] = base64.b64encode(open("picture.jpg", "rb").read()).decode()`),
    `answer = requests.post(${python(routeOf(request))}, json={"rows": [row]}, timeout=10)`,
    'answer.raise_for_status()',
    'print(answer.json()["predictions"][0])',
    '',
  ].join('\n');
}

function tritonclient({ address, endpoint, inputs, row }: EndpointRequest): string {
  const secure = address.startsWith('https:');
  const lines = inputs.map(({ name, datatype, image }) => {
    if (image !== undefined) return `    (${python(name)}, "BYTES", np.array([open("picture.jpg", "rb").read()], dtype=object)),`;
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
    ...pictures.map((name) => `row[${JSON.stringify(name)}] = await readFile('picture.jpg', 'base64');`),
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
