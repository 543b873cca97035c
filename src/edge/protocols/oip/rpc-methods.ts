import { giveBack, hasCode, WireReader, WireWriter } from '#core';
import { callerOf, withLease } from '#serving';
import type { Inferred, Lease, ModelReport, PendingMessage, RpcCall, RpcMethod } from '#serving';
import { decodeInferRequest, firstKey } from './decode.ts';
import type { WantedOutput } from './decode.ts';
import { indexOf, modelMetadata, serverMetadata } from './encode.ts';
import type { IndexEntry, TensorMetadata } from './encode.ts';
import { describeError } from './errors.ts';
import { readInferRequest, writeInferResponse } from './infer-messages.ts';
import { inferenceOf, inferLater } from './infer.ts';
import type { OipOptions } from './routes.ts';
import { batchStats, inferenceStats, modelStats } from './statistics.ts';
import type { ModelStats, StatisticDuration } from './statistics.ts';

const service = '/inference.GRPCInferenceService';

/** The methods of `inference.GRPCInferenceService`, the Open Inference Protocol v2 over gRPC. */
export function oipMethods({ plane, version, outliers }: OipOptions): RpcMethod[] {
  const named = <R>(message: Uint8Array, use: (lease: Lease) => R): R => {
    const { name, version: wanted } = readNamed(message);
    return withLease(plane.lease(name, wanted === '' ? undefined : wanted), use);
  };
  const infer = (message: Uint8Array, call: RpcCall): Promise<Uint8Array> | PendingMessage => {
    const { model, version: wanted, body, raw } = readInferRequest(message);
    const held = plane.lease(model, wanted === '' ? undefined : wanted, callerOf(call.headers, firstKey(body)));
    return withLease(held, (lease) => {
      const request = decodeInferRequest(body, raw, lease.model);
      const inference = inferenceOf(request, call.timeoutMs, call);
      const written = (inferred: Inferred, given: readonly WantedOutput[]): Uint8Array =>
        writeInferResponse(inferred.model, request.id, given, inferred, raw.isUsed);
      const now = request.outlier ? undefined : lease.inferNow(inference);
      if (now !== undefined) return { message: written(now.inferred, request.outputs), settle: now.settle };
      return inferLater(outliers, lease, request, inference, raw.isUsed, (inferred, given) => {
        const answer = written(inferred, given);
        if (call.ownsMessage && !inferred.holdsFeeds) giveBack(message);
        return answer;
      });
    });
  };
  const method = (name: string, handle: RpcMethod['handle'], more: Pick<RpcMethod, 'open' | 'infers' | 'stream'> = {}): RpcMethod => ({
    name,
    path: `${service}/${name}`,
    handle,
    ...more,
  });
  return [
    method('ModelInfer', infer, { infers: true }),
    method('ModelStreamInfer', (message, call) => asStreamed(infer(message, call)), {
      infers: true,
      stream: { onError: (error) => streamed(1, new TextEncoder().encode(said(error))) },
    }),
    method('ServerLive', () => yes(true), { open: true }),
    method('ServerReady', () => yes(plane.ready), { open: true }),
    method('ModelReady', (message) => yes(isReady(plane, readNamed(message)))),
    method('ServerMetadata', () => {
      const { name, version: own, extensions } = serverMetadata(version);
      const writer = new WireWriter();
      writer.string(1, name);
      writer.string(2, own);
      for (const extension of extensions) writer.string(3, extension);
      return writer.finish();
    }),
    method('ModelStatistics', async (message) => {
      const { name, version: wanted } = readNamed(message);
      // Refuses what is not served, with what is.
      if (name !== '') named(message, () => nothing);
      const isAsked = (model: ModelReport): boolean => name === '' || (model.name === name && (wanted === '' || model.version === wanted));
      return writeStatistics((await plane.modelTotals()).filter(isAsked).map(modelStats));
    }),
    method('RepositoryIndex', (message) => {
      const reader = new WireReader(message, 'RepositoryIndexRequest');
      let onlyReady = false;
      while (reader.next()) {
        if (reader.field === 2) onlyReady = reader.bool();
        else reader.skip();
      }
      return writeIndex(indexOf(plane, onlyReady));
    }),
    method('RepositoryModelLoad', (message) => plane.setLoaded(readModelName(message), true).then(() => nothing)),
    method('RepositoryModelUnload', (message) => plane.setLoaded(readModelName(message), false).then(() => nothing)),
    method('ModelMetadata', (message) =>
      named(message, ({ model }) => {
        const metadata = modelMetadata(plane.models, model);
        const writer = new WireWriter();
        writer.string(1, metadata.name);
        for (const one of metadata.versions) writer.string(2, one);
        writer.string(3, metadata.platform);
        for (const input of metadata.inputs) writer.message(4, (part) => writeTensorMetadata(part, input));
        for (const output of metadata.outputs) writer.message(5, (part) => writeTensorMetadata(part, output));
        return writer.finish();
      }),
    ),
  ];
}

