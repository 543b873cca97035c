import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { encodeModel, graphBuilder } from '#onnx';
import { samplePackage, writeSampleFolder } from '#serving';
import { pythonMissing, runPython } from './python.ts';

interface Refusal {
  readonly status: string;
  readonly message: string;
}

interface Seen {
  readonly live: boolean;
  readonly ready: boolean;
  readonly modelReady: boolean;
  readonly noSuchModelReady: boolean;
  readonly server: { readonly name: string; readonly extensions: readonly string[] };
  readonly metadata: { readonly name: string; readonly inputs: readonly object[] };
  readonly id: string;
  readonly parameters: { readonly prediction_ids: string };
  readonly label: readonly string[];
  readonly probabilities: readonly (readonly number[])[];
  readonly probabilitiesType: string;
  readonly everything: readonly string[];
  readonly missing: Refusal;
  readonly unknownModel: Refusal;
  readonly inexact: Refusal;
  readonly differs: readonly string[];
  readonly counted: readonly number[];
  readonly unloaded: { readonly index: readonly (readonly string[])[]; readonly ready: boolean; readonly refusal: Refusal };
  readonly index: readonly (readonly string[])[];
}

interface AllSeen {
  readonly json: Seen;
  readonly bytes: Seen;
  readonly grpc: Seen;
  readonly packed: Readonly<Record<string, boolean>>;
  readonly streamed: readonly (number | string)[];
  readonly late: readonly Refusal[];
}

const main = join(import.meta.dirname, '../../src/app/inference-main.ts');
const rows = {
  tenure: [10, 1, 60],
  charges: [50, 80.5, 20],
  senior: [true, false, false],
  contract: ['One year', 'Month-to-month', 'Ünbekannt'],
};

/** Gives every input back, one of each type that the protocol has. */
function echo(): Uint8Array {
  const graph = graphBuilder({ name: 'echo' });
  const integers = ['UINT8', 'UINT16', 'UINT32', 'UINT64', 'INT8', 'INT16', 'INT32', 'INT64'] as const;
  for (const type of ['BOOL', ...integers, 'FLOAT16', 'FLOAT', 'DOUBLE', 'STRING'] as const) {
    graph.input(type, type, ['N', 2]);
    graph.output(`${type}_out`, type, ['N', 2], graph.op('Identity', [type]));
  }
  return encodeModel(graph);
}

describe('tritonclient', { skip: pythonMissing }, () => {
  let seen: AllSeen;
  let end: () => Promise<void>;
  before(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gyre-oip-'));
    await writeSampleFolder(join(folder, 'churn'), samplePackage());
    await writeFile(join(folder, 'echo.onnx'), echo());
    const models = ['--model', join(folder, 'churn'), '--model', join(folder, 'echo.onnx')];
    const plane = spawn(process.execPath, [main, ...models, '--port', '0', '--control', '--model-control'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    end = async () => {
      plane.stdin.end();
      await once(plane, 'exit');
      await rm(folder, { recursive: true, force: true });
    };
    const [line] = (await once(plane.stdout, 'data')) as unknown[];
    const { address, grpcAddress } = JSON.parse(String(line)) as { readonly address: string; readonly grpcAddress: string };
    seen = await runPython<AllSeen>('oip_client.py', { address, grpcAddress, model: 'churn', version: '1', ...rows });
  });
  after(() => end());

  for (const way of ['json', 'bytes', 'grpc'] as const) {
    describe(`with ${way === 'json' ? 'JSON tensors over HTTP' : way === 'bytes' ? 'binary tensors over HTTP' : 'gRPC'}`, () => {
      test('finds the server and its models', () => {
        const { live, ready, modelReady, noSuchModelReady, server, metadata } = seen[way];
        assert.deepEqual([live, ready, modelReady, noSuchModelReady], [true, true, true, false]);
        assert.deepEqual([server.name, metadata.name, metadata.inputs.length], ['gyre', 'churn', 4]);
        assert.deepEqual(server.extensions, ['binary_tensor_data', 'model_repository', 'statistics']);
        assert.deepEqual(metadata.inputs[3], { name: 'contract', datatype: 'BYTES', shape: [-1, 1] });
      });

      test('gets the answers of the model, with an id for each row', () => {
        const { label, probabilities, probabilitiesType, id, parameters, everything } = seen[way];
        const extra: Readonly<Record<string, number>> = { 'Month-to-month': 0.8, 'Two year': -0.7 };
        for (const [at, tenure] of rows.tenure.entries()) {
          const logit = 0.5 - 0.05 * tenure + 0.02 * rows.charges[at] + 0.3 * Number(rows.senior[at]) + (extra[rows.contract[at]] ?? 0);
          const yes = 1 / (1 + Math.exp(-logit));
          // The model computes in float32: 1e-6 is 8 of its steps at 1.
          assert.ok(Math.abs(probabilities[at][1] - yes) < 1e-6, `row ${at}: ${probabilities[at][1]} and ${yes}`);
          assert.equal(label[at], yes >= 0.5 ? 'Yes' : 'No');
        }
        assert.equal(probabilitiesType, 'float32');
        assert.equal(id, 'from-triton');
        assert.equal(parameters.prediction_ids.split(',').length, 3);
        assert.deepEqual(everything, ['label', 'probabilities']);
      });

      test('gets values of every type back as they were', () => {
        assert.deepEqual(seen[way].differs, []);
      });

      test('understands what is refused', () => {
        const { missing, unknownModel, inexact } = seen[way];
        assert.match(missing.status, way === 'grpc' ? /INVALID_ARGUMENT/ : /400/);
        assert.match(missing.message, /3 inputs are missing: "charges" \(FP64 \[-1, 1\]\)/);
        assert.match(unknownModel.status, way === 'grpc' ? /NOT_FOUND/ : /404/);
        assert.match(inexact.message, /1152921504606846977, which is no (INT64|FP64) that can be taken exactly/);
      });

      test('counts what was inferred', () => {
        // Two requests of three rows were answered; what never reached the model is no failure of the model.
        assert.deepEqual(seen[way].counted, [6, 2, 0]);
      });

      test('unloads a model and loads it again', () => {
        const { unloaded, index } = seen[way];
        assert.deepEqual(unloaded.index, [
          ['churn', 'READY'],
          ['echo', 'UNAVAILABLE'],
        ]);
        assert.equal(unloaded.ready, false);
        assert.match(unloaded.refusal.message, /"echo" is unloaded here/);
        assert.deepEqual(index, [
          ['churn', 'READY'],
          ['echo', 'READY'],
        ]);
      });
    });
  }

  test('packs what it sends and unpacks what it gets', () => {
    assert.deepEqual(seen.packed, { gzip: true, deflate: true, grpc: true });
  });

  test('infers over a stream, in order, and a bad request fails alone', () => {
    const [first, second, bad, last] = seen.streamed;
    assert.deepEqual([first, second, last], [1, 3, 2]);
    assert.match(String(bad), /there are no rows to predict/);
  });

  test('hears that its deadline has passed', () => {
    const [http, grpc] = seen.late;
    assert.match(http.status, /504/);
    assert.match(grpc.status, /DEADLINE_EXCEEDED/);
  });
});
