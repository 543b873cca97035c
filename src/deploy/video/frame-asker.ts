import { Agent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { jsonLengthHeader } from '#contract';
import { GyreError, memberOf, messageOf, parsedJson } from '#core';
import { askedOutputs, saidOf, takenFrames } from './taken-frames.ts';
import type { Said, TakenFrames, ToldPicture } from './taken-frames.ts';

/** Where a model answers. */
export interface ModelPlace {
  /** Base URL of a data plane. */
  readonly address: string;
  /** The model's name, or the endpoint's. */
  readonly model: string;
  readonly token?: string;
  /** The certificate (PEM) that the data plane shows, where nobody else has signed it. */
  readonly certificate?: string;
  /** Of a graph that has no signature: what becomes of a frame before it. */
  readonly picture?: ToldPicture;
}

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

const answerWithinMs = 10_000;

/** Asks a model about frames, by the Open Inference Protocol: pixels go as bytes behind the JSON, over connections that stay. */
export class FrameAsker implements Disposable {
  readonly #place: ModelPlace;
  readonly #agent: Agent | HttpsAgent;

  constructor(place: ModelPlace, inFlight: number) {
    this.#place = place;
    const sockets = { keepAlive: true, maxSockets: inFlight };
    const pinned = place.certificate === undefined ? {} : { ca: place.certificate, checkServerIdentity: () => undefined };
    this.#agent = place.address.startsWith('https:') ? new HttpsAgent({ ...sockets, ...pinned }) : new Agent(sockets);
  }

  /**
   * What the model takes.
   * @throws GyreError UNAVAILABLE when nothing answers; NOT_FOUND; FAILED_PRECONDITION or INVALID_ARGUMENT as `takenFrames`
   */
  async taken(): Promise<TakenFrames> {
    const { model, picture } = this.#place;
    const { body } = await this.#send('GET', this.#path(''));
    return takenFrames(body, model, picture);
  }

  /** @throws GyreError UNAVAILABLE, RESOURCE_EXHAUSTED, DEADLINE_EXCEEDED when it may answer later; any other when it never will */
  async ask(taken: TakenFrames, pixels: Uint8Array): Promise<Said> {
    const { datatype, shape, bytes } = await tensorOf(taken, pixels);
    const tensor = { name: taken.input, datatype, shape, parameters: { binary_data_size: bytes.byteLength } };
    const head = Buffer.from(JSON.stringify({ inputs: [tensor], outputs: askedOutputs(taken).map((name) => ({ name })) }));
    const { body } = await this.#send('POST', this.#path('/infer'), Buffer.concat([head, bytes]), {
      'content-type': 'application/octet-stream',
      [jsonLengthHeader]: String(head.byteLength),
    });
    return saidOf(body, taken);
  }

  #path(rest: string): string {
    return `/v2/models/${encodeURIComponent(this.#place.model)}${rest}`;
  }

  async #send(method: string, path: string, body?: Uint8Array, more: Readonly<Record<string, string>> = {}): Promise<Reply> {
    const { address, token } = this.#place;
    const reply = await new Promise<Reply>((resolve, reject) => {
      const headers = {
        ...more,
        ...(body === undefined ? {} : { 'content-length': body.byteLength }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      };
      const call = (address.startsWith('https:') ? httpsRequest : httpRequest)(
        new URL(path, address),
        { method, agent: this.#agent, headers, timeout: answerWithinMs },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body: parsedJson(Buffer.concat(chunks).toString('utf8')) }));
        },
      );
      call.on('timeout', () => call.destroy(new Error(`no answer within ${answerWithinMs} ms`)));
      call.on('error', reject);
      call.end(body);
    }).catch((error: unknown) => {
      throw new GyreError('UNAVAILABLE', `nothing answers at ${address} (${messageOf(error)})`, {}, { cause: error });
    });
    if (reply.status === 200) return reply;
    const said = memberOf(reply.body, 'error');
    throw new GyreError(
      codeOf(reply.status),
      `${address} answered ${reply.status}: ${typeof said === 'string' ? said : 'no reason was given'}`,
    );
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

function codeOf(status: number): GyreError['code'] {
  if (status === 429) return 'RESOURCE_EXHAUSTED';
  if (status === 504) return 'DEADLINE_EXCEEDED';
  if (status >= 500) return 'UNAVAILABLE';
  if (status === 404) return 'NOT_FOUND';
  if (status === 401) return 'UNAUTHENTICATED';
  return status === 403 ? 'PERMISSION_DENIED' : 'INVALID_ARGUMENT';
}

/** A frame as the graph takes it, from the function that training and the data plane use. */
async function tensorOf(
  { width, height, image }: TakenFrames,
  pixels: Uint8Array,
): Promise<{ readonly datatype: string; readonly shape: readonly number[]; readonly bytes: Uint8Array }> {
  const { datatype, layout, channels } = image;
  if (datatype === 'UINT8' && layout === 'NHWC' && channels === 'RGB') return { datatype, shape: [1, height, width, 3], bytes: pixels };
  // Only here: it brings the decoder of pictures along.
  const { pixelTensor } = await import('#images');
  const { shape, data } = pixelTensor([{ width, height, channels: 3, data: pixels }], image);
  return { datatype, shape, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}
