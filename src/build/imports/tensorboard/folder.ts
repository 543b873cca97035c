import { open, readdir, realpath, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { GyreError, messageOf, sha256 } from '#core';
import { isFolder } from '../files-below.ts';
import { noRecords } from '../no-records.ts';
import type { Complain, KeyValue, SourceExperiment, SourcePoint, SourceRun, TrackingSource } from '../source.ts';
import { readEvent } from './events.ts';
import type { BoardEvent } from './events.ts';
import { readRecords } from './records.ts';

const pointsAtOnce = 5000;
const bytesAtOnce = 16 * 1024 * 1024;
const eventFile = /\.tfevents\./;

/** What was read of a run's event files so far. */
interface Reading {
  readonly offsets: Map<string, number>;
  parameters: Map<string, string>;
  tags: Map<string, string>;
  points: SourcePoint[];
  startedAt: number | undefined;
  endedAt: number | undefined;
  ended: 'FINISHED' | 'FAILED' | undefined;
}

export interface TensorboardOptions {
  readonly folder: string;
  /** The experiment that the runs go to; default: the folder's name. */
  readonly experiment?: string;
  /** Runs are still being written: none of them is called finished unless it says so. */
  readonly live: boolean;
  readonly complain: Complain;
}

/**
 * A folder of TensorBoard's event files, its own and those below it; each folder that holds some is a run. Scalars (plain and as tensors),
 * hyperparameters and texts are taken. Asked for runs again, it gives those that grew since, with what is new of them.
 * @throws GyreError NOT_FOUND when there is no such folder, FAILED_PRECONDITION when it holds no event file
 */
export async function openTensorboard(options: TensorboardOptions): Promise<TrackingSource> {
  if (!(await isFolder(options.folder))) throw new GyreError('NOT_FOUND', `there is no folder ${options.folder}`);
  const root = await realpath(options.folder);
  if (!options.live && (await eventFiles(root)).size === 0)
    throw new GyreError('FAILED_PRECONDITION', `${options.folder} holds no event files of TensorBoard (*.tfevents.*)`);
  return new TensorboardReader(root, options);
}

class TensorboardReader implements TrackingSource {
  readonly place: string;
  readonly loggedModels = noRecords;
  readonly registeredModels = noRecords;
  readonly files = noRecords;
  readonly #options: TensorboardOptions;
  readonly #readings = new Map<string, Reading>();

  constructor(root: string, options: TensorboardOptions) {
    this.place = root;
    this.#options = options;
  }

  async *experiments(): AsyncGenerator<SourceExperiment> {
    const name = this.#options.experiment ?? basename(this.place);
    yield await Promise.resolve({ id: `tensorboard ${name}`, isNamedOnly: true, name, deleted: false, tags: [] });
  }

  async *runs(): AsyncGenerator<SourceRun> {
    for (const [folder, files] of await eventFiles(this.place)) {
      const name = relative(this.place, folder).split(sep).join('/') || basename(this.place);
      // The same folder is the same run, also when it is read again.
      const id = sha256(`tensorboard\0${this.place}\0${name}`).slice(0, 32);
      const reading = this.#readings.get(id) ?? newReading();
      this.#readings.set(id, reading);
      let grew = false;
      for (const file of files) grew = (await this.#readFile(file, reading)) || grew;
      if (!grew) continue;
      const { startedAt, endedAt, ended, tags, parameters } = reading;
      // What was given is not given again.
      reading.tags = new Map();
      reading.parameters = new Map();
      const status = ended ?? (this.#options.live ? 'RUNNING' : 'FINISHED');
      yield {
        id,
        name,
        status,
        ...(startedAt === undefined ? {} : { startedAt }),
        ...(endedAt === undefined || status === 'RUNNING' ? {} : { endedAt }),
        deleted: false,
        tags: pairsOf(tags),
        parameters: pairsOf(parameters),
        datasets: [],
        models: [],
        // What of it was read makes the difference when it is imported again.
        revision: [...reading.offsets.values()].join(' '),
      };
    }
  }

  async *points(_experiment: string, run: string): AsyncGenerator<readonly SourcePoint[]> {
    const reading = this.#readings.get(run);
    if (reading === undefined) return;
    const { points } = reading;
    reading.points = [];
    await Promise.resolve();
    for (let start = 0; start < points.length; start += pointsAtOnce) yield points.slice(start, start + pointsAtOnce);
  }

  /** @returns whether there was something new in it */
  async #readFile(path: string, reading: Reading): Promise<boolean> {
    const from = reading.offsets.get(path) ?? 0;
    const { size } = await stat(path);
    if (size <= from) return false;
    await using file = await open(path, 'r');
    let at = from;
    let wanted = bytesAtOnce;
    while (at < size) {
      const bytes = Buffer.alloc(Math.min(wanted, size - at));
      const { bytesRead } = await file.read(bytes, 0, bytes.length, at);
      const { records, sound, damaged } = readRecords(bytes.subarray(0, bytesRead));
      for (const record of records) this.#take(record, reading, path);
      at += sound;
      reading.offsets.set(path, at);
      if (damaged) {
        // Behind damage no record can be found: nothing says where one begins.
        this.#options.complain({
          what: relative(this.place, path),
          why: `a checksum does not fit at byte ${at}: what follows is left out`,
        });
        reading.offsets.set(path, size);
        break;
      }
      if (sound > 0) wanted = bytesAtOnce;
      // A record that is larger than what was read at once, or one that is still being written.
      else if (bytesRead < size - at) wanted *= 2;
      else break;
    }
    return at > from;
  }

  #take(record: Uint8Array, reading: Reading, path: string): void {
    let event: BoardEvent;
    try {
      event = readEvent(record);
    } catch (error) {
      this.#options.complain({ what: relative(this.place, path), why: `an event cannot be read: ${messageOf(error)}` });
      return;
    }
    const { time, step, values } = event;
    reading.startedAt = Math.min(reading.startedAt ?? time, time);
    reading.endedAt = Math.max(reading.endedAt ?? time, time);
    for (const { tag, scalar, text, parameters, ended } of values) {
      if (scalar !== undefined) reading.points.push({ key: tag, value: scalar, step, timestamp: time });
      if (text !== undefined) reading.tags.set(tag.replace(/\/text_summary$/, ''), text);
      for (const [name, value] of Object.entries(parameters ?? {})) reading.parameters.set(name, value);
      if (ended !== undefined) reading.ended = ended;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#readings.clear();
    await Promise.resolve();
  }
}

function pairsOf(pairs: ReadonlyMap<string, string>): readonly KeyValue[] {
  return [...pairs].map(([key, value]) => ({ key, value }));
}

function newReading(): Reading {
  return {
    offsets: new Map(),
    parameters: new Map(),
    tags: new Map(),
    points: [],
    startedAt: undefined,
    endedAt: undefined,
    ended: undefined,
  };
}

/** Event files by the folder that they are in, in the order of their names: that is the order of their times. */
async function eventFiles(root: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, string[]>();
  const entries = await readdir(root, { withFileTypes: true, recursive: true });
  for (const entry of entries) {
    if (!entry.isFile() || !eventFile.test(entry.name)) continue;
    const files = found.get(entry.parentPath) ?? [];
    files.push(join(entry.parentPath, entry.name));
    found.set(entry.parentPath, files);
  }
  return new Map(
    [...found].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([folder, files]) => [folder, files.toSorted((a, b) => (a < b ? -1 : 1))]),
  );
}
