import type { ReleaseManifest } from '#contract';
import { GyreError } from '#core';
import type { Clock, NewId } from '#core';
import { askedOfRows, Plane } from '#serving';
import type { Inference, Inferred, PackageSource, PythonSettings, ServedModel } from '#serving';
import type { Metrics } from '#telemetry';
import { predictionId } from './identity.ts';
import { readMessage } from './messages.ts';
import type { Delivery } from './port.ts';

/** How inference requests of the Open Inference Protocol are read and answered; a room after this one knows. */
export interface TensorCodec {
  /** @throws GyreError INVALID_ARGUMENT naming what does not fit the model */
  decode(
    text: string,
    model: ServedModel,
  ): {
    readonly inference: Pick<Inference, 'feeds' | 'images' | 'eventTime' | 'keys'>;
    encode(inferred: Inferred): string;
  };
  /** All outputs, for a model that is neither a classifier nor a regression. */
  encodeAll(model: ServedModel, id: string, inferred: Inferred): string;
}

/** A model that messages are given to. */
export interface StreamModel extends AsyncDisposable {
  readonly name: string;
  /** What people are told that answers. */
  readonly title: string;
  /**
   * The answer to a message, as JSON text. Messages that are asked at the same time share runs of the model.
   * @param id of the answer
   * @throws GyreError INVALID_ARGUMENT, OUT_OF_RANGE when the message is at fault; NOT_FOUND, FAILED_PRECONDITION, UNAUTHENTICATED,
   *   PERMISSION_DENIED when no message can be asked; CANCELLED when it was over before; any other when the model is at fault
   */
  answer(delivery: Delivery, id: string, patience: Patience): Promise<string>;
}

/** How a model that puts messages off is waited for. */
export interface Patience {
  /** When it is waited for no longer. */
  readonly signal: AbortSignal;
  waits(reason: string): void;
  goesOn(): void;
}

export interface StreamModelDeps {
  readonly clock: Clock;
  readonly newId: NewId;
  readonly chance: () => number;
  readonly elapsed: () => number;
  readonly metrics: Metrics;
  readonly tensors: TensorCodec;
  /** What is allowed of models in Python; without it, none is loaded. */
  readonly python?: PythonSettings;
  /** Threads that the model may use at once. */
  readonly workers: number;
  /** Messages that are asked about at once, at most. */
  readonly inFlight: number;
}

const maxRows = 10_000;

/**
 * Loads a model for a stream.
 * @param place its manifest, with one model, and where its files are
 * @throws GyreError what loading throws; FAILED_PRECONDITION for one that executes code on load, where that is not allowed
 */
export async function openStreamModel(
  { manifest, source }: { readonly manifest: ReleaseManifest; readonly source: PackageSource },
  { tensors, inFlight, ...deps }: StreamModelDeps,
): Promise<StreamModel> {
  const [{ name, version, package: digest }] = manifest.models;
  const plane = await Plane.open(manifest, { ...deps, source, execution: { ...manifest.execution, maxQueued: inFlight } });
  return {
    name,
    title: `${name}, package ${digest.slice(0, 12)}`,
    async answer(delivery, id) {
      const asked = readMessage(delivery, maxRows);
      using lease = plane.lease(name);
      const { model } = lease;
      const receivedMs = deps.elapsed();
      if (asked.kind === 'tensors') {
        const decoded = tensors.decode(asked.text, model);
        return decoded.encode(numbered(await lease.infer({ ...decoded.inference, receivedMs }), id, digest));
      }
      const { rows, eventTime, keys } = asked;
      if (model.entry.signature.inputs.length === 0)
        throw new GyreError(
          'INVALID_ARGUMENT',
          `nobody has described what ${name} takes as columns: send its tensors ({"inputs": [{"name", "shape", "datatype", "data"}]})`,
        );
      const inferred = numbered(
        await lease.infer({
          ...askedOfRows(model.entry.signature.inputs, rows),
          receivedMs,
          ...(eventTime === undefined ? {} : { eventTime }),
          ...(keys === undefined ? {} : { keys }),
        }),
        id,
        digest,
      );
      const { outcomes, ids } = inferred;
      if (outcomes === undefined) return tensors.encodeAll(model, id, inferred);
      return JSON.stringify({
        id,
        model: name,
        version,
        ...(eventTime === undefined ? {} : { eventTime }),
        predictions: outcomes.map((outcome, row) => ({ id: ids[row], ...(keys === undefined ? {} : { key: keys[row] }), ...outcome })),
      });
    },
    [Symbol.asyncDispose]: () => plane[Symbol.asyncDispose](),
  };
}

/** The data plane numbers predictions by chance; those of a stream are the same when a message comes again. */
function numbered(inferred: Inferred, answer: string, packageDigest: string): Inferred {
  return { ...inferred, ids: inferred.ids.map((_, row) => predictionId(answer, packageDigest, row)) };
}
