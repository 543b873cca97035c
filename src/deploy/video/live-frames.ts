import { setTimeout as sleep } from 'node:timers/promises';
import { GyreError, messageOf } from '#core';
import { readFrames } from './ffmpeg.ts';
import type { FramesOptions } from './ffmpeg.ts';

export interface LiveFramesOptions extends FramesOptions {
  /** Milliseconds since some fixed moment, not stepping back. */
  readonly elapsed: () => number;
  /** A camera or an address that gives no frame for so long is given up. */
  readonly reconnectForMs: number;
  /** Told each time that it is about to be opened again, and why. */
  readonly onReconnect: (why: string) => void;
}

/** From one attempt to the next, doubled up to the last. */
const pausesMs = { first: 500, last: 8000 };

/**
 * Frames as `readFrames` gives them; a camera or an address that drops after its first frame is opened again, until it gives none for
 * `reconnectForMs`. A file is played once. A source that never gave a frame is not waited for: its name is likely wrong.
 * @throws GyreError as `readFrames`; UNAVAILABLE when it was given up
 */
export async function readLiveFrames(options: LiveFramesOptions): Promise<void> {
  const { source, signal, elapsed, reconnectForMs, onReconnect } = options;
  if (source.kind === 'file') return readFrames(options);
  let lastFrameMs: number | undefined;
  let pauseMs = pausesMs.first;
  const onFrame: FramesOptions['onFrame'] = (pixels) => {
    lastFrameMs = elapsed();
    pauseMs = pausesMs.first;
    options.onFrame(pixels);
  };
  while (!signal.aborted) {
    const failure = await readFrames({ ...options, onFrame }).then(
      () => new GyreError('UNAVAILABLE', `${source.name} ended`),
      (error: unknown) => error,
    );
    if (signal.aborted) return;
    if (lastFrameMs === undefined) throw failure;
    const silentMs = elapsed() - lastFrameMs;
    if (silentMs + pauseMs > reconnectForMs)
      throw new GyreError(
        'UNAVAILABLE',
        `${source.name} gave no frame for ${Math.round(silentMs / 1000)} s and is given up: ${messageOf(failure)}`,
        {},
        { cause: failure },
      );
    onReconnect(messageOf(failure));
    await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    pauseMs = Math.min(pausesMs.last, 2 * pauseMs);
  }
}
