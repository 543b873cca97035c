/**
 * What runs a model dies again and again under open-loop load, while the data plane lives: worker threads of a convolution, then Python processes of a
 * scikit-learn network (kill -9). The client tries nothing again; each answer is held against the model's own, and against the prediction log.
 * node bench/kill-worker.ts [requests of each, default 3000] [requests a second, default 50] [deaths of threads, default 60; of processes a tenth]
 * GYRE_BENCH_PYTHON: an interpreter with scikit-learn and mlflow, for the second part; default .venv/bin/python of the checkout.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openFsBlobs } from '#blobs';
import { digestOf, sha256 } from '#core';
import { listSegments, putSample, readSegment, sampleManifest } from '#serving';
import { controlledPlane } from './common/controlled-plane.ts';
import type { ControlledPlane } from './common/controlled-plane.ts';
import type { Mortal } from './common/mortal-threads.ts';
import { openLoad, quantileOf } from './common/open-loop.ts';
import { cnnModel } from './serving/models.ts';

const requests = Number(process.argv[2] ?? 3000);
const perSecond = Number(process.argv[3] ?? 50);
const deathsOfThreads = Number(process.argv[4] ?? 60);
const python = process.env['GYRE_BENCH_PYTHON'] ?? resolve(import.meta.dirname, '../.venv/bin/python');

const folder = await mkdtemp(join(tmpdir(), 'gyre-kill-worker-'));

interface Served {
  readonly title: string;
  readonly path: string;
  readonly bodies: readonly Buffer[];
  /** What each body is answered with. */
  readonly expected: readonly ArrayLike<number>[];
  readonly spool: string;
  readonly deaths: number;
  /** Has one of those die that run the model. @returns whether there was one */
  readonly kill: (plane: ControlledPlane) => Promise<boolean>;
}

/** @returns whether all that was asked was answered right and logged */
async function ride(plane: ControlledPlane, served: Served): Promise<boolean> {
  const { title, path, bodies, expected, spool, deaths, kill } = served;
  const { ids, check } = judge(expected);
  let killed = 0;
  let running = true;
  const killing = (async (): Promise<void> => {
    const everyMs = (1000 * requests) / perSecond / (deaths + 1);
    for (let death = 0; death < deaths; death++) {
      await sleep(everyMs);
      if (!running) return;
      if (await kill(plane)) killed += 1;
    }
  })();
  const result = await openLoad({ port: plane.port, path, body: bodies, perSecond, requests, check });
  running = false;
  await killing;
  await plane.ask({ op: 'flush' });
  const logged = new Set<string>();
  for (const segment of await listSegments(spool)) for (const { id } of (await readSegment(segment)).predictions) logged.add(id);
  const missing = [...ids].filter((id) => !logged.has(id)).length;
  const { timesMs, failures, answered } = result;
  console.log(
    `${title}: ${requests} requests at ${perSecond} a second, ${killed} deaths: ${answered} answered right, ${requests - answered} failed`,
  );
  for (const [why, count] of failures) console.log(`  ${count} x ${why}`);
  console.log(
    `  from when a request was due: p50 ${ms(timesMs, 0.5)}, p99 ${ms(timesMs, 0.99)}, longest ${ms(timesMs, 1)}; ` +
      `${ids.size} predictions, ${missing} of them missing from the log`,
  );
  return answered === requests && ids.size === answered && missing === 0 && killed > 0;
}

function ms(sorted: Float64Array, share: number): string {
  return `${quantileOf(sorted, share).toFixed(1)} ms`;
}

interface Judge {
  readonly ids: Set<string>;
  readonly check: (body: string, at: number) => string | undefined;
}

function judge(expected: readonly ArrayLike<number>[]): Judge {
  const ids = new Set<string>();
  return {
    ids,
    check: (text, at) => {
      const { outputs, parameters } = JSON.parse(text) as {
        readonly outputs: readonly [{ readonly data: readonly number[] }];
        readonly parameters: { readonly prediction_ids: string };
      };
      const [{ data }] = outputs;
      // Of 32 bits, and summed in another order where rows share a run.
      const isRight = data.length === expected[at].length && data.every((value, k) => Math.abs(value - expected[at][k]) < 1e-5);
      if (!isRight) return 'it said something else';
      ids.add(parameters.prediction_ids);
      return undefined;
    },
  };
}

