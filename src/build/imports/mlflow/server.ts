import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { GyreError, messageOf } from '#core';
import { filesAt } from '../files-below.ts';
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
import { modelStatusOf, optional, parsedValue, statusOf, wholeOf, wordsOf } from './values.ts';

type Facts = Readonly<Record<string, unknown>>;

const runsAtOnce = 500;
const pointsAtOnce = 25_000;
const answerMs = 120_000;

export interface ServerOptions {
  /** `http(s)://host[:port][/path]`, maybe with a name and password. */
  readonly address: string;
  readonly token?: string;
  /** Folder of this machine that its files may lie in. */
  readonly artifactsRoot?: string;
  readonly complain: Complain;
}

/**
 * A running MLflow server, read by its API (REST 2.0).
 * @throws GyreError INVALID_ARGUMENT for an address that is none; UNAVAILABLE when it does not answer as such a server does
 */
export async function openMlflowServer({ address, token, artifactsRoot, complain }: ServerOptions): Promise<TrackingSource> {
  const url = URL.parse(address);
  if (url === null) throw new GyreError('INVALID_ARGUMENT', 'the address of an MLflow server is such as http://mlflow.example:5000');
  const basic = `Basic ${Buffer.from(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`).toString('base64')}`;
  const authorization = token !== undefined ? `Bearer ${token}` : url.username === '' ? undefined : basic;
  const base = `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
  const reader = new ServerReader(base, { authorization, complain, roots: artifactsRoot === undefined ? [] : [artifactsRoot] });
  await reader.requireServer();
  return reader;
}

class ServerReader implements TrackingSource {
  readonly place: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #complain: Complain;
  readonly #roots: readonly string[];
  /** Keys of the metrics of runs that were listed and not read yet. */
  readonly #metricKeys = new Map<string, readonly string[]>();

  constructor(
    base: string,
    {
      authorization,
      complain,
      roots,
    }: { readonly authorization: string | undefined; readonly complain: Complain; readonly roots: readonly string[] },
  ) {
    this.place = base;
    this.#headers = authorization === undefined ? {} : { authorization };
    this.#complain = complain;
    this.#roots = roots;
  }

  async requireServer(): Promise<void> {
    await this.#ask('experiments/search', { max_results: 1 });
  }

  async *experiments(): AsyncGenerator<SourceExperiment> {
    for await (const one of this.#pages('experiments/search', 'experiments', { max_results: 1000, view_type: 'ALL' })) {
      const id = wordsOf(one['experiment_id']) ?? '';
      const createdAt = wholeOf(one['creation_time']);
      yield {
        id,
        name: wordsOf(one['name']) ?? id,
        deleted: one['lifecycle_stage'] === 'deleted',
        ...(createdAt === undefined ? {} : { createdAt }),
        tags: pairsOf(one['tags']),
      };
    }
  }

