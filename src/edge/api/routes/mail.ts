import type { Principal } from '#access';
import { Mail, MailAddress, MailAddressInput, page, type Identity } from '#contract';
import { GyreError } from '#core';
import type { Rooms } from '../port.ts';
import { route, type Route } from '../route.ts';
import { ById, Paging } from '../shapes.ts';
import { pageOf } from './paging.ts';

export const mailRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/mail-addresses/:id',
    permission: 'read',
    tag: 'access',
    summary: 'Where an identity is told by e-mail, and of what: the caller’s own, or for admins anybody’s',
    params: ById,
    answer: MailAddress,
    handle: async (rooms, { params, principal }) => rooms.mails.address(await ownOr(rooms, principal, params.id)),
  }),
  route({
    method: 'PUT',
    path: '/api/v1/mail-addresses/:id',
    permission: 'read',
    tag: 'access',
    summary: 'Says where an identity is told by e-mail, and of what: the caller’s own, or for admins anybody’s',
    params: ById,
    body: MailAddressInput,
    answer: MailAddress,
    handle: async (rooms, { params, body, principal, by }) => {
      const identity = await ownOr(rooms, principal, params.id);
      await rooms.mails.setAddress({ identity: identity.id, ...body, by });
      return rooms.mails.address(identity);
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/mail-addresses/:id',
    permission: 'read',
    tag: 'access',
    summary: 'Erases the address of an identity, and what is on its way to it: the caller’s own, or for admins anybody’s',
    params: ById,
    answer: MailAddress,
    handle: async (rooms, { params, principal, by }) => {
      const identity = await ownOr(rooms, principal, params.id);
      await rooms.mails.removeAddress({ identity: identity.id, by });
      return rooms.mails.address(identity);
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/mails',
    permission: 'administer',
    tag: 'access',
    summary: 'Messages of the last 30 days and what became of them, newest first, without addresses',
    query: Paging,
    answer: page(Mail),
    handle: async ({ mails }, { query }) => pageOf(await mails.list(), query, ({ id }) => id),
  }),
];

/** An address is personal: it is its owner's and the admins'; whose others are is not even said. @throws GyreError NOT_FOUND */
async function ownOr({ access }: Rooms, principal: Principal, wanted: string): Promise<Identity> {
  const { identity } = principal;
  if (wanted !== identity.id && wanted !== identity.name && !principal.permissions.has('administer'))
    throw new GyreError('NOT_FOUND', `no address "${wanted}" that you may see: yours is "${identity.name}"`);
  return access.getIdentity(wanted);
}