const nothing = new Uint8Array();

/** What is not served is not ready: clients ask by this whether it is. */
function isReady(plane: OipOptions['plane'], { name, version }: { readonly name: string; readonly version: string }): boolean {
  try {
    using _lease = plane.lease(name, version === '' ? undefined : version);
    return plane.ready;
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND') || hasCode(error, 'UNAVAILABLE')) return false;
    throw error;
  }
}

/** A response of one bool. */
function yes(value: boolean): Uint8Array {
  const writer = new WireWriter();
  writer.bool(1, value);
  return writer.finish();
}

function asStreamed(given: Promise<Uint8Array> | PendingMessage): Promise<Uint8Array> | PendingMessage {
  return given instanceof Promise ? given.then((message) => streamed(2, message)) : { ...given, message: streamed(2, given.message) };
}

/** ModelStreamInferResponse: an error's message (1) or a response (2). */
function streamed(field: 1 | 2, bytes: Uint8Array): Uint8Array {
  const writer = new WireWriter();
  writer.bytes(field, bytes);
  return writer.finish();
}

function said(error: unknown): string {
  const { body } = describeError(error);
  return String((JSON.parse(String(body)) as { readonly error: unknown }).error);
}

/** A request that names a model and perhaps its version. */
function readNamed(message: Uint8Array): { readonly name: string; readonly version: string } {
  const reader = new WireReader(message, 'request that names a model');
  let [name, version] = ['', ''];
  while (reader.next()) {
    if (reader.field === 1) name = reader.string();
    else if (reader.field === 2) version = reader.string();
    else reader.skip();
  }
  return { name, version };
}

/** RepositoryModelLoadRequest and RepositoryModelUnloadRequest: the model's name is their second field. */
function readModelName(message: Uint8Array): string {
  const reader = new WireReader(message, 'request that names a model');
  let name = '';
  while (reader.next()) {
    if (reader.field === 2) name = reader.string();
    else reader.skip();
  }
  return name;
}

function writeIndex(entries: readonly IndexEntry[]): Uint8Array {
  const writer = new WireWriter();
  for (const { name, version, state, reason } of entries) {
    writer.message(1, (entry) => {
      for (const [at, text] of [name, version, state, reason].entries()) entry.string(at + 1, text);
    });
  }
  return writer.finish();
}

function writeStatistics(stats: readonly ModelStats[]): Uint8Array {
  const writer = new WireWriter();
  const duration = (part: WireWriter, field: number, { count, ns }: StatisticDuration): void =>
    part.message(field, (own) => {
      own.int(1, count);
      own.int(2, ns);
    });
  for (const one of stats) {
    writer.message(1, (model) => {
      model.string(1, one.name);
      model.string(2, one.version);
      model.int(3, one.last_inference);
      model.int(4, one.inference_count);
      model.int(5, one.execution_count);
      model.message(6, (part) => {
        for (const [at, name] of inferenceStats.entries()) duration(part, at + 1, one.inference_stats[name]);
      });
      for (const batch of one.batch_stats) {
        model.message(7, (part) => {
          part.int(1, batch.batch_size);
          for (const [at, name] of batchStats.entries()) duration(part, at + 2, batch[name]);
        });
      }
    });
  }
  return writer.finish();
}

function writeTensorMetadata(writer: WireWriter, { name, datatype, shape }: TensorMetadata): void {
  writer.string(1, name);
  writer.string(2, datatype);
  writer.packedInts(3, shape);
}
