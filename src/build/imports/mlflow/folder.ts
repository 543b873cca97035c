import { createReadStream } from 'node:fs';
import { readdir, readFile, realpath } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { createInterface } from 'node:readline';
import { parse } from 'yaml';
import { GyreError, messageOf } from '#core';
import { filesAt, filesBelow, isFolder } from '../files-below.ts';
import type {
  Complain,
  FilesPlace,
  KeyValue,
  SourceDataset,
  SourceExperiment,
  SourceFile,
  SourceLoggedModel,
  SourceModel,
  SourcePoint,
  SourceRun,
  SourceRunModel,
  SourceModelPoint,
  SourceVersion,
  TrackingSource,
} from '../source.ts';
import { deletedStage, modelStatusOf, optional, parsedValue, statusOf, wholeOf, wordsOf } from './values.ts';

const metaFile = 'meta.yaml';
const trash = '.trash';
const pointsAtOnce = 5000;

/** Folders of an experiment that are no runs. */
const reserved: ReadonlySet<string> = new Set(['tags', 'datasets', 'traces', 'models']);

type Meta = Readonly<Record<string, unknown>>;

/**
 * An `mlruns` folder, as MLflow's file store writes it: a folder for each experiment with one for each run, `meta.yaml` in each, and a file
 * for each metric, parameter and tag; deleted experiments in `.trash`; the registry in `models`. It is only read.
 * @param artifacts another folder that its files may lie in
 * @throws GyreError NOT_FOUND when there is no such folder, FAILED_PRECONDITION when it holds no experiment and no model
 */
export async function openMlflowFolder(folder: string, complain: Complain, artifacts?: string): Promise<TrackingSource> {
  if (!(await isFolder(folder))) throw new GyreError('NOT_FOUND', `there is no folder ${folder}`);
  const root = await realpath(folder);
  const reader = new FolderReader(root, complain, artifacts === undefined ? [root] : [root, artifacts]);
  if (!(await reader.holdsRecords()))
    throw new GyreError(
      'FAILED_PRECONDITION',
      `${folder} is no mlruns folder: no folder in it has a ${metaFile} of an experiment or a model`,
    );
  return reader;
}

class FolderReader implements TrackingSource {
  readonly place: string;
  readonly #root: string;
  readonly #complain: Complain;
  readonly #roots: readonly string[];
  readonly #experiments = new Map<string, string>();

  constructor(root: string, complain: Complain, roots: readonly string[]) {
    this.place = root;
    this.#root = root;
    this.#complain = complain;
    this.#roots = roots;
  }

  async holdsRecords(): Promise<boolean> {
    for await (const _ of this.experiments()) return true;
    for await (const _ of this.registeredModels()) return true;
    return false;
  }

