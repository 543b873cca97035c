import { computed, signal } from '@preact/signals';
import type { Identity, Permission } from '#contract';
import { ApiError, get, send } from './api.ts';
import { forgetAll } from './resource.ts';

/** Who the server takes this browser for. */
export interface WhoAmI {
  readonly identity: Identity;
  readonly permissions: readonly Permission[];
  readonly via: 'token' | 'password' | 'session' | 'local';
}

export type Session =
  | { readonly state: 'asking' }
  | { readonly state: 'known'; readonly who: WhoAmI }
  | { readonly state: 'unknown' }
  | { readonly state: 'failed'; readonly error: ApiError };

export const session = signal<Session>({ state: 'asking' });
export const who = computed(() => (session.value.state === 'known' ? session.value.who : undefined));

/** Asks the server who this browser is. */
export async function askWhoAmI(): Promise<void> {
  try {
    session.value = { state: 'known', who: await get<WhoAmI>('whoami') };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    session.value = error.status === 401 ? { state: 'unknown' } : { state: 'failed', error };
  }
}

export type Credentials = { readonly code: string } | { readonly name: string; readonly password: string };

/** Opens a session: the server answers with a cookie that scripts cannot read. @throws ApiError */
export async function signIn(credentials: Credentials): Promise<void> {
  await send('POST', 'sessions', credentials);
  await askWhoAmI();
  forgetAll();
}

/** Ends the session on the server. @throws ApiError */
export async function signOut(): Promise<void> {
  await send('DELETE', 'sessions');
  await askWhoAmI();
  forgetAll();
}

export function may(permission: Permission): boolean {
  return who.value?.permissions.includes(permission) ?? false;
}

/** In words on buttons only; the server decides by its own table. */
const holders: Readonly<Record<Permission, string>> = {
  read: 'every role',
  log: 'data scientist, ML engineer, operator or admin',
  predict: 'business user, data scientist, ML engineer or operator',
  build: 'data scientist or ML engineer',
  deploy: 'ML engineer, operator or QA expert',
  certify: 'QA expert',
  approve: 'approver',
  revoke: 'QA expert, approver or admin',
  release: 'operator',
  operate: 'operator or admin',
  see_personal: 'data steward',
  erase: 'admin',
  administer: 'admin',
  pull: 'agent',
};

/** Why this person cannot do it; undefined when they can. */
export function lacks(permission: Permission): string | undefined {
  if (may(permission)) return undefined;
  const whom = who.value?.via === 'local' ? 'you look in as “local”, without a role' : `you are “${who.value?.identity.name ?? 'nobody'}”`;
  return `needs the role ${holders[permission]}; ${whom}`;
}
