import { Type } from 'typebox';
import { CommentText, Id, Instant, Mention, RunComment, strict } from '#contract';
import { route, type Route } from '../../route.ts';
import { mentionedIn } from '../../runs/mentioned.ts';
import { ById } from '../../shapes.ts';

const ByComment = strict({ id: Id, comment: Id });
const Comments = strict({ items: Type.Array(RunComment) });

/** What people say about runs, and where somebody is mentioned. */
export const runCommentRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/runs/:id/comments',
    permission: 'read',
    tag: 'training',
    summary: 'What people said about a run, the oldest first',
    params: ById,
    answer: Comments,
    handle: async ({ training }, { params }) => ({ items: await training.comments.list(params.id) }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/runs/:id/comments',
    permission: 'log',
    tag: 'training',
    summary: 'Comments on a run; @name mentions somebody, who finds it under mentions',
    params: ById,
    body: strict({ text: CommentText }),
    answer: RunComment,
    status: 201,
    handle: async ({ training, access }, { params, body: { text }, by }) =>
      training.comments.add({ run: params.id, text, mentions: await mentionedIn(access, text), by }),
  }),
  route({
    method: 'PUT',
    path: '/api/v1/runs/:id/comments/:comment',
    permission: 'log',
    tag: 'training',
    summary: 'Changes a comment of one’s own',
    params: ByComment,
    body: strict({ text: CommentText }),
    answer: RunComment,
    handle: async ({ training, access }, { params: { id, comment }, body: { text }, by }) =>
      training.comments.change({ run: id, comment, text, mentions: await mentionedIn(access, text), by }),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/runs/:id/comments/:comment',
    permission: 'log',
    tag: 'training',
    summary: 'Deletes a comment of one’s own; who may administer deletes any',
    params: ByComment,
    answer: Comments,
    handle: async ({ training }, { params: { id, comment }, by, principal }) => {
      await training.comments.remove({ run: id, comment, by, anybody: principal.permissions.has('administer') });
      return { items: await training.comments.list(id) };
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/mentions',
    permission: 'read',
    tag: 'training',
    summary: 'Comments that mention the caller, newest first, on runs that the caller may read',
    answer: strict({ items: Type.Array(Mention), unseen: Type.Integer() }),
    handle: async ({ training, access }, { by, principal }) => {
      const rights = await access.grants.rightsOf(principal);
      const all = await training.comments.mentionsOf(by.identity);
      const items = all.filter(({ run }) => rights.may('read', 'experiment', run.experiment));
      return { items, unseen: items.filter(({ seen }) => !seen).length };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/mentions/seen',
    permission: 'read',
    tag: 'training',
    summary: 'The caller has seen the mentions until an instant',
    body: strict({ until: Instant }),
    answer: strict({ seen: Type.Integer({ description: 'how many were not seen before' }) }),
    handle: async ({ training }, { body, by }) => ({ seen: await training.comments.see(by.identity, Date.parse(body.until)) }),
  }),
];
