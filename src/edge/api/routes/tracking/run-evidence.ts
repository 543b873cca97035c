import { Type } from 'typebox';
import { CodeChanges, Id, ModelGraph, RunLogLines, strict } from '#contract';
import { GyreError } from '#core';
import { ownRunId } from '#training';
import { route, type Route } from '../../route.ts';
import { codeChanges } from '../../runs/code-changes.ts';
import { logOf } from '../../runs/log-lines.ts';
import { graphOf, requireModelSize } from '../../runs/model-graph.ts';
import { ById } from '../../shapes.ts';
import { requireRuns } from './rights.ts';

const Path = Type.String({ minLength: 1, maxLength: 2000, description: 'a file of the run' });

/** What a run left that is read here rather than downloaded: its log, its code against another's, the graph of its model. */
export const runEvidenceRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/runs/:id/log',
    permission: 'read',
    tag: 'training',
    summary: 'The last lines that a run wrote, also while it goes on',
    params: ById,
    query: strict({ file: Type.Optional(Path) }),
    answer: RunLogLines,
    handle: (rooms, { params, query }) => logOf(rooms, params.id, query.file),
  }),
  route({
    method: 'GET',
    path: '/api/v1/runs/:id/code-changes',
    permission: 'read',
    tag: 'training',
    summary: 'How the code of a run differs from that of another, as far as it is in the project’s repository',
    params: ById,
    query: strict({
      from: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'the other run; without it the run itself' })),
    }),
    answer: CodeChanges,
    handle: async (rooms, { params: { id }, query: { from = id }, principal }) => {
      await requireRuns(rooms, principal, 'read', [ownRunId(from)]);
      return codeChanges(rooms, { from, to: id });
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/runs/:id/model-graph',
    permission: 'read',
    tag: 'training',
    summary: 'The graph of an ONNX file that a run left',
    params: strict({ id: Id }),
    query: strict({ file: Type.String({ minLength: 1, maxLength: 2000, default: 'model.onnx', description: 'a file of the run' }) }),
    answer: ModelGraph,
    handle: async ({ training }, { params, query: { file } }) => {
      const id = ownRunId(params.id);
      const found = await training.findArtifact(id, file);
      if (found === undefined) throw new GyreError('NOT_FOUND', `run ${id} has no artifact "${file}"`, { run: id });
      requireModelSize(file, found.size);
      return graphOf(await training.readArtifact(id, file));
    },
  }),
];
