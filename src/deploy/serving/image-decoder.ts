import type { ImageInput, NamedRow } from '#contract';
import { GyreError, isGyreError, messageOf } from '#core';
import { openImageThreads, pixelTensor } from '#images';
import type { ImageThreads } from '#images';
import type { Raster } from '#images';
import type { Tensor } from '#onnx';
import { imageColumns } from './image-inputs.ts';
import type { ImageColumn } from './image-inputs.ts';
import type { ServedModel } from './generation.ts';
import { namedRows } from './outcome.ts';
import type { Inference } from './plane-port.ts';

export interface ImageDecoderOptions {
  /** Threads that decode. */
  readonly threads: number;
  /** Milliseconds since some fixed moment, not stepping back. */
  readonly elapsed: () => number;
  /** No request is taken while so many pictures wait for a thread. Default 512. */
  readonly maxQueued?: number;
}

/** Width x height that a picture may claim. Larger ones are refused by their header: 2^25 pixels are 100 MB when decoded. */
const mostPixels = 2 ** 25;
/** Bytes of decoded pixels that one request may come to: a small body may hold many pictures that are tiny when packed. */
const mostTensorBytes = 2 ** 27;
/** A thread resizes one picture while the next is decoded. */
const jobsPerThread = 2;

interface Job {
  readonly bytes: Uint8Array;
  readonly image: ImageInput;
  /** On the clock of `elapsed`; after it nobody waits any more. */
  readonly untilMs: number;
  readonly resolve: (raster: Raster) => void;
  readonly reject: (error: unknown) => void;
  /** Whether the rest of its request failed meanwhile. */
  readonly isGivenUp: () => boolean;
}

/**
 * Decodes and resizes the pictures of requests on threads of its own, by the one function that training used. The threads start with the
 * first model that takes pictures. What waits is bounded; who waits longer than he wants to is not decoded for.
 */
export class ImageDecoder implements AsyncDisposable {
  readonly #options: ImageDecoderOptions;
  readonly #queue: Job[] = [];
  #threads: Promise<ImageThreads> | undefined;
  #running = 0;

  constructor(options: ImageDecoderOptions) {
    this.#options = options;
  }

  /** Pictures that wait. */
  get queued(): number {
    return this.#queue.length;
  }

  /** Starts the threads where one of these models takes pictures, so that the first request need not wait for them. */
  async warmUp(models: readonly Pick<ServedModel, 'entry'>[]): Promise<void> {
    if (models.some(({ entry }) => imageColumns(entry.signature).length > 0)) await this.#opened();
  }

  /**
   * A request with its pictures as the tensors that the graph takes. What the log is told of a picture is its SHA-256 and its size.
   * @param timeoutMs how long the caller still waits
   * @throws GyreError INVALID_ARGUMENT naming the row whose picture cannot be decoded; OUT_OF_RANGE for too many at once; RESOURCE_EXHAUSTED when
   *   too many wait; DEADLINE_EXCEEDED
   */
  async decoded({ entry }: ServedModel, { images, ...inference }: Inference, maxRows: number, timeoutMs?: number): Promise<Inference> {
    if (images === undefined) return inference;
    const columns = imageColumns(entry.signature).filter(({ name }) => images[name] !== undefined);
    const count = Math.max(...columns.map(({ name }) => images[name].length));
    this.#requireRoom(columns, count, maxRows);
    this.#requirePlace();
    const untilMs = timeoutMs === undefined ? Number.POSITIVE_INFINITY : this.#options.elapsed() + timeoutMs;
    const feeds: Record<string, Tensor> = { ...inference.feeds };
    const facts: Record<string, readonly NamedRow[]> = {};
    let failed = false;
    for (const { name, image } of columns) {
      const pictures = images[name];
      const one = (bytes: Uint8Array, row: number): Promise<Raster> =>
        this.#pixels(bytes, image, untilMs, () => failed).catch((error: unknown) => {
          failed = true;
          throw ofRow(error, row, name);
        });
      const [rasters, digests] = await Promise.all([Promise.all(pictures.map(one)), Promise.all(pictures.map(digestOf))]);
      feeds[name] = pixelTensor(rasters, image);
      facts[name] = pictures.map((bytes, row) => ({ [name]: digests[row], [`${name}.size`]: bytes.byteLength }));
    }
    const said = inference.rows ?? namedRows(entry.signature, inference.feeds, count);
    const rows = said.map((row, at) => Object.assign({}, row, ...columns.map(({ name }) => facts[name][at])) as NamedRow);
    return { ...inference, feeds, rows };
  }

  #requireRoom(columns: readonly ImageColumn[], count: number, maxRows: number): void {
    const bytes = columns.reduce((sum, { image }) => sum + image.width * image.height * 3 * (image.datatype === 'FP32' ? 4 : 1), 0);
    const most = Math.min(maxRows, Math.max(1, Math.floor(mostTensorBytes / bytes)));
    if (count <= most) return;
    throw new GyreError('OUT_OF_RANGE', `${count} pictures are too many for one request; this model takes at most ${most}`, {
      count,
      most,
    });
  }

  #requirePlace(): void {
    const { maxQueued = 512 } = this.#options;
    if (this.#queue.length < maxQueued) return;
    throw new GyreError('RESOURCE_EXHAUSTED', `${this.#queue.length} pictures wait to be decoded already; try again later`, {
      queued: this.#queue.length,
    });
  }

  #pixels(bytes: Uint8Array, image: ImageInput, untilMs: number, isGivenUp: () => boolean): Promise<Raster> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ bytes, image, untilMs, resolve, reject, isGivenUp });
      this.#pump();
    });
  }

  #pump(): void {
    while (this.#running < this.#options.threads * jobsPerThread) {
      const job = this.#queue.shift();
      if (job === undefined) return;
      if (job.isGivenUp()) {
        job.reject(new GyreError('CANCELLED', 'another picture of the request failed'));
      } else if (this.#options.elapsed() > job.untilMs) {
        job.reject(new GyreError('DEADLINE_EXCEEDED', 'not answered in time: its pictures waited to be decoded'));
      } else {
        this.#running += 1;
        void this.#work(job).finally(() => {
          this.#running -= 1;
          this.#pump();
        });
      }
    }
  }

  async #work({ bytes, image, resolve, reject }: Job): Promise<void> {
    try {
      const threads = await this.#opened();
      resolve(await threads.pixels(bytes, image));
    } catch (error) {
      reject(error);
    }
  }

  #opened(): Promise<ImageThreads> {
    this.#threads ??= openImageThreads({ threads: this.#options.threads, limits: { pixels: mostPixels } }).catch((error: unknown) => {
      // The next request tries again.
      this.#threads = undefined;
      throw error;
    });
    return this.#threads;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const threads = await this.#threads?.catch(() => undefined);
    await threads?.[Symbol.asyncDispose]();
  }
}

/** Whatever is wrong with a picture is the caller's to put right, also that it is too large. */
function ofRow(error: unknown, row: number, input: string): unknown {
  if (!isGyreError(error) || error.details.problem === undefined) return error;
  return new GyreError('INVALID_ARGUMENT', `row ${row} of the input "${input}": ${messageOf(error)}`, { row, input }, { cause: error });
}

/** By another thread: the file may be large. */
async function digestOf(bytes: Uint8Array): Promise<string> {
  return Buffer.from(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes))).toString('hex');
}
