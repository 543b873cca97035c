import type { Creation, Facts } from './entries.ts';
import { factsOf, isFacts, listOf, textOf } from './entries.ts';
import { newRunName, proxiedPath } from './names.ts';
import { byKey, heldBy, withLogged, withoutTag } from './view.ts';
import type { Kind, View } from './view.ts';

/** What a request is given to be answered without the server. */
export interface LocalCall {
  readonly view: View;
  readonly body: Facts;
  readonly query: URLSearchParams;
  /** Ids in the path. */
  readonly id: string;
  /** UTC milliseconds. */
  readonly now: number;
  /** What it makes, with its id; undefined where it makes nothing. */
  readonly creation?: Creation;
}

export interface Answer {
  readonly status: number;
  readonly body: Facts;
}

/** Something new, as the server will be asked for it. */
export interface Prepared {
  readonly creation: Creation;
  readonly body: Facts;
}

export interface Ids {
  /** 32 hex digits. */
  readonly hex: () => string;
  /** 18 decimal digits, which no server gives by counting. */
  readonly digits: () => string;
  readonly below: (bound: number) => number;
}

export interface Route {
  readonly method: string;
  /** Below `/api/2.0` or `/api/3.0`; `:id` stands for one id. */
  readonly path: string;
  /** A write that can be acknowledged before the server has it. */
  readonly isWrite: boolean;
  /** Gives an id to what a write makes. */
  readonly prepare?: (body: Facts, view: View, ids: Ids, now: number) => Prepared;
  /** Answers from what the relay knows and, of a write, remembers it; undefined where it does not know. */
  readonly local: (call: LocalCall) => Answer | undefined;
  /** What the server's answer says about something. */
  readonly learns?: { readonly kind: Kind; readonly member: string };
}

const ok = (body: Facts = {}): Answer => ({ status: 200, body });

/** The tag by which a run or model that the relay named is found again at a server that gives ids of its own. */
export const relayTag = 'gyre.relay.id';

const runOf = ({ body, query }: LocalCall): string =>
  textOf(body['run_id']) ?? textOf(body['run_uuid']) ?? query.get('run_id') ?? query.get('run_uuid') ?? '';

const write = (
  method: string,
  path: string,
  local: (call: LocalCall) => Answer | undefined,
  more: Pick<Partial<Route>, 'prepare' | 'learns'> = {},
): Route => ({ method, path, isWrite: true, local, ...more });

const read = (path: string, local: (call: LocalCall) => Answer | undefined, learns?: Route['learns']): Route => ({
  method: 'GET',
  path,
  isWrite: false,
  local,
  ...(learns === undefined ? {} : { learns }),
});

const logs = (of: (body: Facts) => Parameters<typeof withLogged>[1]) => (call: LocalCall) => {
  call.view.change('run', runOf(call), (run) => withLogged(run, of(call.body)));
  return ok();
};

