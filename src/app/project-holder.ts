import type { FSWatcher } from 'node:fs';
import { watch } from 'node:fs';
import { messageOf } from '#core';
import { loadProject, type LoadedProject } from '#project';
import type { Logger } from '#telemetry';

/** The project as it stands in its file: read at the start, and again when the file changes. */
export interface ProjectHolder extends Disposable {
  current(): LoadedProject;
  /** @throws GyreError INVALID_ARGUMENT with file, line and column when the file is wrong; the last good one stays current */
  reload(): Promise<LoadedProject>;
}

/** @throws GyreError as `loadProject` does, when there is no good project at the start */
export async function holdProject(folder: string, log: Logger, watching: boolean): Promise<ProjectHolder> {
  let current = await loadProject(folder);
  const reload = async (): Promise<LoadedProject> => {
    current = await loadProject(folder);
    return current;
  };
  let watcher: FSWatcher | undefined;
  if (watching) {
    watcher = watch(folder, (_event, name) => {
      if (name !== current.file) return;
      reload().catch((error: unknown) =>
        log.warn({ error: messageOf(error) }, 'the project file is wrong; the last good one stays in force'),
      );
    });
    watcher.on('error', (error) => log.warn({ error: messageOf(error) }, 'the project file is not followed any more'));
    watcher.unref();
  }
  return { current: () => current, reload, [Symbol.dispose]: () => watcher?.close() };
}