  async *runs(experiment: string): AsyncGenerator<SourceRun> {
    const query = { experiment_ids: [experiment], max_results: runsAtOnce, run_view_type: 'ALL', order_by: ['attributes.start_time ASC'] };
    for await (const one of this.#pages('runs/search', 'runs', query)) {
      const info = factsOf(one['info']);
      const data = factsOf(one['data']);
      const id = wordsOf(info['run_id']) ?? '';
      const tags = pairsOf(data['tags']);
      const startedAt = wholeOf(info['start_time']);
      const endedAt = wholeOf(info['end_time']);
      this.#metricKeys.set(
        id,
        listOf(data['metrics']).map(({ key }) => String(key)),
      );
      yield {
        id,
        name: wordsOf(info['run_name']) ?? tags.find(({ key }) => key === 'mlflow.runName')?.value ?? id,
        ...optional('user', info['user_id']),
        status: statusOf(info['status']),
        ...(startedAt === undefined ? {} : { startedAt }),
        // A server answers 0 for a run that goes on.
        ...(endedAt === undefined || endedAt === 0 ? {} : { endedAt }),
        deleted: info['lifecycle_stage'] === 'deleted',
        tags,
        parameters: pairsOf(data['params']),
        datasets: listOf(factsOf(one['inputs'])['dataset_inputs']).map(datasetOf),
        models: [
          ...listOf(factsOf(one['outputs'])['model_outputs']).map((model) => runModel(model, 'output')),
          ...listOf(factsOf(one['inputs'])['model_inputs']).map((model) => runModel(model, 'input')),
        ],
        ...optional('artifacts', info['artifact_uri']),
      };
    }
  }

  async *points(_experiment: string, run: string): AsyncGenerator<readonly SourcePoint[]> {
    const keys = this.#metricKeys.get(run) ?? [];
    this.#metricKeys.delete(run);
    for (const key of keys) {
      let token: string | undefined;
      do {
        const query = new URLSearchParams({ run_id: run, metric_key: key, max_results: String(pointsAtOnce) });
        if (token !== undefined) query.set('page_token', token);
        const answer = await this.#ask(`metrics/get-history?${query.toString()}`);
        const points: SourcePoint[] = [];
        for (const point of listOf(answer['metrics'])) {
          const value = parsedValue(String(point['value'] ?? 0));
          if (value === undefined) this.#complain({ what: `metric ${key} of run ${run}`, why: `"${String(point['value'])}" is no value` });
          else points.push({ key, value, step: wholeOf(point['step']) ?? 0, timestamp: wholeOf(point['timestamp']) ?? 0 });
        }
        if (points.length > 0) yield points;
        token = wordsOf(answer['next_page_token']);
      } while (token !== undefined);
    }
  }

  async *loggedModels(experiment: string): AsyncGenerator<SourceLoggedModel> {
    for await (const one of this.#pages('logged-models/search', 'models', { experiment_ids: [experiment], max_results: 100 }, true)) {
      const info = factsOf(one['info']);
      const createdAt = wholeOf(info['creation_timestamp_ms']);
      const id = wordsOf(info['model_id']) ?? '';
      yield {
        id,
        name: wordsOf(info['name']) ?? id,
        ...optional('type', info['model_type']),
        ...optional('run', info['source_run_id']),
        status: modelStatusOf(info['status']),
        deleted: false,
        ...(createdAt === undefined ? {} : { createdAt }),
        tags: pairsOf(info['tags']),
        parameters: pairsOf(factsOf(one['data'])['params']),
        metrics: listOf(factsOf(one['data'])['metrics']).flatMap(modelPoint),
        ...optional('artifacts', info['artifact_uri']),
      };
    }
  }

  async *registeredModels(): AsyncGenerator<SourceModel> {
    for await (const one of this.#pages('registered-models/search?max_results=100', 'registered_models', undefined, true)) {
      const name = wordsOf(one['name']) ?? '';
      const filter = `name = '${name.replaceAll("'", "''")}'`;
      const versions: SourceVersion[] = [];
      const query = new URLSearchParams({ filter, max_results: '200' });
      for await (const version of this.#pages(`model-versions/search?${query.toString()}`, 'model_versions'))
        versions.push(versionOf(version));
      yield {
        name,
        ...optional('description', one['description']),
        tags: pairsOf(one['tags']),
        versions: versions.toSorted((a, b) => a.version - b.version),
        aliases: listOf(one['aliases']).map(({ alias, version }) => ({ alias: String(alias), version: Number(version) })),
      };
    }
  }

  async *files({ artifacts = '' }: FilesPlace): AsyncGenerator<SourceFile> {
    const proxied = /^mlflow-artifacts:(?:\/\/[^/]*)?\/*(.*)$/.exec(artifacts)?.[1];
    if (proxied !== undefined) {
      yield* this.#below(proxied.replace(/\/+$/, ''), '');
      return;
    }
    if (artifacts !== '') yield* filesAt(artifacts, this.#roots);
  }

  async *#below(root: string, prefix: string): AsyncGenerator<SourceFile> {
    const folder = prefix === '' ? root : `${root}/${prefix}`;
    const answer = await this.#call(`/api/2.0/mlflow-artifacts/artifacts?${new URLSearchParams({ path: folder }).toString()}`);
    for (const file of listOf(answer['files'])) {
      const name = wordsOf(file['path']) ?? '';
      // What a server says becomes a path here.
      if (name === '' || name.split('/').some((part) => part === '' || part === '.' || part === '..')) continue;
      const path = prefix === '' ? name : `${prefix}/${name}`;
      if (file['is_dir'] === true) yield* this.#below(root, path);
      else {
        const size = wholeOf(file['file_size']);
        yield { path, ...(size === undefined ? {} : { size }), open: () => this.#download(`${root}/${path}`) };
      }
    }
  }

  async *#download(path: string): AsyncGenerator<Uint8Array> {
    const address = `${this.place}/api/2.0/mlflow-artifacts/artifacts/${path.split('/').map(encodeURIComponent).join('/')}`;
    const response = await fetch(address, { headers: this.#headers, redirect: 'error' });
    if (!response.ok || response.body === null) throw new GyreError('NOT_FOUND', `the server answers ${response.status} for ${path}`);
    for await (const chunk of Readable.fromWeb(response.body as ReadableStream)) yield chunk as Uint8Array;
  }

  /** All pages of a search. @param isLate a call that older servers do not have: then there is nothing of the kind */
  async *#pages(call: string, member: string, body?: Facts, isLate = false): AsyncGenerator<Facts> {
    let token: string | undefined;
    do {
      const path = body === undefined && token !== undefined ? `${call}&${new URLSearchParams({ page_token: token }).toString()}` : call;
      const more = token === undefined ? {} : { page_token: token };
      let answer: Facts;
      try {
        answer = await this.#ask(path, body === undefined ? undefined : { ...body, ...more });
      } catch (error) {
        if (isLate && error instanceof GyreError && error.code === 'NOT_FOUND') return;
        throw error;
      }
      yield* listOf(answer[member]);
      token = wordsOf(answer['next_page_token']);
    } while (token !== undefined);
  }

  #ask(call: string, body?: Facts): Promise<Facts> {
    return this.#call(`/api/2.0/mlflow/${call}`, body);
  }

  async #call(path: string, body?: Facts): Promise<Facts> {
    const sent = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    const headers = { ...this.#headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
    let response: Response;
    try {
      response = await fetch(this.place + path, { ...sent, headers, redirect: 'error', signal: AbortSignal.timeout(answerMs) });
    } catch (error) {
      const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      throw new GyreError('UNAVAILABLE', `${this.place} does not answer: ${messageOf(reason)}`, {}, { cause: error });
    }
    const text = await response.text();
    // 501: a server that knows of the call and does not have it.
    if (response.status === 404 || response.status === 501)
      throw new GyreError('NOT_FOUND', `${this.place} has no ${path.split('?', 1)[0]}: ${text.slice(0, 200)}`);
    const answer = response.ok ? parsed(text) : undefined;
    if (answer === undefined) throw new GyreError('UNAVAILABLE', `${this.place} answers ${response.status}: ${text.slice(0, 200)}`);
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#metricKeys.clear();
    await Promise.resolve();
  }
}

