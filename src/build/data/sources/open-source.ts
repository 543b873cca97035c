import type { DataDeps } from '../port.ts';
import { openFile } from './read-file.ts';
import { openFiles } from './read-files.ts';
import type { DatasetSource, OpenSource } from './source.ts';

/** @param address as the user wrote it, for records and messages */
export function openSource(deps: DataDeps, source: DatasetSource, address: string): OpenSource {
  switch (source.kind) {
    case 'file':
      return openFile(deps, source, address);
    case 'files':
      return openFiles(deps, source, address);
  }
}
