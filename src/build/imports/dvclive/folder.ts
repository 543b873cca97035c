import { createReadStream } from 'node:fs';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { createInterface } from 'node:readline';
import { parse } from 'yaml';
import { GyreError, messageOf, sha256 } from '#core';
import { filesBelow, isFolder } from '../files-below.ts';
import { noRecords } from '../no-records.ts';
import type { Complain, FilesPlace, KeyValue, SourceExperiment, SourceFile, SourcePoint, SourceRun, TrackingSource } from '../source.ts';
import { leavesOf, numberOf, parsedJson, textOf } from '../values.ts';
import type { Leaf } from '../values.ts';

const pointsAtOnce = 5000;
const metricsFile = 'metrics.json';
const parametersFile = 'params.yaml';
const plotsFolder = join('plots', 'metrics');
/** Folders that hold no records, and much else. */
const passedOver = /^(\..*|node_modules|__pycache__)$/;

export interface DvcliveOptions {
  /** A folder that DVCLive wrote to, or one above it. */
  readonly folder: string;
  /** The experiment that the runs go to; default: the name of the folder that holds the given one. */
  readonly experiment?: string;
  readonly complain: Complain;
}

interface LiveRun {
  readonly id: string;
  readonly folder: string;
  readonly name: string;
}

/**
 * Folders of DVCLive, each a run: parameters, the values of each metric, the summary, plots, images and artifacts. DVCLive writes each training to
 * the same folder, so other parameters there are another run.
 * @throws GyreError NOT_FOUND when there is no such folder, FAILED_PRECONDITION when none of DVCLive's is in it
 */
export async function openDvclive(options: DvcliveOptions): Promise<TrackingSource> {
  if (!(await isFolder(options.folder))) throw new GyreError('NOT_FOUND', `there is no folder ${options.folder}`);
  const root = await realpath(options.folder);
  const folders = await liveFolders(root);
  if (folders.length === 0)
    throw new GyreError(
      'FAILED_PRECONDITION',
      `${options.folder} holds no folder of DVCLive: ${metricsFile} beside plots or ${parametersFile}`,
    );
  return new DvcliveReader(root, folders, options);
}

class DvcliveReader implements TrackingSource {
  readonly place: string;
  readonly loggedModels = noRecords;
  readonly registeredModels = noRecords;
  readonly #folders: readonly string[];
  readonly #options: DvcliveOptions;
  readonly #runs = new Map<string, LiveRun>();

  constructor(root: string, folders: readonly string[], options: DvcliveOptions) {
    this.place = root;
    this.#folders = folders;
    this.#options = options;
  }

  async *experiments(): AsyncGenerator<SourceExperiment> {
    const name = this.#options.experiment ?? basename(dirname(this.place));
    yield await Promise.resolve({ id: `dvclive ${name}`, isNamedOnly: true, name, deleted: false, tags: [] });
  }

  async *runs(): AsyncGenerator<SourceRun> {
    for (const folder of this.#folders) {
      try {
        yield await this.#readRun(folder);
      } catch (error) {
        this.#options.complain({ what: relative(this.place, folder) || basename(folder), why: messageOf(error) });
      }
    }
  }

  async *points(_experiment: string, id: string): AsyncGenerator<readonly SourcePoint[]> {
    const run = this.#runs.get(id);
    if (run === undefined) return;
    let points: SourcePoint[] = [];
    const logged = new Set<string>();
    for (const { path, key } of await plotFiles(run.folder)) {
      logged.add(key);
      for await (const point of readPlot(path, key)) {
        points.push(point);
        if (points.length < pointsAtOnce) continue;
        yield points;
        points = [];
      }
    }
    const { leaves, step, at } = await readSummary(run.folder);
    for (const leaf of leaves) {
      const value = measuredOf(leaf);
      if (value !== undefined && !logged.has(leaf.key)) points.push({ key: leaf.key, value, step, timestamp: at });
    }
    if (points.length > 0) yield points;
  }

  async *files({ run: id }: FilesPlace): AsyncGenerator<SourceFile> {
    const run = id === undefined ? undefined : this.#runs.get(id);
    if (run === undefined) return;
    const metrics = plotsFolder.split(sep).join('/');
    const left = (path: string): void =>
      this.#options.complain({ what: `file ${path} of ${run.name}`, why: 'it is a link that leads out of the folder' });
    for await (const file of filesBelow(run.folder, { roots: [], left })) {
      const isRead = file.path === metricsFile || file.path === parametersFile || file.path.startsWith(`${metrics}/`);
      if (!isRead && basename(file.path) !== '.gitignore') yield file;
    }
  }

