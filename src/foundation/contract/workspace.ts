import { Type, type Static } from 'typebox';
import { oneOf, strict } from './common.ts';

export const workspacePhases = ['hashing', 'placing', 'fetching', 'pushing'] as const;
/** How far long work on data files is. */
export const WorkspaceProgress = strict({
  phase: oneOf(workspacePhases),
  files: Type.Integer(),
  bytes: Type.Integer(),
  of: Type.Optional(Type.Integer({ description: 'how many files there are, where that is known' })),
});
export type WorkspaceProgress = Static<typeof WorkspaceProgress>;
