import { delimiter, resolve } from 'node:path';
import { GyreError } from '#core';
import type { Release } from '#release';
import { confinedVideo, listVideos, openVideoStream, videoSource } from '#video';
import type { ListedVideo, VideoStream } from '#video';

export interface VideoDeps {
  readonly release: Pick<Release, 'environments'>;
  /** What data planes ask of whoever calls them. */
  readonly planeAccess: { readonly token: string; readonly certificate?: string };
  /** Absolute: where videos may lie. */
  readonly folders: readonly string[];
}

/** A video as a page asks for it. */
export interface PlayVideo {
  readonly environment: string;
  /** Below one of the folders. */
  readonly path: string;
  readonly fps?: number;
  readonly signal: AbortSignal;
}

export interface Videos {
  list(): Promise<readonly ListedVideo[]>;
  /**
   * Plays a video to what an environment serves.
   * @throws GyreError NOT_FOUND, PERMISSION_DENIED (it lies elsewhere), FAILED_PRECONDITION (nothing is served, or no model of pictures),
   *   RESOURCE_EXHAUSTED when too many play already
   */
  play(request: PlayVideo): Promise<VideoStream>;
}

/** Each is a process that decodes, and a model that answers as fast as it can. */
const mostPlaying = 4;

/** The folders that a setting names. */
export function videoFoldersOf(setting: string, projectFolder: string): readonly string[] {
  return setting
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => resolve(projectFolder, folder));
}

export function openVideos({ release, planeAccess, folders }: VideoDeps): Videos {
  let playing = 0;
  return {
    list: () => listVideos(folders),
    async play({ environment: name, path, fps, signal }) {
      const environments = await release.environments();
      const environment = environments.find((one) => one.name === name);
      if (environment === undefined)
        throw new GyreError('NOT_FOUND', `there is no environment "${name}"; there are ${environments.map((one) => one.name).join(', ')}`);
      const { address, agents, endpoint } = environment;
      if (agents !== undefined)
        throw new GyreError('FAILED_PRECONDITION', `agents serve "${name}" on machines that the platform does not reach: play it there`);
      if (address === undefined)
        throw new GyreError('FAILED_PRECONDITION', `nothing is served in "${name}": release a version there first`);
      const source = { ...(await videoSource(await confinedVideo(path, folders), '/')), name: path };
      if (playing >= mostPlaying)
        throw new GyreError('RESOURCE_EXHAUSTED', `${playing} videos are played already: wait until one is over, or stop one`);
      playing += 1;
      try {
        const stream = await openVideoStream({
          address,
          model: endpoint,
          ...planeAccess,
          source,
          ...(fps === undefined ? {} : { fps }),
          elapsed: () => performance.now(),
          signal,
        });
        return {
          ...bound(stream),
          [Symbol.asyncDispose]: async () => {
            await stream[Symbol.asyncDispose]();
            playing -= 1;
          },
        };
      } catch (error) {
        playing -= 1;
        throw error;
      }
    },
  };
}

function bound(stream: VideoStream): Omit<VideoStream, typeof Symbol.asyncDispose> {
  return { taken: stream.taken, counts: () => stream.counts(), frames: () => stream.frames() };
}
