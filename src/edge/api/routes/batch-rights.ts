import { realpath } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import { isEverywhere, permissionsOf, requirePermission } from '#access';
import type { Principal } from '#access';
import { inputFromText, targetFromText } from '#batch';
import type { Actor, BatchRequestBody } from '#contract';
import { GyreError, hasCode } from '#core';
import type { ApiDeps } from '../port.ts';
import { fileInProject, filesInProject, requireInside } from './data/ingest.ts';
import { mayNotSee, personalOf } from './data/masks.ts';

type Rooms = Pick<ApiDeps, 'access' | 'batches' | 'data' | 'project'>;

/** Whoever may read a model may have it predict, and see what it predicted. */
export async function requireModel({ access }: Pick<ApiDeps, 'access'>, principal: Principal, model: string): Promise<void> {
  const rights = await access.grants.rightsOf(principal);
  if (isEverywhere(rights.reach('read', 'registered_model')) || rights.may('read', 'registered_model', model)) return;
  throw new GyreError('PERMISSION_DENIED', 'you may not read this record: its model was not granted to you', {
    kind: 'registered_model',
    action: 'read',
  });
}

/**
 * Whether somebody may have this predicted. Whoever does not build models takes those that were released or named by an alias, not any
 * version that somebody tries out.
 * @param later it is not predicted now: what is live and what files there are may change until then
 * @throws GyreError PERMISSION_DENIED, NOT_FOUND
 */
export async function requireMayPredict(
  rooms: Rooms,
  principal: Principal,
  body: BatchRequestBody,
  { later = false }: { readonly later?: boolean } = {},
): Promise<void> {
  const { batches, project } = rooms;
  requirePermission(principal, 'predict');
  if (!principal.permissions.has('build') && !/^environment:|@[\w-]+$/.test(body.model))
    throw new GyreError(
      'PERMISSION_DENIED',
      `"${body.model}" may be any version that somebody tries out, which takes permission "build": name what is live (environment:production) or an alias (churn@champion)`,
      { model: body.model },
    );
  const version = await batches.versionOf(body.model).catch((error: unknown) => {
    if (later && hasCode(error, 'FAILED_PRECONDITION')) return undefined;
    throw error;
  });
  if (version !== undefined) await requireModel(rooms, principal, version.model);
  await requireInProject(project.current().folder, body, later);
  await requireNothingHidden(rooms, principal, body);
}

/** What somebody may not see they may not have written to a place of their own choice either; as a dataset version it stays masked. */
async function requireNothingHidden(rooms: Rooms, principal: Principal, { input, output, columns }: BatchRequestBody): Promise<void> {
  if (output === undefined || !input.startsWith('dataset:') || !mayNotSee(principal)) return;
  const version = await rooms.data.named(input.slice('dataset:'.length));
  const personal = await personalOf(rooms, version);
  const hidden = (columns ?? version.schema.columns.map(({ name }) => name)).filter((name) => personal.has(name));
  if (hidden.length === 0) return;
  throw new GyreError(
    'PERMISSION_DENIED',
    `${hidden.map((name) => `"${name}"`).join(', ')} ${hidden.length === 1 ? 'is' : 'are'} personal, and only a data steward may have such columns written: leave them out of the columns that go along, or leave out the output (the predictions become a dataset version, where they are masked)`,
    { columns: hidden },
  );
}

/** The same for somebody who is not here, when what they set by the clock is due. Their roles may have changed since. */
export function requireMayLater(rooms: Rooms): (by: Actor, body: BatchRequestBody) => Promise<void> {
  return async (by, body) => {
    const identity = await rooms.access.getIdentity(by.identity);
    if (identity.disabled)
      throw new GyreError('PERMISSION_DENIED', `"${identity.name}", who set this schedule, is disabled: somebody else has to set it`, {
        identity: identity.id,
      });
    await requireMayPredict(rooms, { identity, permissions: permissionsOf(identity.roles), actor: by, via: 'token' }, body);
  };
}

/** Whoever may predict may not by that read or write every file of this machine. */
async function requireInProject(
  folder: string,
  { input, query, fromTable, output, toTable, partitionBy }: BatchRequestBody,
  later: boolean,
): Promise<void> {
  if (!input.startsWith('dataset:')) {
    const from = inputFromText(
      input,
      { ...(query === undefined ? {} : { query }), ...(fromTable === undefined ? {} : { table: fromTable }) },
      folder,
    );
    if ('path' in from)
      await fileInProject(folder, relative(folder, from.path)).catch((error: unknown) => {
        if (!later || !hasCode(error, 'NOT_FOUND')) throw error;
      });
    if (from.kind === 'files') await filesInProject(folder, from.pattern);
  }
  if (output === undefined) return;
  const target = targetFromText(
    output,
    { ...(toTable === undefined ? {} : { table: toTable }), ...(partitionBy === undefined ? {} : { partitionBy }) },
    folder,
  );
  if (!('path' in target)) return;
  // what is there already is replaced through its name, so a link out of the folder counts as outside as well
  const [root, place] = await Promise.all([
    realpath(folder),
    realpath(target.path).catch(() => realpath(dirname(target.path)).catch(() => undefined)),
  ]);
  if (place === undefined) throw new GyreError('NOT_FOUND', `there is no folder for the output "${output}" in the project’s folder`);
  requireInside(root, place, output);
}
