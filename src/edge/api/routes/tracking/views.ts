import { Type } from 'typebox';
import { requirePermission } from '#access';
import { SavedView, SavedViewInput, page, strict } from '#contract';
import { GyreError } from '#core';
import { pageOf } from '../paging.ts';
import { route, type Route } from '../../route.ts';
import { ById, paging } from '../../shapes.ts';

/** Named views of the table of runs. Who may not read an experiment sees none of its views. */
export const viewRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/views',
    permission: 'read',
    tag: 'training',
    summary: 'Saved views of the table of runs, in the order of names',
    query: strict({ ...paging, experiment: Type.Optional(Type.String({ maxLength: 200, description: 'only of this one, by id' })) }),
    answer: page(SavedView),
    handle: async ({ access, training }, { query, principal }) => {
      const rights = await access.grants.rightsOf(principal);
      const all = await training.views.list(query.experiment);
      const readable = all.filter(({ experiment }) => experiment === undefined || rights.may('read', 'experiment', experiment));
      return pageOf(readable, query, ({ id }) => id);
    },
  }),
  route({
    method: 'PUT',
    path: '/api/v1/views',
    permission: 'log',
    tag: 'training',
    summary: 'Saves a view under a name; one’s own of the same name is replaced',
    body: SavedViewInput,
    answer: SavedView,
    handle: async (rooms, { body, by, principal }) => {
      const rights = await rooms.access.grants.rightsOf(principal);
      if (body.experiment !== undefined) {
        if (!rights.may('read', 'experiment', body.experiment)) throw closed(body.experiment);
        await rooms.training.tracking.getExperiment(body.experiment);
      }
      return rooms.training.views.save({ ...body, by });
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/views/:id',
    permission: 'read',
    tag: 'training',
    summary: 'A saved view',
    params: ById,
    answer: SavedView,
    handle: async ({ access, training }, { params: { id }, principal }) => {
      const view = await training.views.get(id);
      const rights = await access.grants.rightsOf(principal);
      if (view.experiment !== undefined && !rights.may('read', 'experiment', view.experiment)) throw closed(view.experiment);
      return view;
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/views/:id',
    permission: 'log',
    tag: 'training',
    summary: 'Deletes a view: its maker’s own, or by an admin',
    params: ById,
    answer: strict({ deleted: Type.Literal(true) }),
    handle: async ({ training }, { params: { id }, by, principal }) => {
      const view = await training.views.get(id);
      if (view.by.identity !== by.identity) requirePermission(principal, 'administer');
      await training.views.delete({ id, by });
      return { deleted: true as const };
    },
  }),
];

function closed(experiment: string): GyreError {
  return new GyreError('PERMISSION_DENIED', `you may not read experiment ${experiment}: whoever manages it can grant that`, { experiment });
}
