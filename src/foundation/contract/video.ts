import { Type, type Static } from 'typebox';
import { strict } from './common.ts';

/** What a model says of one frame of a video. */
export const VideoFrame = strict({
  frame: Type.Integer({ minimum: 0, description: 'its number in the video, from 0; those that are missing were dropped' }),
  id: Type.Optional(Type.String({ description: 'of the prediction' })),
  label: Type.Optional(Type.String()),
  confidence: Type.Optional(Type.Number({ description: 'the probability of the label, 0..1' })),
  probabilities: Type.Optional(Type.Record(Type.String(), Type.Number())),
  latencyMs: Type.Number({ description: 'from the frame to its answer' }),
  error: Type.Optional(Type.String({ description: 'why there is no answer' })),
});
export type VideoFrame = Static<typeof VideoFrame>;

/** What came of a video until now. Every frame is counted once: answered, dropped or failed. */
export const VideoCounts = strict({
  frames: Type.Integer({ description: 'that came' }),
  answered: Type.Integer(),
  dropped: Type.Integer({ description: 'the oldest, when more came than could be asked about' }),
  failed: Type.Integer({ description: 'that the server did not answer' }),
  reconnects: Type.Integer({ description: 'how often a camera or an address was opened again after it had dropped' }),
  labels: Type.Record(Type.String(), Type.Integer(), { description: 'label → frames' }),
  seconds: Type.Number(),
  framesPerSecond: Type.Number({ description: 'answered' }),
  latencyP50Ms: Type.Union([Type.Number(), Type.Null()]),
  latencyP99Ms: Type.Union([Type.Number(), Type.Null()]),
});
export type VideoCounts = Static<typeof VideoCounts>;

/** One event of a video that is shown while it runs: a frame with its picture, or the end. */
export const VideoEvent = strict({
  said: Type.Optional(VideoFrame),
  picture: Type.Optional(Type.String({ description: 'the frame as the model saw it: a JPEG in base64' })),
  counts: VideoCounts,
  ended: Type.Optional(Type.String({ description: 'why it ended: `the video is over`, or what went wrong' })),
});
export type VideoEvent = Static<typeof VideoEvent>;
