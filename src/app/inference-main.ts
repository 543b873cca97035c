/**
 * A data plane as a process of its own, without the command line's frame: what the control plane spawns. `gyre serve` takes the same options.
 * The rest is imported after the compile cache is on: half of the start is the compiling of modules.
 */
import { enableCompileCache, getCompileCacheDir, setSourceMapsSupport } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { InferenceOptions } from './inference-options.ts';

if (getCompileCacheDir() === undefined) enableCompileCache(join(import.meta.dirname, '../../node_modules/.cache/compile'));
// Where the program is joined, an error still names the place in its source.
setSourceMapsSupport(true, { nodeModules: true });

const usage = `usage: inference-main --manifest FILE --blobs FOLDER|s3://BUCKET/PREFIX (--public-key FILE | --unsigned) [options]
       inference-main --model [NAME=]FOLDER|FILE.onnx… [--route FILE] [options]
       inference-main --container sagemaker|vertex|port [--model …] [options]
options: --blob-cache DIR --s3-endpoint URL --s3-region NAME
         --host H --port N --grpc-port N|off --answering-threads N|auto --spool DIR --control --detached-ok --model-control
         --workers N|MIN-MAX --threads N|auto --engine auto|onnxruntime --provider cpu|cuda --lane inline|workers --wait-ms N --idle-ms N
         --max-batch-rows N --max-delay-ms N --max-queued N --memory-mib N
         --max-concurrent N --rate N[/BURST] --timeout-ms N --max-body-bytes N
         --log-sample SHARE --log-mask NAME --log-drop NAME --log-max-mib N --log-when-full refuse|drop_oldest
         --log-events URL --log-events-mode all|request|response --event-hosts LIST --access-log FILE|-|off
         --python FILE --python-env DIR --python-cache DIR --python-processes N --python-limit NAME=VALUE
         --tls-cert FILE --tls-key FILE --insecure-http --allowed-host NAME --log-level LEVEL`;

