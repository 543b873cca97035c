export { openWorkspace } from './open-workspace.ts';
export type { Workspace } from './open-workspace.ts';
export type { Added, Changes, TrackedPath, WorkOptions } from './port.ts';
export type { TrackedStatus } from './status.ts';
export type { PathDiff } from './diff.ts';
export type { CheckedOut } from './checkout.ts';
export type { Pushed } from './push.ts';
export type { Remote } from './remotes.ts';
export type { RecordedVersion } from './git-history.ts';