async function threads(): Promise<boolean> {
  const model = await cnnModel();
  const files = [{ path: 'model.onnx', digest: sha256(model.graph), size: model.graph.byteLength, bytes: model.graph }];
  const listed = files.map(({ path, digest, size }) => ({ path, digest, size }));
  const sample = { digest: digestOf({ format: 'gyre.package.v1', files: listed }), files, signature: model.signature };
  const place = join(folder, 'threads');
  await mkdir(place);
  await putSample(await openFsBlobs({ dir: join(place, 'blobs') }), sample);
  const manifest = join(place, 'manifest.json');
  await writeFile(manifest, JSON.stringify(sampleManifest(sample, 1)));
  const spool = join(place, 'log');
  const lost: number[] = [];
  const replacedMs: number[] = [];
  const words = ['--manifest', manifest, '--blobs', join(place, 'blobs'), '--unsigned', '--spool', spool, '--workers', '2-2'];
  await using plane = await controlledPlane([...words, '--lane', 'workers'], 0, {
    file: join(import.meta.dirname, 'common/mortal-threads.ts'),
    onMessage: (message) => {
      const told = message as Mortal;
      if ('lost' in told) lost.push(told.lost);
      else replacedMs.push(told.replacedMs);
    },
  });
  const isRight = await ride(plane, {
    title: `${model.title} on 2 worker threads`,
    path: '/v2/models/churn/infer',
    bodies: model.inputs.map((input) =>
      bodyOf([{ name: model.input.name, datatype: 'FP32', shape: [1, ...model.input.shape], data: [...input] }]),
    ),
    expected: model.expected,
    spool,
    deaths: deathsOfThreads,
    kill: async () => {
      const before = lost.length;
      plane.send({ kill: 'one' });
      for (let waited = 0; waited < 500 && lost.length === before; waited++) await sleep(10);
      return lost.length > before;
    },
  });
  console.log(
    `  ${lost.length} threads died with ${lost.reduce((sum, one) => sum + one, 0)} runs under way, which were run once more; ` +
      `${replacedMs.length} were started again, in ${ofAll(replacedMs)}`,
  );
  return isRight;
}

function bodyOf(inputs: readonly object[]): Buffer {
  return Buffer.from(JSON.stringify({ inputs }));
}

/** The middle and the longest. */
function ofAll(timesMs: readonly number[]): string {
  const sorted = Float64Array.from(timesMs).sort();
  return `${quantileOf(sorted, 0.5).toFixed(0)} ms (the longest: ${quantileOf(sorted, 1).toFixed(0)} ms)`;
}

/** A network of two hidden layers of 128 on 32 numbers, saved by MLflow as a pickle. */
const saving = `import json, os, sys, warnings
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
warnings.filterwarnings("ignore")
import mlflow.sklearn, numpy as np, pandas as pd
from mlflow.models import infer_signature
from sklearn.neural_network import MLPRegressor
random = np.random.default_rng(3)
table = random.random((500, 32))
model = MLPRegressor(hidden_layer_sizes=(128, 128), max_iter=30, random_state=1).fit(table, table[:, 0] - table[:, 1] * table[:, 2])
mlflow.sklearn.save_model(model, sys.argv[1], signature=infer_signature(table, model.predict(table)), input_example=table[:2],
    serialization_format="cloudpickle", pip_requirements=["scikit-learn", "mlflow"])
print(json.dumps({"rows": table[:16].tolist(), "expected": model.predict(table[:16]).tolist()}))`;

interface PythonFigures {
  readonly restarts: number;
  readonly pids: readonly number[];
}

async function processes(): Promise<boolean> {
  if (!existsSync(python)) {
    console.log(
      `no Python processes were killed: there is no ${python} (GYRE_BENCH_PYTHON names an interpreter with scikit-learn and mlflow)`,
    );
    return true;
  }
  const place = join(folder, 'processes');
  const said = execFileSync(python, ['-c', saving, place], {
    encoding: 'utf8',
    env: { ...process.env, MLFLOW_DISABLE_TELEMETRY: 'true' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { rows, expected } = JSON.parse(said) as { readonly rows: readonly (readonly number[])[]; readonly expected: readonly number[] };
  const spool = join(folder, 'log');
  const allowed = ['--python', python, '--python-cache', join(folder, 'cache'), '--python-processes', '2'];
  await using plane = await controlledPlane(['--model', `network=${place}`, '--spool', spool, ...allowed]);
  const figures = async (): Promise<PythonFigures> => {
    const { models } = (await plane.ask({ op: 'stats' }))['stats'] as { readonly models: readonly [{ readonly python: PythonFigures }] };
    return models[0].python;
  };
  const replacedMs: number[] = [];
  const metadata = (await (await fetch(`http://127.0.0.1:${plane.port}/v2/models/network`)).json()) as {
    readonly inputs: readonly [{ readonly name: string }];
  };
  const isRight = await ride(plane, {
    title: 'a network of scikit-learn in 2 Python processes',
    path: '/v2/models/network/infer',
    bodies: rows.map((row) => bodyOf([{ name: metadata.inputs[0].name, datatype: 'FP64', shape: [1, row.length], data: row }])),
    expected: expected.map((value) => [value]),
    spool,
    deaths: Math.ceil(deathsOfThreads / 10),
    kill: async () => {
      const before = await figures();
      const [pid] = before.pids;
      if (pid === undefined) return false;
      const killedMs = performance.now();
      process.kill(pid, 'SIGKILL');
      // The next one dies when this one is replaced: each loads its libraries for seconds.
      for (let waited = 0; waited < 1200; waited++) {
        const now = await figures();
        if (now.restarts > before.restarts && now.pids.length === 2) break;
        await sleep(50);
      }
      replacedMs.push(performance.now() - killedMs);
      return true;
    },
  });
  console.log(`  ${(await figures()).restarts} processes were killed and started again, in ${ofAll(replacedMs)}`);
  return isRight;
}

const areRight = [await threads(), await processes()];
await rm(folder, { recursive: true });
process.exitCode = areRight.every(Boolean) ? 0 : 1;
