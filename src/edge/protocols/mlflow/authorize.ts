import { isEverywhere } from '#access';
import type { Access, RecordAction, Rights } from '#access';
import type { GuardedKind } from '#contract';
import { GyreError } from '#core';
import type { CallGuard, MlflowCall, MlflowRoute, MountedRoute } from './port.ts';

/*
 * Permissions on single records. Each route names in `route-guards.ts` what it does to which record; one that does not is closed to everybody
 * who may not do everything to all of them.
 */

/** A record as requests name it. Runs and logged models are judged by their experiment. */
export type Target =
  | { readonly kind: 'experiment' | 'run' | 'logged_model' | 'registered_model' | 'model_version'; readonly id: string }
  | { readonly kind: 'experiment_named'; readonly id: string };

/** One thing that a request does. */
export interface Touch {
  readonly action: RecordAction;
  readonly on: Target;
}

/** The members of a request's message; without a message, those of its query string and path. */
export type Values = Readonly<Record<string, unknown>>;

export interface RouteGuard {
  /**
   * `itself`: the route asks for rights as it works, such as searches, which leave out what may not be read. `nothing`: it touches no record.
   * `everything`: what it does concerns all records.
   */
  readonly touches: ((values: Values) => readonly Touch[]) | 'itself' | 'nothing' | 'everything';
}

/** Which experiment a record belongs to; undefined when there is no such record. */
export interface RecordLookups {
  experimentOfRun(run: string): Promise<string | undefined>;
  experimentOfLoggedModel(model: string): Promise<string | undefined>;
  experimentNamed(name: string): Promise<string | undefined>;
  /** @param version its id */
  modelOfVersion(version: string): Promise<string | undefined>;
  has(kind: GuardedKind, record: string): Promise<boolean>;
}

const kinds: readonly GuardedKind[] = ['experiment', 'registered_model'];
const actions: readonly RecordAction[] = ['read', 'use', 'update', 'delete'];

/** Puts a guard before a route. @param guard absent: the route named none */
export function guarded(
  route: MlflowRoute,
  guard: RouteGuard | undefined,
  rooms: { readonly access: Access; readonly lookups: RecordLookups },
): MountedRoute {
  const { method, path, permission, givesFile } = route;
  return {
    ...(givesFile === undefined ? {} : { givesFile }),
    method,
    path,
    permission,
    isGuarded: guard !== undefined,
    ...(route.request === undefined ? {} : { request: route.request }),
    handle: async (call) => {
      const { principal } = call;
      if (principal === undefined) return route.handle({ ...call, guard: unguarded });
      const rights = await rooms.access.grants.rightsOf(principal);
      const callGuard: CallGuard = {
        permit: (values) => permit(guard, values, rights, rooms.lookups),
      };
      if (route.asks !== 'with message') await callGuard.permit(valuesOf(call));
      return route.handle({ ...call, caller: { principal, rights }, guard: callGuard });
    },
  };
}

const unguarded: CallGuard = { permit: async () => undefined };

function valuesOf({ query, params }: MlflowCall): Values {
  return { ...Object.fromEntries(query), ...params };
}

async function permit(guard: RouteGuard | undefined, values: Values, rights: Rights, lookups: RecordLookups): Promise<void> {
  const touches = guard?.touches ?? 'everything';
  if (touches === 'itself' || touches === 'nothing') return;
  if (touches === 'everything') {
    const isFree = kinds.every((kind) => actions.every((action) => isEverywhere(rights.reach(action, kind))));
    if (!isFree)
      throw new GyreError(
        'PERMISSION_DENIED',
        'Permission denied: this concerns all experiments and models, and you may not do everything to each of them',
      );
    return;
  }
  for (const touch of touches(values)) await requireRight(touch, rights, lookups);
}

/** @throws GyreError PERMISSION_DENIED, also when there is no such record: whoever may not see it does not learn whether it is there */
export async function requireRight({ action, on }: Touch, rights: Rights, lookups: RecordLookups): Promise<void> {
  const kind: GuardedKind = on.kind === 'registered_model' || on.kind === 'model_version' ? 'registered_model' : 'experiment';
  if (isEverywhere(rights.reach(action, kind))) return;
  const record = await recordOf(on, lookups);
  if (record !== undefined && rights.may(action, kind, record)) return;
  const words = {
    experiment: 'experiment',
    experiment_named: 'experiment',
    run: 'run',
    logged_model: 'logged model',
    registered_model: 'registered model',
    model_version: 'model version',
  };
  throw new GyreError('PERMISSION_DENIED', `Permission denied: you may not ${action} the ${words[on.kind]} "${on.id.slice(0, 200)}"`, {
    kind: on.kind,
    action,
  });
}

async function recordOf({ kind, id }: Target, lookups: RecordLookups): Promise<string | undefined> {
  switch (kind) {
    case 'run':
      return lookups.experimentOfRun(id);
    case 'logged_model':
      return lookups.experimentOfLoggedModel(id);
    case 'model_version':
      return lookups.modelOfVersion(id);
    case 'experiment_named':
      return lookups.experimentNamed(id);
    default:
      return id;
  }
}
