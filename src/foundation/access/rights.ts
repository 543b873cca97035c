import type { DefaultLevel, GrantLevel, GuardedKind, Permission } from '#contract';
import type { GrantRow } from './grants-store.ts';

/** What can be done to a record: look at it, make something of it, write to it, delete it, say who may do these. */
export type RecordAction = 'read' | 'use' | 'update' | 'delete' | 'manage';

/** The records of a kind on which somebody may do something: all but `except`, or (`rest` false) only these. */
export interface Reach {
  readonly rest: boolean;
  readonly except: ReadonlySet<string>;
}

/** What one identity may do on which records; roles are the bound, grants and the default decide within. */
export interface Rights {
  may(action: RecordAction, kind: GuardedKind, record: string): boolean;
  reach(action: RecordAction, kind: GuardedKind): Reach;
  /** The highest level of which everything may be done. */
  level(kind: GuardedKind, record: string): GrantLevel;
}

const actionsOf: Readonly<Record<DefaultLevel | 'DENY', readonly RecordAction[]>> = {
  DENY: [],
  NO_PERMISSIONS: [],
  READ: ['read'],
  USE: ['read', 'use'],
  EDIT: ['read', 'use', 'update'],
  MANAGE: ['read', 'use', 'update', 'delete', 'manage'],
  ROLES: ['read', 'use', 'update', 'delete'],
};
const rank: Readonly<Record<GrantLevel, number>> = { DENY: -1, NO_PERMISSIONS: 0, READ: 1, USE: 2, EDIT: 3, MANAGE: 4 };
const permissionFor: Readonly<Record<RecordAction, Permission>> = {
  read: 'read',
  use: 'read',
  update: 'log',
  delete: 'log',
  manage: 'log',
};

export const everyRecord = '*';
const nowhere: Reach = { rest: false, except: new Set() };
const everywhere: Reach = { rest: true, except: new Set() };

/** Rights that follow what is granted. */
export interface OpenedRights extends Rights {
  readonly add: (grant: Pick<GrantRow, 'kind' | 'record' | 'level'>) => void;
}

/**
 * Folds grants into rights as MLflow does (mlflow/server/auth/requirements.py): of those that meet on one record `DENY` wins, else the
 * highest; one that gives never gives less than the default; one that takes away takes all.
 * @param by.isAdmin admins are not restricted but by their roles
 */
export function rightsOf(
  grants: readonly Pick<GrantRow, 'kind' | 'record' | 'level'>[],
  by: { readonly permissions: ReadonlySet<Permission>; readonly isAdmin: boolean; readonly usual: DefaultLevel },
): OpenedRights {
  const levels: Readonly<Record<GuardedKind, Map<string, GrantLevel>>> = { experiment: new Map(), registered_model: new Map() };
  const reaches = new Map<string, Reach>();
  const hold = ({ kind, record, level }: Pick<GrantRow, 'kind' | 'record' | 'level'>): void => {
    levels[kind].set(record, together(levels[kind].get(record) ?? level, level));
  };
  grants.forEach(hold);

  const granted = (kind: GuardedKind, record: string): readonly RecordAction[] => {
    const held = [levels[kind].get(record), levels[kind].get(everyRecord)].filter((level) => level !== undefined);
    if (held.length === 0) return actionsOf[by.usual];
    const best = held.reduce(together);
    if (best === 'DENY') return [];
    return best === 'NO_PERMISSIONS' ? [] : [...actionsOf[best], ...actionsOf[by.usual]];
  };
  const may: Rights['may'] = (action, kind, record) =>
    by.permissions.has(permissionFor[action]) && (by.isAdmin || granted(kind, record).includes(action));

  return {
    may,
    reach(action, kind) {
      if (!by.permissions.has(permissionFor[action])) return nowhere;
      if (by.isAdmin) return everywhere;
      const key = `${action}:${kind}`;
      const known = reaches.get(key);
      if (known !== undefined) return known;
      const rest = granted(kind, everyRecord).includes(action);
      const isOther = (record: string): boolean => record !== everyRecord && granted(kind, record).includes(action) !== rest;
      const reach: Reach = { rest, except: new Set(levels[kind].keys().filter(isOther)) };
      reaches.set(key, reach);
      return reach;
    },
    level: (kind, record) => tiers.find(([, action]) => may(action, kind, record))?.[0] ?? 'NO_PERMISSIONS',
    add: (grant) => {
      hold(grant);
      reaches.clear();
    },
  };
}

/** Of two that meet on one record. */
function together(one: GrantLevel, other: GrantLevel): GrantLevel {
  if (one === 'DENY' || other === 'DENY') return 'DENY';
  return rank[one] >= rank[other] ? one : other;
}

const tiers = [
  ['MANAGE', 'manage'],
  ['EDIT', 'update'],
  ['USE', 'use'],
  ['READ', 'read'],
] as const;

/** Whether something may be done on every record of a kind: then nobody has to ask which one it is. */
export function isEverywhere({ rest, except }: Reach): boolean {
  return rest && except.size === 0;
}

/** Whether a record is among those that a reach names. */
export function isWithin({ rest, except }: Reach, record: string): boolean {
  return except.has(record) !== rest;
}
