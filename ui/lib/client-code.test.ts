import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { InputColumn, NamedRow } from '#contract';
import { clientCode, languages } from './client-code.ts';
import type { EndpointRequest } from './client-code.ts';

const inputs: readonly InputColumn[] = [
  { name: 'tenure', type: 'integer', datatype: 'FP64', required: true },
  { name: 'charges', type: 'number', datatype: 'FP64', required: false },
  { name: 'senior', type: 'boolean', datatype: 'FP64', required: true },
  { name: 'who’s it', type: 'string', datatype: 'BYTES', required: false },
];
const row: NamedRow = { tenure: 3, charges: null, senior: true, 'who’s it': 'it\'s "Zoë" \\ $HOME `x`' };
const request = (address: string): EndpointRequest => ({ address, endpoint: 'churn', inputs, row });

/** Answers one request and keeps its body. */
async function heard(ask: (address: string) => Promise<void>): Promise<unknown> {
  let body = '';
  const server = createServer((incoming, response) => {
    incoming.on('data', (chunk: Buffer) => (body += chunk.toString()));
    incoming.on('end', () => response.end(JSON.stringify({ predictions: [{ id: '1', label: 'Yes' }] })));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  try {
    await ask(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.close();
    server.closeAllConnections();
  }
  return JSON.parse(body);
}

describe('programs that make a request', () => {
  test('the TypeScript one sends the row as it is', async () => {
    let printed = '';
    const sent = await heard(async (address) => {
      const program = ['--input-type=module-typescript', '--eval', clientCode('TypeScript', request(address))];
      printed = (await promisify(execFile)(process.execPath, program)).stdout;
    });
    assert.deepEqual(sent, { rows: [row] });
    assert.equal(printed, "{ id: '1', label: 'Yes' }\n");
  });

  test('the one for curl keeps quotes, slashes and dollars from the shell', () => {
    const text = clientCode('curl', request('http://127.0.0.1:1')).replace(/^curl -s/, 'printf "%s\\n"');
    const words = execFileSync('sh', ['-c', text], { encoding: 'utf8' }).trimEnd().split('\n');
    assert.equal(words[0], 'http://127.0.0.1:1/predict/churn');
    assert.deepEqual(JSON.parse(words.at(-1) ?? ''), { rows: [row] });
  });

  test('pictures are read from files', () => {
    const image = {
      function: 'image/1',
      width: 8,
      height: 8,
      fit: 'cover',
      kernel: 'lanczos',
      channels: 'RGB',
      layout: 'NHWC',
      datatype: 'UINT8',
    } as const;
    const pictures: readonly InputColumn[] = [{ name: 'photo', type: 'string', datatype: 'BYTES', required: true, image }];
    const asked = { address: 'http://127.0.0.1:1', endpoint: 'pets', inputs: pictures, row: { photo: 'data:image/png;base64,AAAA' } };
    for (const language of languages) {
      const code = clientCode(language, asked);
      assert.match(code, /picture\.jpg/, language);
      assert.doesNotMatch(code, /AAAA/, language);
    }
    assert.match(clientCode('TypeScript', asked), /row\["photo"\] = await readFile\('picture.jpg', 'base64'\);/);
  });

  test('a picture among other columns is piped to curl, which sends the row as it is', () => {
    const image = { function: 'image/1', width: 8, height: 8, fit: 'cover', kernel: 'lanczos', channels: 'RGB', layout: 'NHWC', datatype: 'UINT8' } as const; // prettier-ignore
    const mixed: readonly InputColumn[] = [...inputs, { name: 'photo', type: 'string', datatype: 'BYTES', required: true, image }];
    const asked = { address: 'http://127.0.0.1:1', endpoint: 'pets', inputs: mixed, row: { ...row, photo: 'data:image/png;base64,AAAA' }, files: { photo: 'sh' } }; // prettier-ignore
    // What curl would read from its standard input.
    const text = clientCode('curl', asked).replace(/\| *\n?curl[\s\S]*$/, '| cat');
    const sent = JSON.parse(execFileSync('sh', ['-c', text], { encoding: 'utf8', cwd: '/bin', maxBuffer: 2 ** 26 })) as {
      readonly rows: readonly NamedRow[];
    };
    const { photo, ...others } = sent.rows[0] ?? {};
    assert.deepEqual(others, row);
    assert.equal(photo, readFileSync('/bin/sh').toString('base64'));
  });

  test('the Python ones write values as Python does', () => {
    const text = clientCode('Python (requests)', request('http://127.0.0.1:1'));
    assert.match(text, /"charges": None, "senior": True/);
    const triton = clientCode('Python (tritonclient)', request('https://plane.example:7080'));
    assert.match(triton, /InferenceServerClient\("plane.example:7080", ssl=True\)/);
    assert.match(triton, /\("charges", "FP64", np.array\(\[\[np.nan\]\], dtype=np.float64\)\)/);
    assert.match(triton, /\("senior", "FP64", np.array\(\[\[1\]\], dtype=np.float64\)\)/);
    assert.match(triton, /"BYTES", np.array\(\[\["it's \\"Zoë\\" .*"\.encode\(\)\]\], dtype=object\)/);
  });
});