/** The calls of MLflow’s tracking API that a training makes, and how they are answered while the server is away. */
export const routes: readonly Route[] = [
  write(
    'POST',
    '/mlflow/experiments/create',
    ({ view, creation, body, now }) => {
      if (creation === undefined) return undefined;
      view.learn('experiment', {
        experiment_id: creation.id,
        name: body['name'],
        artifact_location: textOf(body['artifact_location']) ?? `mlflow-artifacts:/${creation.id}`,
        lifecycle_stage: 'active',
        creation_time: now,
        last_update_time: now,
        ...(body['tags'] === undefined ? {} : { tags: body['tags'] }),
      });
      return ok({ experiment_id: creation.id });
    },
    {
      prepare: (body, _view, { digits }) => ({ creation: { what: 'experiment', id: digits(), within: textOf(body['name']) ?? '' }, body }),
    },
  ),
  write('POST', '/mlflow/experiments/set-experiment-tag', () => ok()),
  read('/mlflow/experiments/get', ({ view, query }) => shown('experiment', experimentOf(view, query.get('experiment_id') ?? '')), {
    kind: 'experiment',
    member: 'experiment',
  }),
  read(
    '/mlflow/experiments/get-by-name',
    ({ view, query }) => {
      const name = query.get('experiment_name') ?? '';
      return (
        shown('experiment', view.experimentNamed(name) ?? (name === 'Default' ? experimentOf(view, '0') : undefined)) ??
        // The client then makes it; where the server has one of that name after all, the two become one.
        missing(`Could not find experiment with name '${name}'`)
      );
    },
    { kind: 'experiment', member: 'experiment' },
  ),
  write('POST', '/mlflow/runs/create', createRun, { prepare: prepareRun, learns: { kind: 'run', member: 'run' } }),
  write('POST', '/mlflow/runs/update', (call) => {
    const changes = pick(call.body, ['status', 'end_time', 'run_name']);
    const run = call.view.change('run', runOf(call), (known) => {
      const renamed = { ...known, info: { ...factsOf(known['info']), ...changes } };
      return changes['run_name'] === undefined
        ? renamed
        : withLogged(renamed, { tags: [{ key: 'mlflow.runName', value: changes['run_name'] }] });
    });
    return ok({ run_info: run?.['info'] ?? { run_id: runOf(call), run_uuid: runOf(call), ...changes } });
  }),
  read('/mlflow/runs/get', (call) => shown('run', call.view.get('run', runOf(call))), { kind: 'run', member: 'run' }),
  write(
    'POST',
    '/mlflow/runs/log-metric',
    logs((body) => ({ metrics: [pick(body, ['key', 'value', 'timestamp', 'step'])] })),
  ),
  write(
    'POST',
    '/mlflow/runs/log-parameter',
    logs((body) => ({ params: [pick(body, ['key', 'value'])] })),
  ),
  write(
    'POST',
    '/mlflow/runs/set-tag',
    logs((body) => ({ tags: [pick(body, ['key', 'value'])] })),
  ),
  write(
    'POST',
    '/mlflow/runs/log-batch',
    logs((body) => ({ metrics: listOf(body['metrics']), params: listOf(body['params']), tags: listOf(body['tags']) })),
  ),
  write('POST', '/mlflow/runs/delete-tag', (call) => {
    call.view.change('run', runOf(call), (run) => withoutTag(run, textOf(call.body['key']) ?? ''));
    return ok();
  }),
  write('POST', '/mlflow/runs/log-inputs', (call) => {
    call.view.change('run', runOf(call), (run) => {
      const inputs = factsOf(run['inputs']);
      return { ...run, inputs: { ...inputs, dataset_inputs: [...listOf(inputs['dataset_inputs']), ...listOf(call.body['datasets'])] } };
    });
    return ok();
  }),
  write('POST', '/mlflow/runs/outputs', () => ok()),
  write('POST', '/mlflow/runs/log-model', () => ok()),
  write('POST', '/mlflow/logged-models', createModel, { prepare: prepareModel, learns: { kind: 'model', member: 'model' } }),
  read('/mlflow/logged-models/:id', ({ view, id }) => shown('model', view.get('model', id)), { kind: 'model', member: 'model' }),
  write('PATCH', '/mlflow/logged-models/:id', ({ view, id, body, now }) =>
    shown(
      'model',
      view.change('model', id, (model) => ({
        ...model,
        info: { ...factsOf(model['info']), ...pick(body, ['status']), last_updated_timestamp_ms: now },
      })) ?? { info: { model_id: id, ...pick(body, ['status']) } },
    ),
  ),
  write('PATCH', '/mlflow/logged-models/:id/tags', ({ view, id, body }) =>
    shown(
      'model',
      view.change('model', id, (model) => {
        const info = factsOf(model['info']);
        return { ...model, info: { ...info, tags: byKey([...listOf(info['tags']), ...listOf(body['tags'])]) } };
      }) ?? { info: { model_id: id } },
    ),
  ),
  write('POST', '/mlflow/logged-models/:id/params', ({ view, id, body }) => {
    view.change('model', id, (model) => {
      const data = factsOf(model['data']);
      return { ...model, data: { ...data, params: byKey([...listOf(data['params']), ...listOf(body['params'])]) } };
    });
    return ok();
  }),
  read('/mlflow/server-info', () => ok({ workspaces_enabled: false })),
];

/** The route of a call, with the id in its path. @param path below the server's address, without the query */
export function routeOf(method: string, path: string): { readonly route: Route; readonly id: string } | undefined {
  const call = /^\/(?:ajax-)?api\/\d\.\d(\/.*)$/.exec(path)?.[1];
  if (call === undefined) return undefined;
  for (const route of routes) {
    if (route.method !== method) continue;
    const [before, after] = route.path.split(':id');
    if (after === undefined ? call === before : call.startsWith(before) && call.endsWith(after)) {
      const id = after === undefined ? '' : call.slice(before.length, call.length - after.length);
      if (after === undefined || (id !== '' && !id.includes('/') && id !== 'search')) return { route, id };
    }
  }
  return undefined;
}

