import type { VideoCounts, VideoFrame } from '#contract';
import type { GyreError } from '#core';
import { isGyreError, messageOf } from '#core';
import { readLiveFrames } from './live-frames.ts';
import { FrameAsker } from './frame-asker.ts';
import type { ModelPlace } from './frame-asker.ts';
import type { TakenFrames } from './taken-frames.ts';
import { FrameBuffer } from './frame-buffer.ts';
import type { VideoSource } from './video-source.ts';

export interface VideoStreamOptions extends ModelPlace {
  readonly source: VideoSource;
  /** Frames a second; default: as many as the video has. */
  readonly fps?: number;
  /** Milliseconds since some fixed moment, not stepping back. */
  readonly elapsed: () => number;
  /** Stops it; what was answered until then stands. */
  readonly signal: AbortSignal;
  /** Frames that wait to be asked about; the oldest is dropped for one more. Default 4. */
  readonly waiting?: number;
  /** A camera or an address that drops is opened again until it gives no frame for so long. Default 60,000. */
  readonly reconnectForMs?: number;
  /** Told each time that it is about to be opened again, and why. */
  readonly onReconnect?: (why: string) => void;
  /** Questions at a time. Default 2. */
  readonly inFlight?: number;
  /** Default `ffmpeg`. */
  readonly command?: string;
}

/** A frame with what the model said of it. */
export interface SaidFrame {
  readonly said: VideoFrame;
  /** Red, green and blue of each pixel, as the model saw it. */
  readonly pixels: Uint8Array;
}

/** A video that is asked about while it plays. */
export interface VideoStream extends AsyncDisposable {
  readonly taken: TakenFrames;
  /** Until now. */
  counts(): VideoCounts;
  /**
   * Every answer as it comes; who takes them slowly loses the oldest.
   * @throws GyreError at the end, when the video broke off, ffmpeg died, or the model refuses frames for good
   */
  frames(): AsyncIterable<SaidFrame>;
}

interface Frame {
  readonly number: number;
  readonly atMs: number;
  readonly pixels: Uint8Array;
}

/** What a server may get over: it is asked again about the next frame. */
const passing: readonly GyreError['code'][] = ['UNAVAILABLE', 'RESOURCE_EXHAUSTED', 'DEADLINE_EXCEEDED'];
/** Answers that wait for whoever takes them. */
const keptAnswers = 64;
const usualReconnectForMs = 60_000;
/** Latencies that percentiles are taken of: the latest. */
const keptLatencies = 10_000;
/** After a failure, so that a server that is away is not asked with every frame of a fast video. */
const pauseMs = 100;

/**
 * Plays a video and asks a model about its frames in real time: what cannot be asked about in time is dropped, the oldest first, and counted.
 * A server that goes away and comes back is asked again; the frames between are counted as failed.
 * @throws GyreError when the model cannot be asked at all: UNAVAILABLE, NOT_FOUND, FAILED_PRECONDITION (it takes no pictures)
 */
export async function openVideoStream(options: VideoStreamOptions): Promise<VideoStream> {
  const { inFlight = 2 } = options;
  const asker = new FrameAsker(options, inFlight);
  try {
    return new Stream(options, asker, await asker.taken(), inFlight);
  } catch (error) {
    asker[Symbol.dispose]();
    throw error;
  }
}

class Stream implements VideoStream {
  readonly taken: TakenFrames;
  readonly #options: VideoStreamOptions;
  readonly #asker: FrameAsker;
  readonly #waiting: FrameBuffer<Frame>;
  readonly #answers = new FrameBuffer<SaidFrame>(keptAnswers);
  readonly #stopped = new AbortController();
  readonly #startedMs: number;
  readonly #done: Promise<void>;
  readonly #labels: Record<string, number> = {};
  readonly #latencies: number[] = [];
  #frames = 0;
  #answered = 0;
  #failed = 0;
  #reconnects = 0;
  #refusal: Error | undefined;

  constructor(options: VideoStreamOptions, asker: FrameAsker, taken: TakenFrames, inFlight: number) {
    this.taken = taken;
    this.#options = options;
    this.#asker = asker;
    this.#waiting = new FrameBuffer(options.waiting ?? 4);
    this.#startedMs = options.elapsed();
    this.#done = this.#play(inFlight);
    // Told by `frames`, to whoever listens.
    this.#done.catch(() => undefined);
  }

  async #play(inFlight: number): Promise<void> {
    const signal = AbortSignal.any([this.#options.signal, this.#stopped.signal]);
    const { source, elapsed, fps, command, reconnectForMs = usualReconnectForMs, onReconnect } = this.#options;
    const workers = Array.from({ length: inFlight }, () => this.#work());
    try {
      await readLiveFrames({
        source,
        elapsed,
        reconnectForMs,
        onReconnect: (why) => {
          this.#reconnects += 1;
          onReconnect?.(why);
        },
        ...this.taken,
        ...(fps === undefined ? {} : { fps }),
        ...(command === undefined ? {} : { command }),
        signal,
        onFrame: (pixels) => this.#waiting.put({ number: this.#frames++, atMs: elapsed(), pixels }),
      });
    } finally {
      this.#waiting.end();
      await Promise.all(workers);
      this.#answers.end();
    }
    if (this.#refusal !== undefined) throw this.#refusal;
  }

  async #work(): Promise<void> {
    for (let frame = await this.#waiting.take(); frame !== undefined; frame = await this.#waiting.take()) {
      if (this.#refusal === undefined && !this.#stopped.signal.aborted) await this.#ask(frame);
      else this.#failed += 1;
    }
  }

  async #ask({ number, atMs, pixels }: Frame): Promise<void> {
    const { elapsed } = this.#options;
    try {
      const answer = await this.#asker.ask(this.taken, pixels);
      const latencyMs = elapsed() - atMs;
      this.#answered += 1;
      if (answer.label !== undefined) this.#labels[answer.label] = (this.#labels[answer.label] ?? 0) + 1;
      if (this.#latencies.length >= keptLatencies) this.#latencies.shift();
      this.#latencies.push(latencyMs);
      this.#answers.put({ said: { frame: number, ...answer, latencyMs }, pixels });
    } catch (error) {
      this.#failed += 1;
      this.#answers.put({ said: { frame: number, latencyMs: elapsed() - atMs, error: messageOf(error) }, pixels });
      if (isGyreError(error) && passing.includes(error.code)) {
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
      } else {
        this.#refusal = error instanceof Error ? error : new Error(messageOf(error));
        this.#stopped.abort();
      }
    }
  }

  counts(): VideoCounts {
    const seconds = (this.#options.elapsed() - this.#startedMs) / 1000;
    const sorted = this.#latencies.toSorted((left, right) => left - right);
    const at = (share: number): number | null => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? null;
    return {
      frames: this.#frames,
      answered: this.#answered,
      dropped: this.#waiting.dropped,
      failed: this.#failed,
      reconnects: this.#reconnects,
      labels: { ...this.#labels },
      seconds,
      framesPerSecond: seconds > 0 ? this.#answered / seconds : 0,
      latencyP50Ms: at(0.5),
      latencyP99Ms: at(0.99),
    };
  }

  async *frames(): AsyncIterable<SaidFrame> {
    for (let answer = await this.#answers.take(); answer !== undefined; answer = await this.#answers.take()) yield answer;
    await this.#done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort();
    await this.#done.catch(() => undefined);
    this.#asker[Symbol.dispose]();
  }
}
