import { resolve } from 'node:path';
import { trackingProjectText } from './init-yaml.ts';
import { writeProjectFiles } from './init-project.ts';

/**
 * Makes a project without data or steps, for tracking and registry.
 * @param options.folder where the project is made; made when missing @param options.owner who owns it, for the charter
 * @returns the project's folder, and what was written in it
 * @throws GyreError ALREADY_EXISTS, PERMISSION_DENIED, RESOURCE_EXHAUSTED as for a project of a table
 */
export async function initTrackingProject(options: {
  readonly folder: string;
  readonly name: string;
  readonly owner: string;
  /** Replace files that are there. Default: refuse. */
  readonly overwrite?: boolean;
}): Promise<{ readonly folder: string; readonly files: readonly string[] }> {
  const folder = resolve(options.folder);
  const text = trackingProjectText(options);
  const files = await writeProjectFiles(folder, { texts: [['gyre.yaml', text]], copies: [], overwrite: options.overwrite ?? false });
  return { folder, files };
}