function prepareRun(body: Facts, view: View, ids: Ids, now: number): Prepared {
  const id = ids.hex();
  const experiment = textOf(body['experiment_id']) ?? '0';
  const location = textOf(experimentOf(view, experiment)?.['artifact_location']) ?? `mlflow-artifacts:/${experiment}`;
  const tags = listOf(body['tags']);
  const given = textOf(body['run_name']) ?? textOf(tags.find(({ key }) => key === 'mlflow.runName')?.['value']);
  const artifacts = proxiedPath(`${location}/${id}/artifacts`);
  return {
    creation: { what: 'run', id, within: experiment, ...(artifacts === undefined ? {} : { artifacts }) },
    body: {
      ...body,
      experiment_id: experiment,
      run_name: given ?? newRunName(ids.below),
      start_time: body['start_time'] ?? now,
      tags: [...tags, { key: relayTag, value: id }],
    },
  };
}

function createRun({ view, body, creation }: LocalCall): Answer | undefined {
  if (creation === undefined) return undefined;
  const { id, within } = creation;
  const location = textOf(experimentOf(view, within)?.['artifact_location']) ?? `mlflow-artifacts:/${within}`;
  const name = textOf(body['run_name']) ?? '';
  const run: Facts = {
    info: {
      run_id: id,
      run_uuid: id,
      run_name: name,
      experiment_id: within,
      user_id: body['user_id'] ?? '',
      status: 'RUNNING',
      start_time: body['start_time'],
      artifact_uri: `${location}/${id}/artifacts`,
      lifecycle_stage: 'active',
    },
    data: { metrics: [], params: [], tags: byKey([...listOf(body['tags']), { key: 'mlflow.runName', value: name }]) },
    inputs: {},
  };
  view.learn('run', run);
  return ok({ run });
}

function prepareModel(body: Facts, view: View, ids: Ids): Prepared {
  const id = `m-${ids.hex()}`;
  const experiment = textOf(body['experiment_id']) ?? '0';
  const location = textOf(experimentOf(view, experiment)?.['artifact_location']) ?? `mlflow-artifacts:/${experiment}`;
  const artifacts = proxiedPath(`${location}/models/${id}/artifacts`);
  return {
    creation: { what: 'model', id, within: experiment, ...(artifacts === undefined ? {} : { artifacts }) },
    body: {
      ...body,
      experiment_id: experiment,
      name: textOf(body['name']) ?? newRunName(ids.below),
      tags: [...listOf(body['tags']), { key: relayTag, value: id }],
    },
  };
}

function createModel({ view, body, creation, now }: LocalCall): Answer | undefined {
  if (creation === undefined) return undefined;
  const { id, within } = creation;
  const location = textOf(experimentOf(view, within)?.['artifact_location']) ?? `mlflow-artifacts:/${within}`;
  const model: Facts = {
    info: {
      model_id: id,
      experiment_id: within,
      ...pick(body, ['name', 'model_type', 'source_run_id', 'tags']),
      creation_timestamp_ms: now,
      last_updated_timestamp_ms: now,
      artifact_uri: `${location}/models/${id}/artifacts`,
      status: 'LOGGED_MODEL_PENDING',
    },
    data: { params: listOf(body['params']) },
  };
  view.learn('model', model);
  return ok({ model });
}

/** The experiment that every server has is known without asking. */
function experimentOf(view: View, id: string): Facts | undefined {
  const known = view.get('experiment', id);
  if (known !== undefined || id !== '0') return known;
  return { experiment_id: '0', name: 'Default', artifact_location: 'mlflow-artifacts:/0', lifecycle_stage: 'active' };
}

function shown(member: string, value: Facts | undefined): Answer | undefined {
  return value === undefined ? undefined : ok({ [member]: value });
}

function missing(message: string): Answer {
  return { status: 404, body: { error_code: 'RESOURCE_DOES_NOT_EXIST', message } };
}

function pick(facts: Facts, members: readonly string[]): Facts {
  return Object.fromEntries(members.filter((member) => facts[member] !== undefined).map((member) => [member, facts[member]]));
}

/** What an answer of the server says about the thing that a route is about. */
export function learnt({ learns }: Route, answer: unknown): { readonly kind: Kind; readonly value: Facts } | undefined {
  if (learns === undefined || !isFacts(answer)) return undefined;
  const value = heldBy(answer, learns.member);
  return value === undefined ? undefined : { kind: learns.kind, value };
}
