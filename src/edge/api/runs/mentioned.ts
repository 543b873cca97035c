import type { Access } from '#access';
import type { Actor } from '#contract';

/** Whom a text mentions: `@` before the name of an identity that is not disabled, in any case of letters; the longest name counts. */
export async function mentionedIn({ listIdentities }: Pick<Access, 'listIdentities'>, text: string): Promise<readonly Actor[]> {
  if (!text.includes('@')) return [];
  const identities = (await listIdentities()).filter(({ disabled }) => !disabled);
  const byName = new Map(identities.map((identity) => [identity.name.toLowerCase(), identity]));
  const names = [...byName.keys()].sort((one, other) => other.length - one.length).map((name) => RegExp.escape(name));
  if (names.length === 0) return [];
  const found = text.matchAll(new RegExp(`(?<![\\w@.-])@(${names.join('|')})(?![\\w-])`, 'giu'));
  const mentioned = new Map<string, Actor>();
  for (const [, name = ''] of found) {
    const identity = byName.get(name.toLowerCase());
    if (identity !== undefined)
      mentioned.set(identity.id, { identity: identity.id, name: identity.name, ...(identity.simulated ? { simulated: true } : {}) });
  }
  return [...mentioned.values()];
}
