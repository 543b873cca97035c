import { Type, type Static } from 'typebox';
import { Id, Instant, Name, oneOf, strict } from './common.ts';

export const roles = [
  'data-scientist',
  'ml-engineer',
  'operator',
  'qa',
  'approver',
  'business-user',
  'stakeholder',
  'data-steward',
  'admin',
  'agent',
] as const;
export const Role = oneOf(roles);
export type Role = Static<typeof Role>;

/** What an identity may do; roles grant them (`access/permissions.ts`), routes name the one they need. */
export const permissions = [
  'read', // look at any record
  'log', // log runs, predictions, labels
  'predict', // predict tables with models that are live or have an alias, by the clock as well
  'build', // ingest data, run pipelines, register model versions
  'deploy', // deploy to test environments, run application tests
  'certify', // sign an application test report as QA expert
  'approve', // approve a certified version for an environment
  'revoke', // take a version out for good
  'release', // switch or roll back an environment
  'operate', // acknowledge alerts, change monitors, start actions
  'see_personal', // see the values of personal and sensitive columns; whoever lacks it sees them masked
  'erase', // delete records
  'administer', // identities, roles, tokens, settings
  'pull', // as an agent: what its environment is to serve, the files that this names, reports, its prediction log
] as const;
export const Permission = oneOf(permissions);
export type Permission = Static<typeof Permission>;

export const Identity = strict({
  id: Id,
  name: Name,
  roles: Type.Array(Role),
  simulated: Type.Boolean({ description: 'played by a program, as in the demo; every record says so' }),
  disabled: Type.Boolean(),
  createdAt: Instant,
});
export type Identity = Static<typeof Identity>;

export const IdentityInput = strict({
  name: Name,
  roles: Type.Array(Role, { minItems: 1 }),
  simulated: Type.Optional(Type.Boolean()),
});
export type IdentityInput = Static<typeof IdentityInput>;

export const Token = strict({
  id: Id,
  identity: Id,
  label: Type.String(),
  createdAt: Instant,
  expiresAt: Type.Optional(Instant),
  revokedAt: Type.Optional(Instant),
});
export type Token = Static<typeof Token>;

/** A token as it is shown once, when it is made. */
export const IssuedToken = strict({ token: Token, secret: Type.String() });
export type IssuedToken = Static<typeof IssuedToken>;

/** Records that have permissions of their own, beside what roles say; runs and logged models follow their experiment. */
export const guardedKinds = ['experiment', 'registered_model'] as const;
export const GuardedKind = oneOf(guardedKinds);
export type GuardedKind = Static<typeof GuardedKind>;

/** What somebody is granted on a record, in MLflow's words. `DENY` and `NO_PERMISSIONS` take away, the others give. */
export const grantLevels = ['DENY', 'NO_PERMISSIONS', 'READ', 'USE', 'EDIT', 'MANAGE'] as const;
export const GrantLevel = oneOf(grantLevels);
export type GrantLevel = Static<typeof GrantLevel>;

/** Which record: an experiment's id or a registered model's name; `*` is every record of its kind. */
export const GuardedRecord = strict({ kind: GuardedKind, record: Type.String({ minLength: 1, maxLength: 256 }) });
export type GuardedRecord = Static<typeof GuardedRecord>;

/** What an identity was granted on a record. */
export const Grant = strict({
  ...GuardedRecord.properties,
  identity: Id,
  identityName: Name,
  level: GrantLevel,
  grantedAt: Instant,
  grantedBy: Type.String({ description: 'the id of the identity that granted it' }),
});
export type Grant = Static<typeof Grant>;

export const GrantInput = strict({
  ...GuardedRecord.properties,
  identity: Type.String({ minLength: 1, maxLength: 200, description: 'by id or name' }),
  level: GrantLevel,
});
export type GrantInput = Static<typeof GrantInput>;

/** What a team was granted on a record. */
export const TeamGrant = strict({
  ...GuardedRecord.properties,
  id: Type.Integer({ minimum: 1 }),
  team: Type.Integer({ minimum: 1, description: 'its id' }),
  level: GrantLevel,
});
export type TeamGrant = Static<typeof TeamGrant>;

export const TeamMember = strict({
  id: Type.Integer({ minimum: 1, description: 'of the membership' }),
  team: Type.Integer({ minimum: 1, description: 'its id' }),
  identity: Id,
  identityName: Name,
});
export type TeamMember = Static<typeof TeamMember>;

/** People who are granted things on records together; MLflow calls it a role. */
export const Team = strict({
  id: Type.Integer({ minimum: 1 }),
  name: Type.String(),
  description: Type.Optional(Type.String()),
  createdAt: Instant,
  grants: Type.Array(TeamGrant),
  members: Type.Array(TeamMember),
});
export type Team = Static<typeof Team>;

export const TeamInput = strict({
  name: Type.String({ minLength: 1, maxLength: 128, pattern: '\\S', description: 'more than a number' }),
  description: Type.Optional(Type.String({ maxLength: 2000 })),
});
export type TeamInput = Static<typeof TeamInput>;

export const TeamGrantInput = strict({ ...GuardedRecord.properties, level: GrantLevel });
export type TeamGrantInput = Static<typeof TeamGrantInput>;

/** What holds for records on which nothing was granted: a level, or `ROLES`, where whoever may log may also write and delete. */
export const defaultLevels = ['ROLES', 'NO_PERMISSIONS', 'READ', 'USE', 'EDIT', 'MANAGE'] as const;
export const DefaultLevel = oneOf(defaultLevels);
export type DefaultLevel = Static<typeof DefaultLevel>;
