import { dirname } from 'node:path';
import { GyreError } from '#core';
import { filesAt } from '../files-below.ts';
import type {
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
import type { ForeignDatabase, Row } from './foreign-store.ts';
import { deletedStage, modelStatusOf, optional, statusOf, valueOf, wholeOf, wordsOf } from './values.ts';

/** Tables that came with later versions of MLflow: without them there is nothing of the kind. */
const lateTables = [
  'inputs',
  'input_tags',
  'datasets',
  'logged_models',
  'logged_model_params',
  'logged_model_tags',
  'logged_model_metrics',
  'registered_models',
  'registered_model_aliases',
];

export interface DatabaseOptions {
  readonly database: ForeignDatabase;
  /** Folder that stands for `mlflow-artifacts:/`, the server's `--artifacts-destination`. */
  readonly artifactsRoot?: string;
}

/**
 * A database of MLflow's server (SQLite or PostgreSQL), of any version since 1.0. It is only read.
 * @throws GyreError FAILED_PRECONDITION when it is none
 */
export async function openMlflowDatabase(options: DatabaseOptions): Promise<TrackingSource> {
  const present = new Set<string>();
  for (const table of ['experiments', 'runs', 'metrics', 'params', 'tags', ...lateTables])
    if (await hasTable(options.database, table)) present.add(table);
  for (const table of ['experiments', 'runs', 'metrics', 'params', 'tags']) {
    if (!present.has(table))
      throw new GyreError('FAILED_PRECONDITION', `${options.database.place} is no database of MLflow: it has no table "${table}"`);
  }
  return new DatabaseReader(options, present);
}

async function hasTable(database: ForeignDatabase, table: string): Promise<boolean> {
  // Both databases answer these; which one it is must not be asked of a transaction that an error would end.
  const statement = database.place.startsWith('postgresql:')
    ? 'select 1 as found from information_schema.tables where table_schema = current_schema() and table_name = ?'
    : "select 1 as found from sqlite_master where type = 'table' and name = ?";
  return (await all(database.rows(statement, table))).length > 0;
}

class DatabaseReader implements TrackingSource {
  readonly place: string;
  readonly #database: ForeignDatabase;
  readonly #tables: ReadonlySet<string>;
  readonly #artifactsRoot: string | undefined;

  constructor({ database, artifactsRoot }: DatabaseOptions, tables: ReadonlySet<string>) {
    this.place = database.place;
    this.#database = database;
    this.#tables = tables;
    this.#artifactsRoot = artifactsRoot;
  }

  async *experiments(): AsyncGenerator<SourceExperiment> {
    const rows = await all(this.#database.rows('select experiment_id, name, lifecycle_stage from experiments order by experiment_id'));
    for (const row of rows) {
      const id = wordsOf(row['experiment_id']) ?? '';
      yield {
        id,
        name: wordsOf(row['name']) ?? id,
        deleted: row['lifecycle_stage'] === 'deleted',
        tags: await this.#keyed('select key, value from experiment_tags where experiment_id = ? order by key', Number(id)),
      };
    }
  }

  async *runs(experiment: string): AsyncGenerator<SourceRun> {
    const statement =
      'select run_uuid, name, user_id, status, start_time, end_time, lifecycle_stage, artifact_uri from runs where experiment_id = ? order by start_time, run_uuid';
    // All at once, not row by row: the cursor would stand open while each run is imported.
    for (const row of await all(this.#database.rows(statement, Number(experiment)))) {
      const id = wordsOf(row['run_uuid']) ?? '';
      const tags = await this.#keyed('select key, value from tags where run_uuid = ? order by key', id);
      const startedAt = wholeOf(row['start_time']);
      const endedAt = wholeOf(row['end_time']);
      yield {
        id,
        name: tags.find(({ key }) => key === 'mlflow.runName')?.value ?? wordsOf(row['name']) ?? id,
        ...optional('user', row['user_id']),
        status: statusOf(row['status']),
        ...(startedAt === undefined ? {} : { startedAt }),
        ...(endedAt === undefined ? {} : { endedAt }),
        deleted: row['lifecycle_stage'] === 'deleted',
        tags,
        parameters: await this.#keyed('select key, value from params where run_uuid = ? order by key', id),
        datasets: await this.#datasets(id),
        models: await this.#models(id),
        ...optional('artifacts', row['artifact_uri']),
      };
    }
  }

  async *points(_experiment: string, run: string): AsyncGenerator<readonly SourcePoint[]> {
    const statement = 'select key, value, timestamp, step, is_nan from metrics where run_uuid = ? order by key, step, timestamp';
    for await (const rows of this.#database.rows(statement, run)) {
      yield rows.map((row) => ({
        key: String(row['key']),
        value: valueOf(Number(row['value']), Boolean(row['is_nan'])),
        step: Number(row['step']),
        timestamp: Number(row['timestamp']),
      }));
    }
  }

  async *loggedModels(experiment: string): AsyncGenerator<SourceLoggedModel> {
    if (!this.#tables.has('logged_models')) return;
    const statement =
      'select model_id, name, model_type, source_run_id, status, lifecycle_stage, creation_timestamp_ms, artifact_location from logged_models where experiment_id = ? order by creation_timestamp_ms, model_id';
    for (const row of await all(this.#database.rows(statement, Number(experiment)))) {
      const id = wordsOf(row['model_id']) ?? '';
      const createdAt = wholeOf(row['creation_timestamp_ms']);
      yield {
        id,
        name: wordsOf(row['name']) ?? id,
        ...optional('type', row['model_type']),
        ...optional('run', row['source_run_id']),
        status: modelStatusOf(row['status']),
        deleted: row['lifecycle_stage'] === 'deleted',
        ...(createdAt === undefined ? {} : { createdAt }),
        tags: await this.#keyed('select tag_key as key, tag_value as value from logged_model_tags where model_id = ? order by 1', id),
        parameters: await this.#keyed(
          'select param_key as key, param_value as value from logged_model_params where model_id = ? order by 1',
          id,
        ),
        metrics: await this.#modelPoints(id),
        ...optional('artifacts', row['artifact_location']),
      };
    }
  }

  async *registeredModels(): AsyncGenerator<SourceModel> {
    if (!this.#tables.has('registered_models')) return;
    for (const row of await all(this.#database.rows('select * from registered_models order by name'))) {
      const name = wordsOf(row['name']) ?? '';
      const versions: SourceVersion[] = [];
      for (const version of await all(this.#database.rows('select * from model_versions where name = ? order by version', name)))
        versions.push(await this.#version(name, version));
      const aliases = this.#tables.has('registered_model_aliases')
        ? await all(this.#database.rows('select alias, version from registered_model_aliases where name = ? order by alias', name))
        : [];
      yield {
        name,
        ...optional('description', row['description']),
        tags: await this.#keyed('select key, value from registered_model_tags where name = ? order by key', name),
        versions,
        aliases: aliases.map(({ alias, version }) => ({ alias: String(alias), version: Number(version) })),
      };
    }
  }

  async *files({ artifacts = '' }: FilesPlace): AsyncGenerator<SourceFile> {
    const proxied = /^mlflow-artifacts:(?:\/\/[^/]*)?\/*(.*)$/.exec(artifacts)?.[1];
    const root = this.#artifactsRoot;
    if (proxied !== undefined && root === undefined)
      throw new GyreError('NOT_FOUND', `its files are at ${artifacts}: name the folder that the server keeps them in (--artifacts)`);
    const place = proxied === undefined ? artifacts : `${root}/${proxied}`;
    // Beside a database file is where its server puts files unless it is told another place.
    const roots = [...(root === undefined ? [] : [root]), ...(this.place.startsWith('/') ? [dirname(this.place)] : [])];
    if (artifacts !== '') yield* filesAt(place, roots);
  }

  async #version(name: string, row: Row): Promise<SourceVersion> {
    const version = Number(row['version']);
    const stage = wordsOf(row['current_stage']) ?? 'None';
    const source = wordsOf(row['source']) ?? '';
    return {
      version,
      stage: stage === deletedStage ? 'None' : stage,
      deleted: stage === deletedStage,
      source,
      ...optional('description', row['description']),
      ...(stage === deletedStage ? {} : optional('run', row['run_id'])),
      ...optional('loggedModel', /^models:\/(m-[0-9a-f]{32})$/.exec(source)?.[1]),
      ...(stage === deletedStage ? {} : optional('runLink', row['run_link'])),
      tags: await this.#keyed('select key, value from model_version_tags where name = ? and version = ? order by key', name, version),
    };
  }

  async #datasets(run: string): Promise<readonly SourceDataset[]> {
    if (!this.#tables.has('inputs') || !this.#tables.has('datasets')) return [];
    const statement = `select i.input_uuid, d.name, d.digest, d.dataset_source_type, d.dataset_source, d.dataset_schema, d.dataset_profile
      from inputs i join datasets d on d.dataset_uuid = i.source_id
      where i.destination_type = 'RUN' and i.destination_id = ? and i.source_type = 'DATASET' order by d.name, d.digest`;
    const found: SourceDataset[] = [];
    for (const row of await all(this.#database.rows(statement, run))) {
      found.push({
        name: wordsOf(row['name']) ?? '',
        digest: wordsOf(row['digest']) ?? '',
        sourceType: wordsOf(row['dataset_source_type']) ?? '',
        source: wordsOf(row['dataset_source']) ?? '',
        ...optional('schema', row['dataset_schema']),
        ...optional('profile', row['dataset_profile']),
        tags: await this.#keyed('select name as key, value from input_tags where input_uuid = ? order by 1', String(row['input_uuid'])),
      });
    }
    return found;
  }

  async #models(run: string): Promise<readonly SourceRunModel[]> {
    if (!this.#tables.has('inputs') || !this.#tables.has('logged_models')) return [];
    const statement = `select source_type, destination_id, step from inputs where source_id = ?
      and source_type in ('RUN_OUTPUT', 'RUN_INPUT') and destination_type in ('MODEL_OUTPUT', 'MODEL_INPUT') order by step, destination_id`;
    const rows = await all(this.#database.rows(statement, run));
    return rows.map((row) => ({
      model: String(row['destination_id']),
      role: row['source_type'] === 'RUN_OUTPUT' ? 'output' : 'input',
      step: Number(row['step']),
    }));
  }

  async #modelPoints(model: string): Promise<readonly SourceModelPoint[]> {
    if (!this.#tables.has('logged_model_metrics')) return [];
    const statement = `select metric_name, metric_timestamp_ms, metric_step, metric_value, run_id, dataset_name, dataset_digest
      from logged_model_metrics where model_id = ? order by metric_name, metric_step`;
    const rows = await all(this.#database.rows(statement, model));
    return rows.map((row) => {
      const name = wordsOf(row['dataset_name']);
      return {
        key: String(row['metric_name']),
        // What is no number is no value in this table.
        value: row['metric_value'] === null ? Number.NaN : valueOf(Number(row['metric_value']), false),
        step: Number(row['metric_step']),
        timestamp: Number(row['metric_timestamp_ms']),
        run: String(row['run_id']),
        ...(name === undefined ? {} : { dataset: { name, ...optional('digest', row['dataset_digest']) } }),
      };
    });
  }

  async #keyed(statement: string, ...values: readonly (string | number)[]): Promise<readonly KeyValue[]> {
    const rows = await all(this.#database.rows(statement, ...values));
    return rows.map(({ key, value }) => ({ key: String(key), value: value === null ? '' : String(value) }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#database[Symbol.asyncDispose]();
  }
}

async function all(batches: AsyncIterable<readonly Row[]>): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for await (const batch of batches) rows.push(...batch);
  return rows;
}
