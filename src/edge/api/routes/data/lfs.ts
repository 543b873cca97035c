import { LfsLock, LfsRepository, Name, page, strict } from '#contract';
import { Type } from 'typebox';
import { fileRoute, route, type Route } from '../../route.ts';
import { paging } from '../../shapes.ts';

const help = `Git LFS answers here. In a git repository:

  gyre lfs connect <name>

sets lfs.url to <this server>/lfs/<name>, and has git ask gyre for the token. By hand:

  git config lfs.url <this server>/lfs/<name>

The user name is any, the password is a token ("gyre identity token NAME" makes one).
`;

export const lfsRepositoryRoutes: readonly Route[] = [
  fileRoute({
    method: 'GET',
    path: '/lfs',
    permission: 'public',
    tag: 'data',
    summary: 'How a git repository is connected: below this address, `/lfs/<repository>`, the Git LFS API answers',
    types: ['text/plain'],
    answers: 'a few lines of text',
    handle: () => ({ type: 'text/plain; charset=utf-8', body: help }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/lfs-repositories',
    permission: 'read',
    tag: 'data',
    summary: 'Repositories that Git LFS has pushed to, with the number and size of their objects',
    answer: page(LfsRepository),
    handle: async ({ lfs }) => ({ items: await lfs.list() }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/lfs-repositories/:repository/locks',
    permission: 'read',
    tag: 'data',
    summary: 'Paths of a repository that `git lfs lock` has locked, in the order in which they were',
    params: strict({ repository: Name }),
    query: strict({ ...paging, limit: Type.Integer({ minimum: 1, maximum: 100, default: 50, description: 'at most so many items' }) }),
    answer: page(LfsLock),
    handle: async ({ lfs }, { params, query }) => {
      const { items, next } = await lfs.locks({ ...params, ...query });
      return { items: [...items], ...(next === undefined ? {} : { next }) };
    },
  }),
];
