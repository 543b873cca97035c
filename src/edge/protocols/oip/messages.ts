import type { Inferred, ServedModel } from '#serving';
import { BytesBehindJson, decodeInferRequest, parseInferRequest } from './decode.ts';
import type { DecodedRequest } from './decode.ts';
import { encodeInferResponse } from './encode.ts';

/** An inference request that came as a message, and how it is answered. */
export interface InferMessage {
  readonly inference: Pick<DecodedRequest, 'feeds' | 'images' | 'eventTime' | 'keys'>;
  /** @returns the response as JSON text: no values come as bytes, since a message is one text */
  encode(inferred: Inferred): string;
}

/**
 * Reads an inference request of the protocol that is no request of HTTP, such as a message of a topic.
 * @throws GyreError INVALID_ARGUMENT naming what does not fit the model
 */
export function readInferRequest(text: string, model: ServedModel): InferMessage {
  const decoded = decodeInferRequest(parseInferRequest(text), new BytesBehindJson(new Uint8Array()), model);
  const { id, feeds, images, eventTime, keys, outputs } = decoded;
  const wanted = outputs.map(({ name }) => ({ name, binary: false }));
  return {
    inference: {
      feeds,
      ...(images === undefined ? {} : { images }),
      ...(eventTime === undefined ? {} : { eventTime }),
      ...(keys === undefined ? {} : { keys }),
    },
    encode: (inferred) => encodeInferResponse(model, id, wanted, inferred).json,
  };
}

/** All outputs of a model as the protocol's response. @param id of the response */
export function writeInferResponse(model: ServedModel, id: string, inferred: Inferred): string {
  const wanted = model.loaded.outputs.map(({ name }) => ({ name, binary: false }));
  return encodeInferResponse(model, id, wanted, inferred).json;
}
