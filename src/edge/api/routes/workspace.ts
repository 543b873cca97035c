import { Type } from 'typebox';
import {
  page,
  strict,
  WorkspaceDiff,
  WorkspaceJob,
  WorkspaceJobRequest,
  WorkspaceStatus,
  WorkspaceVersions,
  WorkspaceView,
} from '#contract';
import { route, type Route } from '../route.ts';
import { ById } from '../shapes.ts';

const Revision = Type.String({ minLength: 1, maxLength: 500, pattern: '^[^-]' });

/** The data files of the project's folder, versioned in DVC's formats. */
export const workspaceRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/workspace',
    permission: 'read',
    tag: 'data',
    summary: 'The files and folders of the project that .dvc files track, and the remotes',
    answer: WorkspaceView,
    handle: ({ workspace }) => workspace.view(),
  }),
  route({
    method: 'GET',
    path: '/api/v1/workspace/status',
    permission: 'read',
    tag: 'data',
    summary: 'What changed in tracked files and folders since they were added',
    description: 'Files that changed since the last look are read: of many or large ones it takes as long as that.',
    answer: WorkspaceStatus,
    handle: ({ workspace }, { signal }) => workspace.status(signal),
  }),
  route({
    method: 'GET',
    path: '/api/v1/workspace/diff',
    permission: 'read',
    tag: 'data',
    summary: 'What differs in tracked files and folders between two commits, or between a commit and the folder',
    query: strict({
      from: Type.Optional({ ...Revision, description: 'a revision of git; HEAD without it' }),
      to: Type.Optional({ ...Revision, description: 'a revision of git; the folder as it is without it' }),
    }),
    answer: WorkspaceDiff,
    handle: ({ workspace }, { query, signal }) => workspace.diff(query, signal),
  }),
  route({
    method: 'GET',
    path: '/api/v1/workspace/log',
    permission: 'read',
    tag: 'data',
    summary: 'The versions of a tracked file or folder in git’s history, newest first',
    query: strict({
      path: Type.String({ minLength: 1, maxLength: 4096, description: 'relative to the project’s folder' }),
      limit: Type.Integer({ minimum: 1, maximum: 1000, default: 50 }),
    }),
    answer: WorkspaceVersions,
    handle: ({ workspace }, { query: { path, limit } }) => workspace.log(path, limit),
  }),
  route({
    method: 'POST',
    path: '/api/v1/workspace/jobs',
    permission: 'build',
    tag: 'data',
    summary: 'Begins to add, check out, push or pull data files',
    description: 'It goes on in the background; the job’s own address tells how far it is.',
    body: WorkspaceJobRequest,
    answer: WorkspaceJob,
    status: 202,
    handle: ({ workspace }, { body, by }) => workspace.start({ ...body, by }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/workspace/jobs',
    permission: 'read',
    tag: 'data',
    summary: 'The jobs on data files since the platform was started, newest first',
    answer: page(WorkspaceJob),
    handle: ({ workspace }) => ({ items: [...workspace.jobs()] }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/workspace/jobs/:id',
    permission: 'read',
    tag: 'data',
    summary: 'How a job on data files goes, or went',
    params: ById,
    answer: WorkspaceJob,
    handle: ({ workspace }, { params }) => workspace.job(params.id),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/workspace/jobs/:id',
    permission: 'build',
    tag: 'data',
    summary: 'Stops a job on data files; what is done stays, and the same job goes on from there',
    params: ById,
    answer: WorkspaceJob,
    handle: ({ workspace }, { params }) => workspace.cancel(params.id),
  }),
];
