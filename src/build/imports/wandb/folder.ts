import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { GyreError, messageOf } from '#core';
import { filesBelow, isFolder, namedFile } from '../files-below.ts';
import { noRecords } from '../no-records.ts';
import type { Complain, FilesPlace, KeyValue, SourceExperiment, SourceFile, SourcePoint, SourceRun, TrackingSource } from '../source.ts';
import { numberOf } from '../values.ts';
import { readDatastore } from './datastore.ts';
import { readRecord } from './records.ts';
import type { WandbRecord } from './records.ts';
import { summarize } from './summary.ts';
import type { RunSummary } from './summary.ts';

const pointsAtOnce = 5000;
const runFile = /^run-.+\.wandb$/;
const runFolder = /^(offline-)?run-/;
/** Artifacts that wandb makes itself of what lies among the run's files. */
const ownArtifacts: ReadonlySet<string> = new Set(['run_table', 'wandb-history', 'job', 'code']);
/** As MLflow's clients name what they measure of the machine. */
const systemPrefix = 'system/';

export interface WandbOptions {
  /** A project's folder, its `wandb` folder, or the folder of one run. */
  readonly folder: string;
  /** The experiment that the runs go to; default: their project. */
  readonly experiment?: string;
  /** A folder from which files are read that runs have saved or logged as artifacts. */
  readonly artifacts?: string;
  readonly complain: Complain;
}

/**
 * Folders that wandb wrote runs to, offline or not: configuration, history, system metrics, summary, notes, tags and files. A run that was
 * written in several parts is one run.
 * @throws GyreError NOT_FOUND when there is no such folder, FAILED_PRECONDITION when it holds no run
 */
export async function openWandb(options: WandbOptions): Promise<TrackingSource> {
  if (!(await isFolder(options.folder))) throw new GyreError('NOT_FOUND', `there is no folder ${options.folder}`);
  const root = await realpath(options.folder);
  const files = await runFiles(root);
  if (files.length === 0)
    throw new GyreError('FAILED_PRECONDITION', `${options.folder} holds no run of wandb (offline-run-*/run-*.wandb, also below wandb/)`);
  return new WandbReader(root, files, options);
}

class WandbReader implements TrackingSource {
  readonly place: string;
  readonly loggedModels = noRecords;
  readonly registeredModels = noRecords;
  readonly #files: readonly string[];
  readonly #options: WandbOptions;
  readonly #runs = new Map<string, RunSummary>();

  constructor(root: string, files: readonly string[], options: WandbOptions) {
    this.place = root;
    this.#files = files;
    this.#options = options;
  }

  async *experiments(): AsyncGenerator<SourceExperiment> {
    this.#runs.clear();
    for (const file of this.#files) {
      const run = await this.#summaryOf(file);
      if (run === undefined) continue;
      const known = this.#runs.get(run.id);
      this.#runs.set(run.id, known === undefined ? run : known.and(run));
    }
    const names = new Set([...this.#runs.values()].map((run) => this.#experimentOf(run)));
    for (const name of [...names].sort()) yield { id: name, isNamedOnly: true, name, deleted: false, tags: [] };
  }

  async *runs(experiment: string): AsyncGenerator<SourceRun> {
    await Promise.resolve();
    for (const run of this.#runs.values()) {
      if (this.#experimentOf(run) !== experiment) continue;
      const { id, name, user, status, startedAt, endedAt, parameters, tags, files } = run;
      yield {
        id,
        name,
        status,
        ...(user === '' ? {} : { user }),
        ...(startedAt === undefined ? {} : { startedAt }),
        ...(endedAt === undefined ? {} : { endedAt }),
        deleted: false,
        parameters: pairsOf(parameters),
        tags: pairsOf(tags),
        datasets: [],
        models: [],
        revision: files.map(({ size }) => size).join(' '),
      };
    }
  }

  async *points(_experiment: string, id: string): AsyncGenerator<readonly SourcePoint[]> {
    const run = this.#runs.get(id);
    if (run === undefined) return;
    let points: SourcePoint[] = [];
    let systemStep = 0;
    for (const { path } of run.files) {
      for await (const record of this.#recordsOf(path)) {
        if (record.kind === 'history') points.push(...historyPoints(record, run.startedAt ?? 0));
        else if (record.kind === 'system') {
          const { timestamp, items } = record;
          for (const leaf of items.flatMap(({ leaves }) => leaves)) {
            const value = numberOf(leaf);
            if (value !== undefined) points.push({ key: systemPrefix + leaf.key, value, step: systemStep, timestamp });
          }
          systemStep += 1;
        }
        if (points.length < pointsAtOnce) continue;
        yield points;
        points = [];
      }
    }
    points.push(...run.summaryPoints());
    if (points.length > 0) yield points;
  }

  async *files({ run: id }: FilesPlace): AsyncGenerator<SourceFile> {
    const run = id === undefined ? undefined : this.#runs.get(id);
    if (run === undefined) return;
    const roots = this.#options.artifacts === undefined ? [] : [this.#options.artifacts];
    for (const { path } of run.files) {
      const folder = join(dirname(path), 'files');
      if (!(await isFolder(folder))) continue;
      yield* filesBelow(folder, {
        roots,
        left: (name) =>
          this.#options.complain({
            what: `file ${name} of ${run.name}`,
            why: 'it is a link that leads elsewhere: name its folder, or one above it, with --artifacts to have it read',
          }),
      });
    }
    for (const { name, type, files } of run.artifacts) {
      if (ownArtifacts.has(type)) continue;
      for (const file of files) {
        // A reference has no file.
        if (file.local !== '') yield namedFile(file.local, `artifacts/${name}/${file.path}`, roots);
      }
    }
  }

  #experimentOf(run: RunSummary): string {
    return this.#options.experiment ?? run.project;
  }

