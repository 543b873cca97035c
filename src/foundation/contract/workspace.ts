import { Type, type Static } from 'typebox';
import { Actor, Id, Instant, oneOf, page, strict } from './common.ts';

export const workspacePhases = ['hashing', 'placing', 'fetching', 'pushing'] as const;
/** How far long work on data files is. */
export const WorkspaceProgress = strict({
  phase: oneOf(workspacePhases),
  files: Type.Integer(),
  bytes: Type.Integer(),
  of: Type.Optional(Type.Integer({ description: 'how many files there are, where that is known' })),
});
export type WorkspaceProgress = Static<typeof WorkspaceProgress>;

/** Relative to the project's folder, with `/`. */
const Path = Type.String({ minLength: 1, maxLength: 4096, description: 'relative to the project’s folder, with /' });
const ObjectName = Type.String({
  pattern: '^[0-9a-f]{32}(\\.dir)?$',
  description: 'MD5, as DVC names objects; .dir for a folder’s listing',
});

/** A file or folder that a `.dvc` file tracks, as that file says. */
export const WorkspacePath = strict({
  path: Path,
  isFolder: Type.Boolean(),
  object: Type.Optional(ObjectName),
  files: Type.Optional(Type.Integer()),
  size: Type.Optional(Type.Integer({ description: 'bytes' })),
});
export type WorkspacePath = Static<typeof WorkspacePath>;

export const WorkspaceRemote = strict({ name: Type.String(), url: Type.String(), isDefault: Type.Boolean() });

/** The data files of the project's folder. */
export const WorkspaceView = strict({
  tracked: Type.Array(WorkspacePath),
  remotes: Type.Array(WorkspaceRemote),
});
export type WorkspaceView = Static<typeof WorkspaceView>;

/** Paths inside of a tracked folder: at most the first 1000 of each kind. */
export const WorkspaceChanges = strict({
  added: Type.Array(Type.String()),
  removed: Type.Array(Type.String()),
  modified: Type.Array(Type.String()),
  renamed: Type.Array(strict({ from: Type.String(), to: Type.String() })),
  count: Type.Integer({ description: 'all of them' }),
});
export type WorkspaceChanges = Static<typeof WorkspaceChanges>;

export const workspaceStates = ['clean', 'modified', 'deleted', 'unrecorded', 'unknown'] as const;
/** A tracked path as it is now beside what its `.dvc` file says. */
export const WorkspacePathStatus = strict({
  path: Path,
  state: oneOf(workspaceStates, { description: 'unknown: it differs, and the recorded listing is not in the cache' }),
  files: Type.Integer(),
  size: Type.Integer({ description: 'bytes' }),
  changes: WorkspaceChanges,
  missing: Type.Integer({ description: 'recorded objects that the cache lacks' }),
});
export const WorkspaceStatus = page(WorkspacePathStatus);
export type WorkspaceStatus = Static<typeof WorkspaceStatus>;

/** How a tracked path differs between two commits, or between a commit and the folder. */
export const WorkspacePathDiff = strict({
  path: Path,
  change: oneOf(['added', 'removed', 'modified']),
  from: Type.Optional(ObjectName),
  to: Type.Optional(ObjectName),
  changes: WorkspaceChanges,
});
export const WorkspaceDiff = page(WorkspacePathDiff);
export type WorkspaceDiff = Static<typeof WorkspaceDiff>;

/** A commit that changed what a tracked path is. */
export const WorkspaceVersion = strict({
  commit: Type.String(),
  author: Type.String(),
  at: Instant,
  subject: Type.String(),
  object: Type.Optional(ObjectName),
  files: Type.Optional(Type.Integer()),
  size: Type.Optional(Type.Integer()),
});
export const WorkspaceVersions = page(WorkspaceVersion);
export type WorkspaceVersions = Static<typeof WorkspaceVersions>;

export const workspaceVerbs = ['add', 'checkout', 'push', 'pull'] as const;
export const WorkspaceJobRequest = strict({
  verb: oneOf(workspaceVerbs),
  paths: Type.Array(Path, { maxItems: 1000, description: 'none: all that are tracked; add needs one' }),
  remote: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'of push and pull; the default one without it' })),
  force: Type.Optional(Type.Boolean({ description: 'of checkout and pull: give up changes that were never added' })),
});
export type WorkspaceJobRequest = Static<typeof WorkspaceJobRequest>;

/** Work on the project's data files that goes on in the background. */
export const WorkspaceJob = strict({
  id: Id,
  verb: oneOf(workspaceVerbs),
  paths: Type.Array(Path),
  remote: Type.Optional(Type.String()),
  by: Actor,
  state: oneOf(['running', 'finished', 'failed', 'cancelled']),
  waiting: Type.Boolean({ description: 'another process works in the same folder, and this one waits for it' }),
  progress: Type.Optional(WorkspaceProgress),
  results: Type.Array(
    strict({ path: Type.String({ description: 'of a push: the remote’s name' }), counts: Type.Record(Type.String(), Type.Integer()) }),
  ),
  error: Type.Optional(Type.String()),
  startedAt: Instant,
  endedAt: Type.Optional(Instant),
});
export type WorkspaceJob = Static<typeof WorkspaceJob>;
