import { eventType } from '#contract';
import type { Actor, Role } from '#contract';
import { GyreError } from '#core';
import type { Tx } from '#store';
import { deleteBrowserSecretsOf, findIdentity, listIdentities, updateIdentity } from './access-store.ts';
import type { IdentityRow } from './access-store.ts';
import { deleteGrantsOf } from './grants-store.ts';
import type { AccessDeps } from './port.ts';
import { deleteMembershipsOf } from './teams-store.ts';

/** Ends an identity's sessions and takes what it was granted, for good. @param changed told after COMMIT */
export async function disableIdentity(deps: AccessDeps, row: IdentityRow, by: Actor, changed: () => void): Promise<void> {
  await deps.store.write(
    async (tx, args) => {
      await tx.lock('identities');
      await requireAnotherAdmin(tx, args);
      const now = await findIdentity(tx, { id: args.id });
      if (now?.disabled === true) return;
      await updateIdentity(tx, args.id, { disabled: true });
      await deleteBrowserSecretsOf(tx, args.id);
      await deleteGrantsOf(tx, args.id);
      await deleteMembershipsOf(tx, args.id);
      deps.events.publish(tx, { type: eventType('identity.disabled'), subject: args.id, data: { id: args.id }, actor: by.identity });
      tx.afterCommit(changed);
    },
    { id: row.id, name: row.name },
  );
}

/** Gives an identity other roles. @param changed told after COMMIT */
export async function setRoles(deps: AccessDeps, row: IdentityRow, roles: readonly Role[], by: Actor, changed: () => void): Promise<void> {
  await deps.store.write(
    async (tx, args) => {
      await tx.lock('identities');
      if (!args.roles.includes('admin')) await requireAnotherAdmin(tx, args);
      await updateIdentity(tx, args.id, { roles: args.roles });
      const data = { id: args.id, roles: args.roles };
      deps.events.publish(tx, { type: eventType('identity.roles_set'), subject: args.id, data, actor: by.identity });
      tx.afterCommit(changed);
    },
    { id: row.id, name: row.name, roles: [...new Set(roles)] },
  );
}

async function requireAnotherAdmin(tx: Tx, { id, name }: { readonly id: string; readonly name: string }): Promise<void> {
  const admins = (await listIdentities(tx)).filter(({ roles, disabled }) => roles.includes('admin') && !disabled);
  if (admins.length === 1 && admins[0].id === id) {
    throw new GyreError('FAILED_PRECONDITION', `"${name}" is the last admin; make another one first`, { identity: id });
  }
}
