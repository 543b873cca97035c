import type { ConfigInputs } from '#core';
import type { CliHost } from './cli.ts';

/**
 * The platform settings that a project's file holds, for `settleSettings`; none where there is no project. A file with problems must not
 * keep a verb from the platform that is up already, so its settings are left out and `hasProblems` says so.
 */
export async function fileSettings(
  host: CliHost,
  projectFolder: string,
): Promise<{ readonly inputs: Pick<ConfigInputs, 'file'>; readonly hasProblems: boolean }> {
  const { checkProject } = await import('#project');
  const { project, problems } = await checkProject(projectFolder, { environment: host.environment });
  if (project !== undefined) return { inputs: { file: { path: project.file, values: project.settings } }, hasProblems: false };
  return { inputs: {}, hasProblems: problems.some(({ line }) => line !== undefined) };
}
