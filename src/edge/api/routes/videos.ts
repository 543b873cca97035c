import { Type } from 'typebox';
import type { VideoEvent } from '#contract';
import { Name, strict } from '#contract';
import { messageOf } from '#core';
import { toJpeg } from '#images';
import { frame } from '../event-stream.ts';
import { route, streamRoute, type Route } from '../route.ts';

/** A video that may be played. */
const ListedVideo = strict({ path: Type.String({ description: 'below one of the folders of videos' }), bytes: Type.Integer() });

export const videoRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/videos',
    permission: 'read',
    tag: 'release',
    summary: 'Videos in the folders that they may be played from (setting videoFolders)',
    answer: strict({ items: Type.Array(ListedVideo) }),
    handle: async ({ videos }) => ({ items: [...(await videos.list())] }),
  }),
  streamRoute({
    // It asks a model, whose predictions are logged: no page of another origin may begin it.
    method: 'POST',
    path: '/api/v1/environments/:environment/video-stream',
    permission: 'log',
    tag: 'release',
    summary: 'Plays a video to the model that an environment serves, in real time: each frame with what the model says of it',
    params: strict({ environment: Name }),
    query: strict({
      path: Type.String({ minLength: 1, maxLength: 1000 }),
      fps: Type.Optional(
        Type.Number({ exclusiveMinimum: 0, maximum: 1000, description: 'frames a second; default: as many as the video has' }),
      ),
    }),
    handle: async ({ videos }, { params, query, signal: asked }) => {
      // Until the events begin: a video that cannot be played is a problem of its own, not an event.
      const stopped = new AbortController();
      asked.addEventListener('abort', () => stopped.abort(), { once: true });
      const { path, fps } = query;
      const stream = await videos.play({
        environment: params.environment,
        path,
        signal: stopped.signal,
        ...(fps === undefined ? {} : { fps }),
      });
      return async ({ write, signal }) => {
        signal.addEventListener('abort', () => stopped.abort(), { once: true });
        await using _stream = stream;
        const { width, height } = stream.taken;
        const tell = (event: VideoEvent): Promise<void> =>
          write(frame({ event: event.ended === undefined ? 'frame' : 'end', data: event }));
        let ended = 'the video is over';
        try {
          for await (const { said, pixels } of stream.frames()) {
            if (signal.aborted) return;
            const jpeg = await toJpeg({ width, height, channels: 3, data: pixels });
            await tell({ said, picture: Buffer.from(jpeg).toString('base64'), counts: stream.counts() });
          }
        } catch (error) {
          ended = messageOf(error);
        }
        await tell({ counts: stream.counts(), ended });
      };
    },
  }),
];