function runModel(model: Facts, role: SourceRunModel['role']): SourceRunModel {
  return { model: wordsOf(model['model_id']) ?? '', role, step: wholeOf(model['step']) ?? 0 };
}

function modelPoint(metric: Facts): readonly SourceModelPoint[] {
  const value = parsedValue(String(metric['value'] ?? 0));
  const run = wordsOf(metric['run_id']);
  if (value === undefined || run === undefined) return [];
  const name = wordsOf(metric['dataset_name']);
  return [
    {
      key: String(metric['key']),
      value,
      step: wholeOf(metric['step']) ?? 0,
      timestamp: wholeOf(metric['timestamp']) ?? 0,
      run,
      ...(name === undefined ? {} : { dataset: { name, ...optional('digest', metric['dataset_digest']) } }),
    },
  ];
}

function versionOf(version: Facts): SourceVersion {
  const source = wordsOf(version['source']) ?? '';
  return {
    version: wholeOf(version['version']) ?? 0,
    stage: wordsOf(version['current_stage']) ?? 'None',
    deleted: false,
    source,
    ...optional('description', version['description']),
    ...optional('run', version['run_id']),
    ...optional('loggedModel', wordsOf(version['model_id']) ?? /^models:\/(m-[0-9a-f]{32})$/.exec(source)?.[1]),
    ...optional('runLink', version['run_link']),
    tags: pairsOf(version['tags']),
  };
}

function datasetOf(input: Facts): SourceDataset {
  const dataset = factsOf(input['dataset']);
  return {
    name: wordsOf(dataset['name']) ?? '',
    digest: wordsOf(dataset['digest']) ?? '',
    sourceType: wordsOf(dataset['source_type']) ?? '',
    source: wordsOf(dataset['source']) ?? '',
    ...optional('schema', dataset['schema']),
    ...optional('profile', dataset['profile']),
    tags: pairsOf(input['tags']),
  };
}

function parsed(text: string): Facts | undefined {
  try {
    return factsOf(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function factsOf(value: unknown): Facts {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Facts) : {};
}

function listOf(value: unknown): readonly Facts[] {
  return Array.isArray(value) ? value.map(factsOf) : [];
}

function pairsOf(value: unknown): readonly KeyValue[] {
  return listOf(value).map(({ key, value: text }) => ({ key: String(key), value: wordsOf(text) ?? '' }));
}