function readOptions(): InferenceOptions {
  const { values } = parseArgs({
    options: {
      manifest: { type: 'string' },
      blobs: { type: 'string' },
      'blob-cache': { type: 'string' },
      's3-endpoint': { type: 'string' },
      's3-region': { type: 'string' },
      model: { type: 'string', multiple: true },
      route: { type: 'string' },
      container: { type: 'string' },
      'public-key': { type: 'string' },
      unsigned: { type: 'boolean' },
      host: { type: 'string' },
      port: { type: 'string' },
      'grpc-port': { type: 'string' },
      'answering-threads': { type: 'string' },
      spool: { type: 'string' },
      'log-events': { type: 'string' },
      'log-events-mode': { type: 'string' },
      'event-hosts': { type: 'string' },
      'access-log': { type: 'string' },
      control: { type: 'boolean' },
      'detached-ok': { type: 'boolean' },
      'model-control': { type: 'boolean' },
      workers: { type: 'string' },
      threads: { type: 'string' },
      engine: { type: 'string' },
      provider: { type: 'string' },
      lane: { type: 'string' },
      'wait-ms': { type: 'string' },
      'idle-ms': { type: 'string' },
      'max-batch-rows': { type: 'string' },
      'max-delay-ms': { type: 'string' },
      'max-queued': { type: 'string' },
      'memory-mib': { type: 'string' },
      'max-concurrent': { type: 'string' },
      rate: { type: 'string' },
      'timeout-ms': { type: 'string' },
      'max-body-bytes': { type: 'string' },
      'log-sample': { type: 'string' },
      'log-mask': { type: 'string', multiple: true },
      'log-drop': { type: 'string', multiple: true },
      'log-max-mib': { type: 'string' },
      'log-when-full': { type: 'string' },
      python: { type: 'string' },
      'python-env': { type: 'string' },
      'python-cache': { type: 'string' },
      'python-processes': { type: 'string' },
      'python-limit': { type: 'string', multiple: true },
      'tls-cert': { type: 'string' },
      'tls-key': { type: 'string' },
      'insecure-http': { type: 'boolean' },
      'allowed-host': { type: 'string', multiple: true },
      'log-level': { type: 'string' },
    },
  });
  const {
    'blob-cache': blobCache,
    's3-endpoint': s3Endpoint,
    's3-region': s3Region,
    'public-key': publicKey,
    'detached-ok': detachedOk,
    'tls-cert': tlsCert,
    'tls-key': tlsKey,
    'insecure-http': insecureHttp,
    'allowed-host': allowedHosts,
    'log-level': logLevel,
    'log-events': logEvents,
    'log-events-mode': logEventsMode,
    'event-hosts': eventHosts,
    'access-log': accessLog,
    'grpc-port': grpcPort,
    'answering-threads': answeringThreads = process.env['GYRE_ANSWERING_THREADS'] || undefined,
    'model-control': modelControl,
    'wait-ms': waitMs,
    'idle-ms': idleMs,
    'max-batch-rows': maxBatchRows,
    'max-delay-ms': maxDelayMs,
    'max-queued': maxQueued,
    'memory-mib': memoryMib,
    'max-concurrent': maxConcurrent,
    'timeout-ms': timeoutMs,
    'max-body-bytes': maxBodyBytes,
    'log-sample': logSample,
    'log-mask': logMask,
    'log-drop': logDrop,
    'log-max-mib': logMaxMib,
    'log-when-full': logWhenFull,
    port,
    python,
    'python-env': pythonEnv,
    'python-cache': pythonCache,
    'python-processes': pythonProcesses,
    'python-limit': pythonLimit,
    ...same
  } = values;
  return {
    ...same,
    python: {
      ...(python === undefined ? {} : { python }),
      ...(pythonEnv === undefined ? {} : { pythonEnv }),
      ...(pythonCache === undefined ? {} : { pythonCache }),
      ...(pythonProcesses === undefined ? {} : { pythonProcesses: whole('--python-processes', pythonProcesses, 1, 64) }),
      ...(pythonLimit === undefined ? {} : { pythonLimit }),
    },
    ...(blobCache === undefined ? {} : { blobCache }),
    ...(s3Endpoint === undefined ? {} : { s3Endpoint }),
    ...(s3Region === undefined ? {} : { s3Region }),
    ...(publicKey === undefined ? {} : { publicKey }),
    ...(detachedOk === undefined ? {} : { detachedOk }),
    ...(tlsCert === undefined ? {} : { tlsCert }),
    ...(tlsKey === undefined ? {} : { tlsKey }),
    ...(insecureHttp === undefined ? {} : { insecureHttp }),
    ...(allowedHosts === undefined ? {} : { allowedHosts }),
    ...(logEvents === undefined ? {} : { logEvents }),
    ...(logEventsMode === undefined ? {} : { logEventsMode: word('--log-events-mode', logEventsMode, ['all', 'request', 'response']) }),
    ...(eventHosts === undefined ? {} : { eventHosts }),
    ...(accessLog === undefined ? {} : { accessLog }),
    ...(port === undefined ? {} : { port: whole('--port', port, 0, 65_535) }),
    ...(grpcPort === undefined ? {} : { grpcPort: grpcPort === 'off' ? grpcPort : whole('--grpc-port', grpcPort, 0, 65_535) }),
    ...(answeringThreads === undefined
      ? {}
      : { answeringThreads: answeringThreads === 'auto' ? answeringThreads : whole('--answering-threads', answeringThreads, 1, 64) }),
    ...(modelControl === undefined ? {} : { modelControl }),
    ...(waitMs === undefined ? {} : { waitMs }),
    ...(idleMs === undefined ? {} : { idleMs }),
    ...(maxBatchRows === undefined ? {} : { maxBatchRows }),
    ...(maxDelayMs === undefined ? {} : { maxDelayMs }),
    ...(maxQueued === undefined ? {} : { maxQueued }),
    ...(memoryMib === undefined ? {} : { memoryMib }),
    ...(maxConcurrent === undefined ? {} : { maxConcurrent }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(maxBodyBytes === undefined ? {} : { maxBodyBytes }),
    ...(logSample === undefined ? {} : { logSample }),
    ...(logMask === undefined ? {} : { logMask }),
    ...(logDrop === undefined ? {} : { logDrop }),
    ...(logMaxMib === undefined ? {} : { logMaxMib }),
    ...(logWhenFull === undefined ? {} : { logWhenFull }),
    ...(logLevel === undefined
      ? {}
      : { logLevel: word('--log-level', logLevel, ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']) }),
  };
}

function whole(flag: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most)
    throw new Error(`${flag} must be a whole number from ${least} to ${most}, not "${text}"`);
  return value;
}

function word<const W extends string>(flag: string, text: string, words: readonly W[]): W {
  const found = words.find((candidate) => candidate === text);
  if (found === undefined) throw new Error(`${flag} must be one of ${words.join(', ')}, not "${text}"`);
  return found;
}

let options: InferenceOptions | undefined;
try {
  options = readOptions();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}\n`);
  process.exitCode = 2;
}
if (options !== undefined) {
  const { inferenceProcess } = await import('./inference.ts');
  process.exitCode = await inferenceProcess(options);
  // The control pipe would keep the process alive.
  process.stdin.unref?.();
}
