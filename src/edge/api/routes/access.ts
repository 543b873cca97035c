import { Type } from 'typebox';
import { Identity, IdentityInput, IssuedToken, Token, page, strict } from '#contract';
import { isoInstant } from '#core';
import { cookieFor } from '../callers.ts';
import { fileRoute, route, type Route } from '../route.ts';
import { ById, OneTimeCode, Paging, Session, SessionRequest, TokenRequest, Tokens, Whoami } from '../shapes.ts';
import { pageOf } from './paging.ts';

const RolesRequest = strict({ roles: IdentityInput.properties.roles });
const PasswordRequest = strict({ password: Type.String({ minLength: 1, maxLength: 1000 }) });

export const accessRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/whoami',
    permission: 'read',
    tag: 'access',
    summary: 'Who the caller is, and what they may do',
    answer: Whoami,
    handle: (_rooms, { principal }) => ({
      identity: principal.identity,
      permissions: [...principal.permissions],
      via: principal.via,
    }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/sessions',
    permission: 'public',
    tag: 'access',
    summary: 'Opens a browser session by one-time code, or by name and password',
    description: 'The session comes as a cookie that scripts cannot read.',
    body: SessionRequest,
    answer: Session,
    status: 201,
    handle: async ({ access, clock }, { body, answerHeaders, request }) => {
      const session = 'code' in body ? await access.redeem(body.code) : await access.authenticatePassword(body.name, body.password);
      const maxAgeMs = session.expiresAt - clock.now();
      answerHeaders.set('set-cookie', cookieFor(session.secret, { maxAgeMs, secure: request.secure }));
      return { identity: session.identity, expiresAt: isoInstant(session.expiresAt) };
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/sessions',
    permission: 'read',
    tag: 'access',
    summary: 'Ends the browser session that asks',
    answer: strict({ ended: Type.Boolean() }),
    handle: async ({ access }, { request, answerHeaders }) => {
      answerHeaders.set('set-cookie', cookieFor('', { maxAgeMs: 0, secure: request.secure }));
      if (request.session === undefined) return { ended: false };
      await access.endSession(request.session);
      return { ended: true };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/one-time-codes',
    permission: 'read',
    tag: 'access',
    summary: 'Makes a link that turns into a browser session of the caller, once, within five minutes',
    answer: OneTimeCode,
    status: 201,
    handle: async ({ access }, { principal }) => {
      const { code, expiresAt } = await access.oneTimeCode(principal);
      return { code, path: `/login?code=${encodeURIComponent(code)}`, expiresAt: isoInstant(expiresAt) };
    },
  }),
  fileRoute({
    method: 'GET',
    path: '/login',
    permission: 'public',
    tag: 'access',
    summary: 'Redeems a one-time link and goes to the web page',
    query: strict({ code: Type.String({ minLength: 1, maxLength: 200 }) }),
    types: ['text/plain'],
    answers: 'Redirects to the web page, with the session as a cookie.',
    handle: async ({ access, clock }, { query, request }) => {
      const session = await access.redeem(query.code);
      const cookie = cookieFor(session.secret, { maxAgeMs: session.expiresAt - clock.now(), secure: request.secure });
      return { status: 303, type: 'text/plain; charset=utf-8', body: '', headers: { location: '/', 'set-cookie': cookie } };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/identities',
    permission: 'administer',
    tag: 'access',
    summary: 'Identities with their roles',
    query: Paging,
    answer: page(Identity),
    handle: async ({ access }, { query }) => pageOf(await access.listIdentities(), query, ({ id }) => id),
  }),
  route({
    method: 'POST',
    path: '/api/v1/identities',
    permission: 'administer',
    tag: 'access',
    summary: 'Makes an identity',
    body: IdentityInput,
    answer: Identity,
    status: 201,
    handle: ({ access }, { body, by }) => access.createIdentity(body, by),
  }),
  route({
    method: 'POST',
    path: '/api/v1/identities/:id/disable',
    permission: 'administer',
    tag: 'access',
    summary: 'Disables an identity for good: its sessions end, its tokens are worthless',
    params: ById,
    answer: Identity,
    handle: ({ access }, { params, by }) => access.disableIdentity(params.id, by),
  }),
  route({
    method: 'PUT',
    path: '/api/v1/identities/:id/roles',
    permission: 'administer',
    tag: 'access',
    summary: 'Gives an identity other roles, instead of those it has',
    params: ById,
    body: RolesRequest,
    answer: Identity,
    handle: ({ access }, { params, body, by }) => access.setRoles(params.id, body.roles, by),
  }),
  route({
    method: 'PUT',
    path: '/api/v1/identities/:id/password',
    permission: 'administer',
    tag: 'access',
    summary: 'Sets the password that an identity logs in with',
    params: ById,
    body: PasswordRequest,
    answer: Identity,
    handle: async ({ access }, { params, body, by }) => {
      await access.setPassword(params.id, body.password, by);
      return access.getIdentity(params.id);
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/identities/:id/tokens',
    permission: 'administer',
    tag: 'access',
    summary: 'The tokens of an identity, without their secrets',
    params: ById,
    query: Paging,
    answer: Tokens,
    handle: async ({ access }, { params, query }) => {
      const { id } = await access.getIdentity(params.id);
      return pageOf(await access.listTokens(id), query, (token) => token.id);
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/identities/:id/tokens',
    permission: 'administer',
    tag: 'access',
    summary: 'Issues a token; its secret is shown this once',
    params: ById,
    body: TokenRequest,
    answer: IssuedToken,
    status: 201,
    handle: ({ access }, { params, body, by }) => access.issueToken({ identity: params.id, ...body }, by),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/tokens/:id',
    permission: 'administer',
    tag: 'access',
    summary: 'Revokes a token',
    params: ById,
    answer: Token,
    handle: ({ access }, { params, by }) => access.revokeToken(params.id, by),
  }),
];
