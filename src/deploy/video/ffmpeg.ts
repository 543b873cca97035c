import { spawn } from 'node:child_process';
import { GyreError, messageOf } from '#core';
import type { VideoSource } from './video-source.ts';
import { withoutSecret } from './video-source.ts';

export interface FramesOptions {
  readonly source: VideoSource;
  /** Pixels of a frame. */
  readonly width: number;
  readonly height: number;
  readonly fit: 'cover' | 'stretch';
  readonly kernel: 'bilinear' | 'lanczos';
  /** Frames a second; default: as many as the video has. */
  readonly fps?: number;
  /** Told of each frame: width x height x 3 bytes, red, green and blue of each pixel. */
  readonly onFrame: (pixels: Uint8Array<ArrayBuffer>) => void;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Default `ffmpeg`. */
  readonly command?: string;
}

/** How much of what ffmpeg says is kept: its last words. */
const keptWords = 4096;
const killAfterMs = 2000;

/**
 * Decodes a video by ffmpeg, a process of its own without a shell and without our environment, into raw frames at the size of a model. Its
 * output is always read, so that a slow model never holds the video up.
 * @returns settled when the video is over or was stopped
 * @throws GyreError FAILED_PRECONDITION when ffmpeg is not installed; INVALID_ARGUMENT with its last words when it cannot read the video;
 *   UNAVAILABLE when it was killed
 */
export async function readFrames(options: FramesOptions): Promise<void> {
  const { source, width, height, onFrame, signal, command = 'ffmpeg' } = options;
  if (signal.aborted) return;
  const filters = [...(options.fps === undefined ? [] : [`fps=${options.fps}`]), ...sizing(options)].join(',');
  const output = ['-map', '0:v:0', '-an', '-sn', '-dn', '-vf', filters, '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'];
  const child = spawn(command, ['-hide_banner', '-nostdin', '-loglevel', 'error', ...source.args, ...output], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
  });
  const size = width * height * 3;
  let frame = new Uint8Array(size);
  let filled = 0;
  let frames = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + size - filled);
      frame.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < size) continue;
      frames += 1;
      onFrame(frame);
      frame = new Uint8Array(size);
      filled = 0;
    }
  });
  let words = '';
  child.stderr.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString('utf8')).slice(-keptWords);
  });
  let late: NodeJS.Timeout | undefined;
  const stop = (): void => {
    child.kill('SIGTERM');
    late = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    const { code, killedBy } = await new Promise<{ code: number | null; killedBy: NodeJS.Signals | null }>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (exit, by) => resolve({ code: exit, killedBy: by }));
    });
    if (signal.aborted) return;
    const last = withoutSecretWords(words, source);
    if (killedBy !== null)
      throw new GyreError('UNAVAILABLE', `ffmpeg was ended by ${killedBy} after ${frames} frames of ${source.name}`, { signal: killedBy });
    if (code !== 0 || frames === 0)
      throw new GyreError(
        'INVALID_ARGUMENT',
        `${source.name} cannot be played${frames === 0 ? '' : ` beyond ${frames} frames`}: ${last || 'it has no frames'}`,
        {
          frames,
        },
      );
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      throw new GyreError(
        'FAILED_PRECONDITION',
        'videos are decoded by ffmpeg, which is not installed here: apt install ffmpeg (Debian, Ubuntu)',
      );
    if (error instanceof GyreError) throw error;
    throw new GyreError('UNAVAILABLE', `ffmpeg cannot be started: ${messageOf(error)}`, {}, { cause: error });
  } finally {
    clearTimeout(late);
    signal.removeEventListener('abort', stop);
  }
}

/** The sum of filters that comes nearest to `image/1`: weights of the same kernel, colours at full resolution, rounded. */
function sizing({ width, height, fit, kernel }: FramesOptions): readonly string[] {
  const flags = `flags=${kernel}+accurate_rnd+full_chroma_int+full_chroma_inp`;
  if (fit === 'stretch') return [`scale=${width}:${height}:${flags}`];
  return [`scale=${width}:${height}:force_original_aspect_ratio=increase:${flags}`, `crop=${width}:${height}`];
}

function withoutSecretWords(words: string, { name }: VideoSource): string {
  const line = words.trim().split('\n').at(-1) ?? '';
  // It repeats the input, of which the person's own words are enough.
  return line
    .replaceAll(/(?:file:\S+|rtsps?:\/\/\S+?)(?=: |$)/g, (text) => (text.startsWith('file:') ? name : withoutSecret(text)))
    .slice(0, 400);
}