  async *experiments(): AsyncGenerator<SourceExperiment> {
    for (const [parent, inTrash] of [
      [this.#root, false],
      [join(this.#root, trash), true],
    ] as const) {
      for (const name of await folders(parent)) {
        if (name === trash || (!inTrash && name === 'models')) continue;
        const folder = join(parent, name);
        const meta = await this.#meta(folder, `experiment ${name}`);
        if (meta === undefined) continue;
        const id = wordsOf(meta['experiment_id']) ?? name;
        this.#experiments.set(id, folder);
        yield {
          id,
          name: wordsOf(meta['name']) ?? id,
          deleted: inTrash || meta['lifecycle_stage'] === 'deleted',
          tags: await keyValues(join(folder, 'tags')),
        };
      }
    }
  }

  async *runs(experiment: string): AsyncGenerator<SourceRun> {
    const folder = this.#folderOf(experiment);
    for (const name of await folders(folder)) {
      if (reserved.has(name)) continue;
      const path = join(folder, name);
      const meta = await this.#meta(path, `run ${name}`);
      if (meta === undefined) continue;
      const user = wordsOf(meta['user_id']);
      const startedAt = wholeOf(meta['start_time']);
      const endedAt = wholeOf(meta['end_time']);
      const tags = await keyValues(join(path, 'tags'));
      yield {
        id: wordsOf(meta['run_id']) ?? wordsOf(meta['run_uuid']) ?? name,
        name: wordsOf(meta['run_name']) ?? tags.find(({ key }) => key === 'mlflow.runName')?.value ?? wordsOf(meta['name']) ?? name,
        ...(user === undefined ? {} : { user }),
        status: statusOf(meta['status']),
        ...(startedAt === undefined ? {} : { startedAt }),
        ...(endedAt === undefined ? {} : { endedAt }),
        deleted: meta['lifecycle_stage'] === 'deleted',
        tags,
        parameters: await keyValues(join(path, 'params')),
        datasets: await this.#datasets(folder, path, name),
        models: await this.#models(path, name),
        ...optional('artifacts', meta['artifact_uri']),
      };
    }
  }

  async *points(experiment: string, run: string): AsyncGenerator<readonly SourcePoint[]> {
    const folder = join(this.#folderOf(experiment), run, 'metrics');
    let batch: SourcePoint[] = [];
    for await (const { path, key } of keyFiles(folder)) {
      let line = 0;
      for await (const text of createInterface({ input: createReadStream(path, 'utf8') })) {
        line += 1;
        if (text.trim() === '') continue;
        const point = pointOf(key, text);
        if (point === undefined)
          this.#complain({ what: `metric ${key} of run ${run}, line ${line}`, why: `"${text.slice(0, 100)}" is no point` });
        else batch.push(point);
        if (batch.length >= pointsAtOnce) {
          yield batch;
          batch = [];
        }
      }
    }
    if (batch.length > 0) yield batch;
  }

  async *loggedModels(experiment: string): AsyncGenerator<SourceLoggedModel> {
    const parent = join(this.#folderOf(experiment), 'models');
    for (const name of await folders(parent)) {
      const folder = join(parent, name);
      const meta = await this.#meta(folder, `logged model ${name}`);
      if (meta === undefined) continue;
      const type = wordsOf(meta['model_type']);
      const run = wordsOf(meta['source_run_id']);
      const createdAt = wholeOf(meta['creation_timestamp']);
      yield {
        id: wordsOf(meta['model_id']) ?? name,
        name: wordsOf(meta['name']) ?? name,
        ...(type === undefined ? {} : { type }),
        ...(run === undefined ? {} : { run }),
        status: modelStatusOf(meta['status']),
        deleted: meta['lifecycle_stage'] === 'deleted',
        ...(createdAt === undefined ? {} : { createdAt }),
        tags: await keyValues(join(folder, 'tags')),
        parameters: await keyValues(join(folder, 'params')),
        metrics: await this.#modelPoints(folder, name),
        ...optional('artifacts', meta['artifact_location']),
      };
    }
  }

  async *registeredModels(): AsyncGenerator<SourceModel> {
    const parent = join(this.#root, 'models');
    for (const name of await folders(parent)) {
      const folder = join(parent, name);
      const meta = await this.#meta(folder, `registered model ${name}`);
      if (meta === undefined) continue;
      const description = wordsOf(meta['description']);
      const versions: SourceVersion[] = [];
      for (const sub of await folders(folder)) {
        if (!/^version-\d+$/.test(sub)) continue;
        const version = await this.#version(join(folder, sub), `${name}, ${sub}`);
        if (version !== undefined) versions.push(version);
      }
      const aliases = (await keyValues(join(folder, 'aliases'))).map(({ key, value }) => ({ alias: key, version: Number(value) }));
      yield {
        name: wordsOf(meta['name']) ?? name,
        ...(description === undefined ? {} : { description }),
        tags: await keyValues(join(folder, 'tags')),
        versions: versions.toSorted((a, b) => a.version - b.version),
        aliases,
      };
    }
  }

  async *files({ experiment, run, model, artifacts = '' }: FilesPlace): AsyncGenerator<SourceFile> {
    const own =
      model === undefined
        ? join(this.#folderOf(experiment), run ?? '', 'artifacts')
        : join(this.#folderOf(experiment), 'models', model, 'artifacts');
    let isEmpty = true;
    // The folder may have been moved or copied since its addresses were written: what lies in it comes first.
    if (await isFolder(own)) {
      for await (const file of filesBelow(own)) {
        isEmpty = false;
        yield file;
      }
    }
    const elsewhere = artifacts !== '' && !artifacts.replace(/\/+$/, '').endsWith(own.slice(this.#root.length));
    if (isEmpty && elsewhere) yield* filesAt(artifacts, this.#roots);
  }

  #folderOf(experiment: string): string {
    const folder = this.#experiments.get(experiment);
    if (folder === undefined) throw new GyreError('NOT_FOUND', `there is no experiment ${experiment} in ${this.#root}`);
    return folder;
  }

  async #version(folder: string, what: string): Promise<SourceVersion | undefined> {
    const meta = await this.#meta(folder, what);
    const version = wholeOf(meta?.['version']);
    if (meta === undefined || version === undefined) return undefined;
    const stage = wordsOf(meta['current_stage']) ?? 'None';
    return {
      version,
      stage: stage === deletedStage ? 'None' : stage,
      deleted: stage === deletedStage,
      source: wordsOf(meta['source']) ?? '',
      ...optional('description', meta['description']),
      ...optional('run', meta['run_id']),
      ...optional('loggedModel', meta['model_id']),
      ...optional('runLink', meta['run_link']),
      tags: await keyValues(join(folder, 'tags')),
    };
  }

  async #datasets(experiment: string, run: string, name: string): Promise<readonly SourceDataset[]> {
    const found: SourceDataset[] = [];
    for (const input of await folders(join(run, 'inputs'))) {
      const use = await this.#meta(join(run, 'inputs', input), `input ${input} of run ${name}`);
      if (use === undefined || use['source_type'] !== 'DATASET') continue;
      const id = wordsOf(use['source_id']) ?? '';
      const meta = /^[\w-]+$/.test(id) ? await this.#meta(join(experiment, 'datasets', id), `dataset ${id} of run ${name}`) : undefined;
      if (meta === undefined) continue;
      found.push({
        name: wordsOf(meta['name']) ?? id,
        digest: wordsOf(meta['digest']) ?? '',
        sourceType: wordsOf(meta['source_type']) ?? '',
        source: wordsOf(meta['source']) ?? '',
        ...optional('schema', meta['schema']),
        ...optional('profile', meta['profile']),
        tags: Object.entries(isMeta(use['tags']) ? use['tags'] : {}).map(([key, value]) => ({ key, value: String(value) })),
      });
    }
    return found;
  }

  /** Outputs are folders named by the model; of an input `meta.yaml` names it. */
  async #models(run: string, name: string): Promise<readonly SourceRunModel[]> {
    const found: SourceRunModel[] = [];
    for (const output of await folders(join(run, 'outputs'))) {
      const meta = await this.#meta(join(run, 'outputs', output), `output ${output} of run ${name}`);
      if (meta !== undefined) found.push({ model: output, role: 'output', step: wholeOf(meta['step']) ?? 0 });
    }
    for (const input of await folders(join(run, 'inputs'))) {
      const meta = await this.#meta(join(run, 'inputs', input), `input ${input} of run ${name}`);
      const model = meta?.['source_type'] === 'MODEL' ? wordsOf(meta['source_id']) : undefined;
      if (model !== undefined) found.push({ model, role: 'input', step: 0 });
    }
    return found;
  }

  async #modelPoints(folder: string, model: string): Promise<readonly SourceModelPoint[]> {
    const found: SourceModelPoint[] = [];
    for await (const { path, key } of keyFiles(join(folder, 'metrics'))) {
      for (const line of (await readFile(path, 'utf8')).split('\n')) {
        if (line.trim() === '') continue;
        const [time, value, step, run, name, digest] = line.trim().split(/\s+/);
        const point = pointOf(key, `${time} ${value} ${step}`);
        if (point === undefined || run === undefined)
          this.#complain({ what: `metric ${key} of ${model}`, why: `"${line.slice(0, 100)}" is no point` });
        else found.push({ ...point, run, ...(name === undefined ? {} : { dataset: { name, ...optional('digest', digest) } }) });
      }
    }
    return found;
  }

  async #meta(folder: string, what: string): Promise<Meta | undefined> {
    try {
      const value: unknown = parse(await readFile(join(folder, metaFile), 'utf8'), { maxAliasCount: 0 });
      if (isMeta(value)) return value;
      this.#complain({ what, why: `its ${metaFile} holds no names and values` });
    } catch (error) {
      // A folder that somebody else put there.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT'))
        this.#complain({ what, why: `its ${metaFile} cannot be read: ${messageOf(error).split('\n')[0]}` });
    }
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.resolve();
  }
}

function isMeta(value: unknown): value is Meta {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

async function folders(parent: string): Promise<readonly string[]> {
  const entries = await readdir(parent, { withFileTypes: true }).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return [];
    throw error;
  });
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

/** Files whose names, with the folders above them, are keys: `loss/train` is a file in a folder. */
async function* keyFiles(folder: string): AsyncGenerator<{ readonly path: string; readonly key: string }> {
  if (!(await isFolder(folder))) return;
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    yield { path, key: relative(folder, path).split(sep).join('/') };
  }
}

async function keyValues(folder: string): Promise<readonly KeyValue[]> {
  const found: KeyValue[] = [];
  for await (const { path, key } of keyFiles(folder)) found.push({ key, value: await readFile(path, 'utf8') });
  return found.sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** `<timestamp> <value> [<step> [<dataset's name> <digest>]]`, as MLflow's file store writes it; its reader takes step 0 where a dataset follows. */
function pointOf(key: string, line: string): SourcePoint | undefined {
  const [time, text = '', step = '0'] = line.trim().split(/\s+/);
  const value = parsedValue(text);
  const timestamp = wholeOf(time);
  const at = wholeOf(step);
  return value === undefined || timestamp === undefined || at === undefined ? undefined : { key, value, timestamp, step: at };
}
