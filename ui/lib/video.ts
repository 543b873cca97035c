import type { VideoEvent } from '#contract';
import { ApiError, apiUrl, problemFrom } from './api.ts';
import { eventParser } from './event-stream.ts';

export interface PlayedVideo {
  readonly environment: string;
  readonly path: string;
  /** Frames a second; undefined: as many as the video has. */
  readonly fps: number | undefined;
}

/**
 * Plays a video to a model until it is over, or stopped.
 * @param heard told of every frame, and of the end
 * @throws ApiError when it cannot be played, or the connection breaks
 */
export async function playVideo(
  { environment, path, fps }: PlayedVideo,
  heard: (event: VideoEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  const query = new URLSearchParams({ path, ...(fps === undefined ? {} : { fps: String(fps) }) });
  try {
    const response = await fetch(apiUrl(`environments/${encodeURIComponent(environment)}/video-stream?${query}`), {
      method: 'POST',
      headers: { accept: 'text/event-stream' },
      signal,
    });
    if (!response.ok || response.body === null) throw problemFrom(response, await response.text());
    const parse = eventParser();
    const decoder = new TextDecoder();
    const reader = response.body.getReader();
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read())
      for (const { data } of parse(decoder.decode(chunk.value, { stream: true }))) heard(JSON.parse(data) as VideoEvent);
  } catch (cause) {
    if (signal.aborted) return;
    if (cause instanceof ApiError) throw cause;
    throw new ApiError('The connection broke while the video was played. Play it again.', { status: 0, code: 'UNAVAILABLE', cause });
  }
}
