import { isEverywhere } from '#access';
import type { Principal, RecordAction, Rights } from '#access';
import type { GuardedKind } from '#contract';
import { GyreError, hasCode } from '#core';
import { ownRunId } from '#training';
import type { ApiDeps } from './port.ts';
import type { Call, Route } from './route.ts';

/*
 * Permissions on single experiments and models, where our own API reaches the same records as MLflow's. Who may do everything to all of them,
 * which is the usual case, costs no look. What is guarded but of no known kind here is closed to the others.
 */

type Rooms = Pick<ApiDeps, 'access' | 'training' | 'registry'>;
type AnyCall = Call<unknown, unknown, unknown>;
type Values = Readonly<Record<string, unknown>>;

interface Guarded {
  readonly kind: GuardedKind;
  /** Paths of routes about one record, and of which one. Undefined when there is none of that name. */
  readonly one: RegExp;
  readonly recordOf: (rooms: Rooms, params: Values) => Promise<string | undefined>;
}

const guarded: readonly Guarded[] = [
  { kind: 'experiment', one: /^\/api\/v1\/experiments\/:id/, recordOf: async (_rooms, { id }) => String(id) },
  {
    kind: 'experiment',
    one: /^\/api\/v1\/runs\/:id/,
    recordOf: ({ training }, { id }) => training.tracking.experimentOfRun(ownRunId(String(id))),
  },
  {
    kind: 'experiment',
    one: /^\/api\/v1\/logged-models\/:id/,
    recordOf: ({ training }, { id }) => training.loggedModels.experimentOf(String(id)),
  },
  {
    kind: 'experiment',
    one: /^\/api\/v1\/studies\/:id/,
    recordOf: (rooms, { id }) => experimentOfStudy(rooms, id),
  },
  { kind: 'registered_model', one: /^\/api\/v1\/models\/:name/, recordOf: async (_rooms, { name }) => String(name) },
  { kind: 'registered_model', one: /^\/api\/v1\/model-versions\/:id/, recordOf: (rooms, { id }) => modelOfVersion(rooms, id) },
];

/** Lists, and which record each of their items belongs to. */
const lists: Readonly<
  Record<string, { readonly kind: GuardedKind; readonly recordOf: (rooms: Rooms, item: Values) => Promise<string | undefined> }>
> = {
  'GET /api/v1/experiments': { kind: 'experiment', recordOf: async (_rooms, { id }) => String(id) },
  'GET /api/v1/runs': { kind: 'experiment', recordOf: async (_rooms, { experiment }) => String(experiment) },
  'GET /api/v1/logged-models': { kind: 'experiment', recordOf: async (_rooms, { experiment }) => String(experiment) },
  'GET /api/v1/studies': { kind: 'experiment', recordOf: (rooms, { id }) => experimentOfStudy(rooms, id) },
  'GET /api/v1/models': { kind: 'registered_model', recordOf: async (_rooms, { name }) => String(name) },
  'GET /api/v1/model-versions': { kind: 'registered_model', recordOf: async (_rooms, { model }) => String(model) },
};

/** They ask for rights themselves, as they work, or make a record that is the caller's own. */
const asking: ReadonlySet<string> = new Set([
  ...['search', 'positions', 'rows', 'groups', 'keys', 'records', 'series', 'change'].map((verb) => `POST /api/v1/runs/${verb}`),
  'POST /api/v1/models',
]);

const families = /^\/api\/v1\/(experiments|runs|logged-models|studies|models|model-versions)(\/|$)/;

/** Whether a route is about experiments or models in a way that is known here: a test asks it of each. */
export function isNamed({ method, path }: Pick<Route, 'method' | 'path'>): boolean {
  return (
    !families.test(path) ||
    asking.has(`${method} ${path}`) ||
    lists[`${method} ${path}`] !== undefined ||
    guarded.some(({ one }) => one.test(path))
  );
}

/**
 * Runs a route for a caller as far as permissions on single records let it.
 * @throws GyreError PERMISSION_DENIED, also when there is no such record
 */
export async function runGuarded(route: Route, rooms: ApiDeps, call: AnyCall, principal: Principal | undefined): Promise<unknown> {
  const name = `${route.method} ${route.path}`;
  if (principal === undefined || !families.test(route.path) || asking.has(name)) return route.run(rooms, call);
  const list = lists[name];
  const one = guarded.find((each) => each.one.test(route.path));
  const rights = await rooms.access.grants.rightsOf(principal);
  const action = actionOf(route);
  if (one !== undefined) {
    if (!isEverywhere(rights.reach(action, one.kind))) await requireOne(one, action, rights, rooms, call);
    return route.run(rooms, call);
  }
  if (list !== undefined) {
    if (isEverywhere(rights.reach('read', list.kind))) return route.run(rooms, call);
    return filled(route, rooms, call, async (item) => {
      const record = await list.recordOf(rooms, item);
      return record !== undefined && rights.may('read', list.kind, record);
    });
  }
  const isFree = (['experiment', 'registered_model'] as const).every((kind) => isEverywhere(rights.reach(action, kind)));
  if (!isFree) throw new GyreError('PERMISSION_DENIED', `${name} concerns records that you may not all ${action}`);
  return route.run(rooms, call);
}

function actionOf({ method, path, permission }: Route): RecordAction {
  if (permission === 'read') return 'read';
  return method === 'DELETE' && /:(id|name|version)$/.test(path) ? 'delete' : 'update';
}

async function requireOne(
  { kind, recordOf }: Guarded,
  action: RecordAction,
  rights: Rights,
  rooms: Rooms,
  { params }: AnyCall,
): Promise<void> {
  const record = await recordOf(rooms, membersOf(params));
  if (record !== undefined && rights.may(action, kind, record)) return;
  const words = kind === 'experiment' ? 'its experiment' : 'its model';
  throw new GyreError('PERMISSION_DENIED', `you may not ${action} this record: ${words} was not granted to you`, { kind, action });
}

/** A page of what may be read, full where there is enough of it: pages are read on for as long as something is missing. */
async function filled(route: Route, rooms: ApiDeps, call: AnyCall, mayRead: (item: Values) => Promise<boolean>): Promise<unknown> {
  const query = membersOf(call.query);
  const limit = Number(query['limit']);
  const items: unknown[] = [];
  let after = query['after'];
  for (;;) {
    const page = membersOf(
      await route.run(rooms, { ...call, query: { ...query, limit: limit - items.length, ...(after === undefined ? {} : { after }) } }),
    );
    for (const item of Array.isArray(page['items']) ? page['items'] : []) if (await mayRead(membersOf(item))) items.push(item);
    after = page['next'];
    if (after === undefined || items.length >= limit) return { ...page, items };
  }
}

function membersOf(value: unknown): Values {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** A study's runs are in one experiment. */
async function experimentOfStudy(rooms: Rooms, id: unknown): Promise<string | undefined> {
  return (await rooms.training.listRuns({ study: String(id), limit: 1 })).items.at(0)?.experiment;
}

async function modelOfVersion({ registry }: Rooms, id: unknown): Promise<string | undefined> {
  return (await orNothing(registry.getById(String(id))))?.model;
}

async function orNothing<T>(finding: Promise<T>): Promise<T | undefined> {
  try {
    return await finding;
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}