  async #readRun(folder: string): Promise<SourceRun> {
    const name = relative(this.place, folder).split(sep).join('/') || basename(folder);
    const written = await readFile(join(folder, parametersFile), 'utf8').catch(() => '');
    const id = sha256(`dvclive\0${this.place}\0${name}\0${written}`).slice(0, 32);
    this.#runs.set(id, { id, folder, name });
    const parameters: unknown = written === '' ? {} : parse(written);
    const { leaves, at } = await readSummary(folder);
    const plots = await plotFiles(folder);
    const sizes = await Promise.all(plots.map(async ({ path }) => (await stat(path)).size));
    const startedAt = Math.min(at, ...(await Promise.all(plots.map(({ path, key }) => firstInstant(path, key)))));
    return {
      id,
      name,
      status: 'FINISHED',
      startedAt,
      endedAt: at,
      deleted: false,
      parameters: leavesOf('', parameters, '.').map((leaf): KeyValue => ({ key: leaf.key, value: textOf(leaf) })),
      tags: leaves
        .filter((leaf) => typeof leaf.value === 'string' && measuredOf(leaf) === undefined)
        .map((leaf) => ({ key: leaf.key, value: textOf(leaf) })),
      datasets: [],
      models: [],
      revision: [at, ...sizes].join(' '),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#runs.clear();
    await Promise.resolve();
  }
}

/** The last values of all metrics, and the step that they are of. @returns `at`: when they were written, in UTC milliseconds */
async function readSummary(folder: string): Promise<{ readonly leaves: readonly Leaf[]; readonly step: number; readonly at: number }> {
  const path = join(folder, metricsFile);
  const at = Math.round((await stat(path)).mtimeMs);
  const leaves = leavesOf('', parsedJson(await readFile(path, 'utf8')), '/');
  const step = leaves.find(({ key }) => key === 'step')?.value;
  return { leaves: leaves.filter(({ key }) => key !== 'step'), step: typeof step === 'number' ? step : 0, at };
}

/** DVCLive writes what JSON cannot say as text. */
function measuredOf(leaf: Leaf): number | undefined {
  return typeof leaf.value === 'string' ? wordNumbers.get(leaf.value.toLowerCase()) : numberOf(leaf);
}

const wordNumbers: ReadonlyMap<string, number> = new Map([
  ['nan', Number.NaN],
  ['inf', Infinity],
  ['-inf', -Infinity],
]);

interface PlotFile {
  readonly path: string;
  /** The metric: parts of its name are folders. */
  readonly key: string;
}

async function plotFiles(folder: string): Promise<readonly PlotFile[]> {
  const root = join(folder, plotsFolder);
  if (!(await isFolder(root))) return [];
  const entries = await readdir(root, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.tsv'))
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return { path, key: relative(root, path).slice(0, -'.tsv'.length).split(sep).join('/') };
    })
    .toSorted((a, b) => (a.key < b.key ? -1 : 1));
}

/** A table with the columns step, the metric's name, and perhaps timestamp (UTC milliseconds); without it the file's own instant is taken. */
async function* readPlot(path: string, key: string): AsyncGenerator<SourcePoint> {
  const written = Math.round((await stat(path)).mtimeMs);
  let columns: ReadonlyMap<string, number> | undefined;
  const name = key.slice(key.lastIndexOf('/') + 1);
  for await (const line of createInterface({ input: createReadStream(path, 'utf8') })) {
    if (line === '') continue;
    const cells = line.split('\t');
    if (columns === undefined) {
      columns = new Map(cells.map((cell, at) => [cell, at]));
      continue;
    }
    // The last line may be half written.
    if (cells.length < columns.size) continue;
    const cell = (column: string): string | undefined => cells[columns?.get(column) ?? -1];
    const text = cell(name) ?? cells[cells.length - 1];
    const value = wordNumbers.get(text.toLowerCase()) ?? Number(text);
    if (text === '' || (Number.isNaN(value) && !wordNumbers.has(text.toLowerCase()))) continue;
    yield { key, value, step: Number(cell('step') ?? 0), timestamp: Number(cell('timestamp') ?? written) };
  }
}

async function firstInstant(path: string, key: string): Promise<number> {
  for await (const { timestamp } of readPlot(path, key)) return timestamp;
  return Infinity;
}

/** Folders that DVCLive wrote, itself or below; links are not followed. */
async function liveFolders(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const has = (name: string): boolean => entries.some((entry) => entry.name === name);
  if (has(metricsFile) && (has('plots') || has(parametersFile))) return [folder];
  const found: string[] = [];
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1)))
    if (entry.isDirectory() && !passedOver.test(entry.name)) found.push(...(await liveFolders(join(folder, entry.name))));
  return found;
}
