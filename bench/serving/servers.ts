/** The servers that are compared: ours as it is shipped, the peers with a setting each, and one that only answers. */
import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { openFsBlobs } from '#blobs';
import type { ReleaseManifest, SignedManifest } from '#contract';
import { canonicalJson, digestOf, sha256 } from '#core';
import { freePort, type Running, startProcess } from '../common/process.ts';
import type { PythonEnvironment } from './environments.ts';
import type { BenchModel } from './models.ts';

const root = resolve(import.meta.dirname, '../..');
const peers = join(import.meta.dirname, 'peers');

export interface Server extends Running {
  readonly setting: string;
  readonly port: number;
  readonly grpcPort?: number;
}

/** `gyre serve` on a signed manifest, every prediction logged. @param folder of its own, made here */
export async function startGyre(folder: string, model: BenchModel): Promise<Server> {
  const blobs = join(folder, 'blobs');
  mkdirSync(blobs, { recursive: true });
  const store = await openFsBlobs({ dir: blobs });
  await store.put(model.graph);
  const files = [{ path: 'model.onnx', digest: sha256(model.graph), size: model.graph.byteLength }];
  const manifest: ReleaseManifest = {
    format: 'gyre.manifest.v1',
    environment: 'production',
    endpoint: model.name,
    generation: 1,
    models: [
      {
        name: model.name,
        version: '1',
        modelVersion: 'bench',
        package: digestOf({ format: 'gyre.package.v1', files }),
        files,
        signature: model.signature,
        weight: 1,
      },
    ],
    log: { sample: 1 },
    limits: { maxBodyBytes: 8 * 1024 * 1024, maxRows: 5000 },
    tokenHashes: [],
    createdAt: '2026-01-01T00:00:00.000Z',
  };
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const signed: SignedManifest = {
    manifest,
    keyId: sha256(createPublicKey(privateKey).export({ type: 'spki', format: 'der' })).slice(0, 16),
    signature: sign(null, Buffer.from(canonicalJson(manifest)), privateKey).toString('base64'),
  };
  const [manifestFile, keyFile] = [join(folder, 'manifest.json'), join(folder, 'key.pem')];
  writeFileSync(manifestFile, JSON.stringify(signed));
  writeFileSync(keyFile, publicKey.export({ type: 'spki', format: 'pem' }));
  const [port, grpcPort] = [await freePort(), await freePort()];
  const given = ['--manifest', manifestFile, '--blobs', blobs, '--public-key', keyFile, '--spool', join(folder, 'log')];
  const profile = process.env['GYRE_BENCH_PROFILE'];
  const running = await startProcess({
    name: 'gyre',
    command: [join(root, 'gyre'), 'serve', ...given, '--port', String(port), '--grpc-port', String(grpcPort), '--log-level', 'warn'],
    readyUrl: `http://127.0.0.1:${port}/v2/health/ready`,
    cwd: folder,
    env: profile === undefined ? {} : { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${resolve(profile)}` },
  });
  return { ...running, port, grpcPort, setting: 'as shipped, signed manifest, log.sample 1' };
}

/** Reads each body and answers as many bytes as told, and does nothing else: what HTTP costs here. @param answerBytes header aside */
export async function startFloor(folder: string, answerBytes: number): Promise<Server> {
  const port = await freePort();
  const script = join(folder, `floor-${answerBytes}.cjs`);
  writeFileSync(
    script,
    `const answer = Buffer.alloc(${answerBytes}, 32);
     require('node:http').createServer({ noDelay: true }, (request, response) => {
       request.resume();
       request.on('end', () => {
         response.writeHead(200, ['content-type', 'application/json', 'content-length', String(answer.length)]);
         response.end(answer);
       });
     }).listen(${port}, '127.0.0.1');`,
  );
  const running = await startProcess({
    name: 'floor',
    command: [process.execPath, script],
    readyUrl: `http://127.0.0.1:${port}/`,
    cwd: folder,
  });
  return { ...running, port, setting: 'node:http, no-op' };
}

export interface FastApiSetting {
  readonly workers: number;
  /** Of one run; 0: as ONNX Runtime chooses. */
  readonly threads: number;
  /** As uvicorn is, with the stall of its kept connections. */
  readonly isAsShipped?: boolean;
}

export async function startFastApi(modelFile: string, setting: FastApiSetting, environment: PythonEnvironment): Promise<Server> {
  const { workers, threads, isAsShipped = false } = setting;
  const port = await freePort();
  const words = ['-m', 'uvicorn', 'fastapi_service:app', '--app-dir', peers, '--host', '127.0.0.1', '--port', String(port)];
  const running = await startProcess({
    name: 'FastAPI',
    command: [environment.python.program, ...words, '--workers', String(workers), '--no-access-log', '--log-level', 'warning'],
    readyUrl: `http://127.0.0.1:${port}/health`,
    cwd: environment.folder,
    env: { MODEL: modelFile, THREADS: String(threads), ...(isAsShipped ? {} : { PYTHONPATH: join(peers, 'nodelay') }) },
  });
  const said = [`${workers} ${workers === 1 ? 'worker' : 'workers'}`, threads === 0 ? 'threads by default' : `${threads} thread a run`];
  return { ...running, port, setting: [...said, ...(isAsShipped ? ['as shipped'] : [])].join(', ') };
}

export interface MlserverSetting {
  /** Processes beside the one that answers; 0: it runs the model itself. */
  readonly parallelWorkers: number;
  /** Requests of one run, by its adaptive batching; 0: it is off. */
  readonly batch: number;
}

/** @param folder of its own, made here */
export async function startMlserver(
  folder: string,
  name: string,
  modelFile: string,
  setting: MlserverSetting,
  environment: PythonEnvironment,
): Promise<Server> {
  const { parallelWorkers, batch } = setting;
  const ports = [await freePort(), await freePort(), await freePort()];
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(peers, 'mlserver_runtime.py'), join(folder, 'mlserver_runtime.py'));
  const settings = { debug: false, host: '127.0.0.1', http_port: ports[0], grpc_port: ports[1], metrics_port: ports[2] };
  writeFileSync(join(folder, 'settings.json'), JSON.stringify({ ...settings, parallel_workers: parallelWorkers }));
  writeFileSync(
    join(folder, 'model-settings.json'),
    JSON.stringify({
      name,
      implementation: 'mlserver_runtime.OnnxModel',
      ...(batch === 0 ? {} : { max_batch_size: batch, max_batch_time: 0.002 }),
      parameters: { uri: modelFile, version: '1' },
    }),
  );
  const running = await startProcess({
    name: 'MLServer',
    command: [join(environment.folder, 'bin/mlserver'), 'start', folder],
    readyUrl: `http://127.0.0.1:${ports[0]}/v2/models/${name}/ready`,
    cwd: folder,
    env: { PYTHONPATH: join(peers, 'nodelay'), PATH: `${join(environment.folder, 'bin')}:${process.env['PATH'] ?? ''}` },
  });
  return {
    ...running,
    port: ports[0],
    setting: `parallel_workers ${parallelWorkers}, ${batch === 0 ? 'no batching' : `batches up to ${batch}`}`,
  };
}