  async #summaryOf(path: string): Promise<RunSummary | undefined> {
    try {
      const { size } = await stat(path);
      const found = await summarize(this.#recordsOf(path, this.#options.complain), { path, size });
      if (found !== undefined) return found;
      this.#options.complain({ what: relative(this.place, path), why: 'it says nothing of a run: it was cut short at its beginning' });
    } catch (error) {
      this.#options.complain({ what: relative(this.place, path), why: messageOf(error) });
    }
    return undefined;
  }

  /** @param complain told of damage; absent: it was told before */
  async *#recordsOf(path: string, complain?: Complain): AsyncGenerator<WandbRecord> {
    const what = relative(this.place, path) || basename(path);
    const damaged = (at: number): void => complain?.({ what, why: `it is damaged at byte ${at}: what was written around it is left out` });
    for await (const bytes of readDatastore(path, damaged)) {
      let record: WandbRecord | undefined;
      try {
        record = readRecord(bytes);
      } catch (error) {
        complain?.({ what, why: `a record cannot be read: ${messageOf(error)}` });
      }
      if (record !== undefined) yield record;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#runs.clear();
    await Promise.resolve();
  }
}

function historyPoints({ items, step }: Extract<WandbRecord, { kind: 'history' }>, startedAt: number): readonly SourcePoint[] {
  const leaves = items.flatMap((item) => item.leaves);
  const own = (key: string): number | undefined => {
    const found = leaves.find((leaf) => leaf.key === key);
    return found && numberOf(found);
  };
  const at = own('_step') ?? step ?? 0;
  const seconds = own('_timestamp');
  const timestamp = seconds === undefined ? startedAt : Math.round(seconds * 1000);
  return leaves.flatMap((leaf) => {
    const value = numberOf(leaf);
    return value === undefined || leaf.key.startsWith('_') ? [] : [{ key: leaf.key, value, step: at, timestamp }];
  });
}

function pairsOf(pairs: ReadonlyMap<string, string>): readonly KeyValue[] {
  return [...pairs].map(([key, value]) => ({ key, value }));
}

/** The files of runs below a folder, in the order of the folders' names: that is the order of their times. Links are not followed. */
async function runFiles(root: string): Promise<readonly string[]> {
  const found: string[] = [];
  const take = async (folder: string): Promise<void> => {
    for (const entry of await readdir(folder, { withFileTypes: true }))
      if (entry.isFile() && runFile.test(entry.name)) found.push(join(folder, entry.name));
  };
  await take(root);
  for (const folder of [root, join(root, 'wandb')]) {
    if (!(await isFolder(folder))) continue;
    const entries = await readdir(folder, { withFileTypes: true });
    for (const entry of entries) if (entry.isDirectory() && runFolder.test(entry.name)) await take(join(folder, entry.name));
  }
  return found.toSorted((a, b) => (a < b ? -1 : 1));
}
