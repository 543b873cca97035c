export { openVideoStream } from './video-stream.ts';
export type { SaidFrame, VideoStream, VideoStreamOptions } from './video-stream.ts';
export { videoSource } from './video-source.ts';
export type { VideoSource } from './video-source.ts';
export { confinedVideo, listVideos } from './videos.ts';
export type { ListedVideo } from './videos.ts';
export type { ModelPlace } from './frame-asker.ts';
export type { ToldPicture } from './taken-frames.ts';
