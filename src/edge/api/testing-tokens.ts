import type { Access } from '#access';
import { roles } from '#contract';
import type { Actor, Role } from '#contract';

/** A token of an identity for each role. For tests. */
export async function tokensByRole(access: Access, by: Actor): Promise<Readonly<Record<Role, string>>> {
  const made = await Promise.all(
    roles.map(async (role) => {
      const { id } = await access.createIdentity({ name: `the-${role}`, roles: [role] }, by);
      return [role, (await access.issueToken({ identity: id, label: 'test' }, by)).secret] as const;
    }),
  );
  // One entry for each role: the list above is the list of roles.
  return Object.fromEntries(made) as Record<Role, string>;
}
