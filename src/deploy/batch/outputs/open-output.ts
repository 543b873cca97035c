import type { BatchTarget, ExistingOutput } from '../port.ts';
import { openFileOutput, openFolderOutput } from './file-output.ts';
import { openObjectsOutput } from './objects-output.ts';
import type { Output, OutputDeps } from './output.ts';
import { openPostgresOutput } from './postgres-output.ts';
import { openSqliteOutput } from './sqlite-output.ts';

/** Nothing is asked or made yet. @throws GyreError INVALID_ARGUMENT when the target is none */
export function openOutput(target: BatchTarget, existing: ExistingOutput, deps: OutputDeps): Output {
  switch (target.kind) {
    case 'file':
      return openFileOutput(target, existing, deps);
    case 'folder':
      return openFolderOutput(target, existing, deps);
    case 'objects':
      return openObjectsOutput(target, existing, deps);
    case 'postgres':
      return openPostgresOutput(target, existing, deps);
    case 'sqlite':
      return openSqliteOutput(target, existing, deps);
  }
}
