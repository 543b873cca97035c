/** The same question to each server, in the bytes that it takes. */
import { WireWriter } from '#core';
import type { BenchModel } from './models.ts';

export interface Sent {
  readonly path: string;
  readonly type: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** A whole request of HTTP/1.1. */
export function httpRequest(port: number, { path, type, headers = {}, body }: Sent): Uint8Array {
  const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: ${type}\r\ncontent-length: ${body.byteLength}\r\n${more.join('')}\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

const asJson = (path: string, value: unknown): Sent => ({ path, type: 'application/json', body: Buffer.from(JSON.stringify(value)) });
const inferPath = ({ name }: BenchModel): string => `/v2/models/${name}/infer`;
const bytesOf = (values: Float32Array<ArrayBuffer>): Uint8Array => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** The Open Inference Protocol, as JSON. */
export function oipJson(model: BenchModel): readonly Sent[] {
  return model.inputs.map((values) =>
    asJson(inferPath(model), {
      inputs: [{ name: model.input.name, shape: [1, ...model.input.shape], datatype: 'FP32', data: Array.from(values) }],
    }),
  );
}

/** The Open Inference Protocol with its binary tensor data extension, both ways. */
export function oipBinary(model: BenchModel): readonly Sent[] {
  return model.inputs.map((values) => {
    const bytes = bytesOf(values);
    const shape = [1, ...model.input.shape];
    const json = Buffer.from(
      JSON.stringify({
        inputs: [{ name: model.input.name, shape, datatype: 'FP32', parameters: { binary_data_size: bytes.length } }],
        outputs: [{ name: model.output.name, parameters: { binary_data: true } }],
      }),
    );
    return {
      path: inferPath(model),
      type: 'application/octet-stream',
      headers: { 'inference-header-content-length': String(json.length) },
      body: Buffer.concat([json, bytes]),
    };
  });
}

/** ModelInferRequest of the Open Inference Protocol, its tensor as raw contents. */
export function oipMessages(model: BenchModel): readonly Uint8Array[] {
  return model.inputs.map((values) => {
    const writer = new WireWriter();
    writer.string(1, model.name);
    writer.message(5, (input) => {
      input.string(1, model.input.name);
      input.string(2, 'FP32');
      input.packedInts(3, [1, ...model.input.shape]);
    });
    writer.bytes(7, bytesOf(values));
    return writer.finish();
  });
}

/** The service that people write by hand: a list of rows. */
export function handWrittenRows(model: BenchModel): readonly Sent[] {
  return model.inputs.map((values) => asJson('/predict', { rows: [Array.from(values)] }));
}

/** The same: a list of images, nested as they are. */
export function handWrittenImages(model: BenchModel): readonly Sent[] {
  return model.inputs.map((values) => asJson('/classify', { images: nested(Array.from(values), [1, ...model.input.shape]) }));
}

export function handWrittenBytes(model: BenchModel): readonly Sent[] {
  return model.inputs.map((values) => ({ path: '/classify-bytes', type: 'application/octet-stream', body: bytesOf(values) }));
}

function nested(values: readonly number[], [, ...rest]: readonly number[]): unknown[] {
  if (rest.length === 0) return [...values];
  const size = rest.reduce((product, axis) => product * axis, 1);
  return Array.from({ length: values.length / size }, (_, at) => nested(values.slice(at * size, (at + 1) * size), rest));
}
