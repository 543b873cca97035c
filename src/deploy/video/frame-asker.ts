import { Agent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { jsonLengthHeader } from '#contract';
import type { VideoFrame } from '#contract';
import { GyreError, messageOf } from '#core';

/** Where a model answers. */
export interface ModelPlace {
  /** Base URL of a data plane. */
  readonly address: string;
  /** The model's name, or the endpoint's. */
  readonly model: string;
  readonly token?: string;
  /** The certificate (PEM) that the data plane shows, where nobody else has signed it. */
  readonly certificate?: string;
}

/** What a model of pictures takes. */
export interface TakenFrames {
  readonly input: string;
  readonly width: number;
  readonly height: number;
  readonly fit: 'cover' | 'stretch';
  readonly kernel: 'bilinear' | 'lanczos';
  /** In the order of its probabilities. */
  readonly classes: readonly string[];
}

export type Said = Pick<VideoFrame, 'id' | 'label' | 'confidence' | 'probabilities'>;

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
   * @throws GyreError UNAVAILABLE when nothing answers; FAILED_PRECONDITION when it takes no pictures as bytes of red, green and blue; NOT_FOUND
   */
  async taken(): Promise<TakenFrames> {
    const { model } = this.#place;
    const { body } = await this.#send('GET', this.#path(''));
    const inputs = listOf(body, 'inputs');
    const [input] = inputs;
    const image = memberOf(memberOf(input, 'parameters'), 'image');
    const [name, width, height] = [memberOf(input, 'name'), memberOf(image, 'width'), memberOf(image, 'height')];
    const isPlain =
      memberOf(image, 'layout') === 'NHWC' && memberOf(image, 'channels') === 'RGB' && memberOf(image, 'datatype') === 'UINT8';
    if (inputs.length !== 1 || typeof name !== 'string' || typeof width !== 'number' || typeof height !== 'number' || !isPlain)
      throw new GyreError(
        'FAILED_PRECONDITION',
        `"${model}" does not take a picture alone, as rows of RGB pixels, or its signature does not say so ("image" of its input): there is nothing to give it of a video`,
      );
    const probabilities = listOf(body, 'outputs').find((output) => memberOf(output, 'name') === 'probabilities');
    const classes = memberOf(memberOf(probabilities, 'parameters'), 'classes');
    return {
      input: name,
      width,
      height,
      fit: memberOf(image, 'fit') === 'stretch' ? 'stretch' : 'cover',
      kernel: memberOf(image, 'kernel') === 'lanczos' ? 'lanczos' : 'bilinear',
      classes: Array.isArray(classes) ? classes.map(String) : [],
    };
  }

  /** @throws GyreError UNAVAILABLE, RESOURCE_EXHAUSTED, DEADLINE_EXCEEDED when it may answer later; any other when it never will */
  async ask({ input, width, height, classes }: TakenFrames, pixels: Uint8Array): Promise<Said> {
    const tensor = { name: input, datatype: 'UINT8', shape: [1, height, width, 3], parameters: { binary_data_size: pixels.byteLength } };
    const head = Buffer.from(JSON.stringify({ inputs: [tensor], outputs: [{ name: 'label' }, { name: 'probabilities' }] }));
    const { body } = await this.#send('POST', this.#path('/infer'), Buffer.concat([head, pixels]), {
      'content-type': 'application/octet-stream',
      [jsonLengthHeader]: String(head.byteLength),
    });
    const dataOf = (name: string): readonly unknown[] =>
      listOf(
        listOf(body, 'outputs').find((output) => memberOf(output, 'name') === name),
        'data',
      );
    const [label] = dataOf('label');
    const shares = dataOf('probabilities').map(Number);
    const id = memberOf(memberOf(body, 'parameters'), 'prediction_ids');
    const at = classes.indexOf(String(label));
    const confidence = at < 0 ? Math.max(...shares) : shares[at];
    return {
      ...(typeof id === 'string' ? { id } : {}),
      ...(label === undefined ? {} : { label: String(label) }),
      ...(Number.isFinite(confidence) ? { confidence } : {}),
      ...(classes.length === shares.length ? { probabilities: Object.fromEntries(classes.map((name, k) => [name, shares[k]])) } : {}),
    };
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
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body: parsed(Buffer.concat(chunks).toString('utf8')) }));
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

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function listOf(value: unknown, name: string): readonly unknown[] {
  const list = memberOf(value, name);
  return Array.isArray(list) ? list : [];
}
