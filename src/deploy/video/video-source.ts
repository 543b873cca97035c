import { readdir, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { GyreError } from '#core';

/** A video as ffmpeg is told of it. */
export interface VideoSource {
  readonly kind: 'file' | 'device' | 'rtsp';
  /** As the person named it, for messages. */
  readonly name: string;
  /** The input with the options in front of it. */
  readonly args: readonly string[];
}

/** Containers that hold one video themselves. Playlists and scripts, which name further files and addresses, are none of them. */
const containers = 'mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,h264,hevc,mjpeg,gif,ogg,flv,asf,ivf,yuv4mpegpipe';

const streamProtocols = 'rtsp,rtsps,rtp,udp,tcp,tls';

/**
 * What a person names as a video: a file, a camera (`/dev/video0`, `/dev/v4l/by-id/…`), or an address (`rtsp://…`, `rtsps://…`). Nothing else is opened: ffmpeg
 * is told which protocols and containers it may use, and a file is named so that its name can be no option and no address.
 * @param folder that relative paths start from
 * @throws GyreError INVALID_ARGUMENT for another kind of address, NOT_FOUND when there is no such file or camera
 */
export async function videoSource(input: string, folder: string): Promise<VideoSource> {
  if (/^rtsps?:\/\//i.test(input)) {
    if (!URL.canParse(input)) throw new GyreError('INVALID_ARGUMENT', `"${input}" is no address: rtsp://host/path is right`);
    const transport = ['-rtsp_transport', 'tcp', '-timeout', '10000000'];
    return { kind: 'rtsp', name: withoutSecret(input), args: ['-protocol_whitelist', streamProtocols, ...transport, '-i', input] };
  }
  if (/^[a-z][a-z0-9+.-]*:/i.test(input))
    throw new GyreError('INVALID_ARGUMENT', `"${input.slice(0, 200)}" is not taken: a file, a device such as /dev/video0, or rtsp://… is`);
  if (/^\/dev\/(?:video\d+|v4l\/by-(?:id|path)\/[^/]+)$/.test(input)) {
    await requireCamera(input);
    return { kind: 'device', name: input, args: ['-f', 'v4l2', '-i', input] };
  }
  const path = resolve(folder, input);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new GyreError('NOT_FOUND', `there is no video ${input}`, { input });
  if (!found.isFile()) throw new GyreError('INVALID_ARGUMENT', `${input} is no file`, { input });
  // As fast as it was recorded: what is shown and counted is what a camera would give.
  return { kind: 'file', name: input, args: ['-protocol_whitelist', 'file', '-format_whitelist', containers, '-re', '-i', `file:${path}`] };
}

/** @throws GyreError NOT_FOUND naming the cameras that there are; INVALID_ARGUMENT when it is none */
async function requireCamera(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isCharacterDevice() === true) return;
  if (found !== undefined) throw new GyreError('INVALID_ARGUMENT', `${path} is no camera (no character device)`, { input: path });
  const cameras = (await readdir('/dev').catch(() => [])).filter((name) => /^video\d+$/.test(name)).map((name) => `/dev/${name}`);
  throw new GyreError(
    'NOT_FOUND',
    `there is no camera ${path}; ${cameras.length === 0 ? 'this machine has none (in a container it must be handed in: --device)' : `there are ${cameras.join(', ')}`}`,
    { input: path },
  );
}

/** Passwords of cameras stand in their addresses. */
export function withoutSecret(address: string): string {
  return address.replace(/^([a-z]+:\/\/)[^/@]*@/i, '$1…@');
}
