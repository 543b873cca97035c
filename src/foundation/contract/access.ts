import { Type, type Static } from 'typebox';
import { Id, Instant, Name, oneOf, strict } from './common.ts';

export const roles = ['data-scientist', 'ml-engineer', 'operator', 'qa', 'approver', 'stakeholder', 'data-steward', 'admin'] as const;
export const Role = oneOf(roles);
export type Role = Static<typeof Role>;

/** What an identity may do; roles grant them (`access/permissions.ts`), routes name the one they need. */
export const permissions = [
  'read', // look at any record
  'log', // log runs, predictions, labels
  'build', // ingest data, run pipelines, register model versions
  'deploy', // deploy to test environments, run application tests
  'certify', // sign an application test report as QA expert
  'approve', // approve a certified version for an environment
  'release', // switch or roll back an environment
  'operate', // acknowledge alerts, change monitors, start actions
  'see_personal', // see the values of personal and sensitive columns; whoever lacks it sees them masked
  'erase', // delete records
  'administer', // identities, roles, tokens, settings
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
