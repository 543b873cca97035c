import type { Batches } from '#batch';
import { openStreams } from '#streams';
import type { Streams, StreamsDeps } from '#streams';
import type { Logger } from '#telemetry';
import { brokersOf, memberName, streamTensors } from './predict-stream.ts';
import { predictWorkers } from './predict-table.ts';
import type { PlatformSettings } from './settings.ts';

/** Stream predictions over the rooms that they need. */
export function openStreamPredictions(
  rooms: Pick<StreamsDeps, 'store' | 'events' | 'clock' | 'newId' | 'registry' | 'metrics' | 'owner'> & {
    readonly batches: Pick<Batches, 'versionOf'>;
    readonly values: PlatformSettings;
    readonly projectFolder: string;
    readonly log: Logger;
  },
): Streams {
  const { batches, values, projectFolder, log } = rooms;
  return openStreams({
    ...rooms,
    versionOf: (reference) => batches.versionOf(reference),
    brokers: () => brokersOf(values, projectFolder, process.env),
    memberName,
    chance: Math.random,
    elapsed: () => performance.now(),
    tensors: streamTensors,
    workers: predictWorkers(),
    say: (id, line) => log.warn({ stream: id }, line),
  });
}