export interface TritonSetting {
  /** Processes of the Python backend. */
  readonly instances: number;
  /** Of one run. */
  readonly threads: number;
  /** Requests of one run, by its dynamic batcher; 1: it is off. */
  readonly batch: number;
}

/** Triton core's server with its Python backend, both as the package nvidia-pytriton brings them. @param folder of its own, made here */
export async function startTriton(
  folder: string,
  model: BenchModel,
  setting: TritonSetting,
  environment: PythonEnvironment,
): Promise<Server> {
  const { instances, threads, batch } = setting;
  const [httpPort, grpcPort, metricsPort] = [await freePort(), await freePort(), await freePort()];
  const home = join(environment.packages, 'pytriton/tritonserver');
  // The package keeps the backend's program for each version of Python beside it, and puts one in place when it starts.
  const [, minor] = /lib\/python(3\.\d+)\//.exec(environment.packages) ?? [];
  const stub = join(home, 'backends/python/triton_python_backend_stub');
  copyFileSync(join(home, 'python_backend_stubs', minor ?? '', 'triton_python_backend_stub'), stub);
  chmodSync(stub, 0o755);
  const repository = join(folder, 'models');
  const version = join(repository, model.name, '1');
  mkdirSync(version, { recursive: true });
  writeFileSync(join(version, 'model.onnx'), model.graph);
  copyFileSync(join(peers, 'triton_model.py'), join(version, 'model.py'));
  writeFileSync(
    join(repository, model.name, 'config.pbtxt'),
    `backend: "python"
max_batch_size: ${Math.max(1, batch)}
input [{ name: "${model.input.name}" data_type: TYPE_FP32 dims: [${model.input.shape.join(', ')}] }]
output [{ name: "${model.output.name}" data_type: TYPE_FP32 dims: [${model.output.size}] }]
${batch > 1 ? 'dynamic_batching { }' : ''}
instance_group [{ count: ${instances} kind: KIND_CPU }]
parameters { key: "threads" value: { string_value: "${threads}" } }
`,
  );
  const ports = [
    ['http', httpPort],
    ['grpc', grpcPort],
    ['metrics', metricsPort],
  ].flatMap(([name, port]) => [`--${name}-address`, '127.0.0.1', `--${name}-port`, String(port)]);
  const places = ['--model-repository', repository, '--backend-directory', join(home, 'backends')];
  const running = await startProcess({
    name: 'Triton',
    command: [join(home, 'bin/tritonserver'), ...places, ...ports, '--log-info', 'false'],
    readyUrl: `http://127.0.0.1:${httpPort}/v2/models/${model.name}/ready`,
    cwd: folder,
    env: {
      PATH: `${join(environment.folder, 'bin')}:${process.env['PATH'] ?? ''}`,
      PYTHONPATH: environment.packages,
      LD_LIBRARY_PATH: environment.libraries,
    },
  });
  const said = [`${instances} ${instances === 1 ? 'instance' : 'instances'}`, `${threads} ${threads === 1 ? 'thread' : 'threads'} a run`];
  return { ...running, port: httpPort, grpcPort, setting: [...said, batch > 1 ? `batches up to ${batch}` : 'no batching'].join(', ') };
}
