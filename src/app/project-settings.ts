import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadProject, projectFiles } from '#project';

/** Whether a folder is a project's. */
export function hasProjectFile(folder: string): boolean {
  return projectFiles.some((file) => existsSync(join(folder, file)));
}

/** The platform's settings in the project's file, with their secrets put in place. */
export async function readProjectSettings(
  folder: string,
): Promise<{ readonly path: string; readonly values: Readonly<Record<string, unknown>> }> {
  const project = await loadProject(folder);
  return { path: join(folder, project.file), values: project.settings };
}
