import { posix } from 'node:path';
import type { Run, RunLogLines } from '#contract';
import { GyreError, hasCode } from '#core';
import { ownRunId } from '#training';
import type { ApiDeps } from '../port.ts';

/** Bytes of a log's end that are shown. */
const tailBytes = 256 * 1024;
const mostLines = 2000;
/** So many files of a run are looked through for logs. */
const mostFiles = 5000;
const isLog = (path: string): boolean =>
  /\.(log|out|err)$/i.test(path) || /^(stdout|stderr|output|log|logs|console)(\.txt)?$/i.test(posix.basename(path));

/**
 * The end of a run's log: what a trainer of Gyre writes while it works, else the file that is asked for, else the first that is a log by its name.
 * @throws GyreError NOT_FOUND
 */
export async function logOf(
  { training, pipelines }: Pick<ApiDeps, 'training' | 'pipelines'>,
  id: string,
  file: string | undefined,
): Promise<RunLogLines> {
  const run = await training.getRun(ownRunId(id));
  const going = run.status === 'RUNNING';
  const live = going && file === undefined ? await stepLines(pipelines, run) : undefined;
  if (live !== undefined) return { files: [], lines: [...live].slice(-mostLines), cut: live.length > mostLines, going };
  const folder = await training.artifactFolder(run.id).catch((error: unknown) => {
    if (hasCode(error, 'FAILED_PRECONDITION')) return undefined;
    throw error;
  });
  if (folder === undefined) return { files: [], lines: [], cut: false, going };
  const { items } = await training.artifacts.files(folder, { limit: mostFiles });
  const logs = items.map(({ path, size }) => ({ path: path.slice(folder.length + 1), size })).filter(({ path }) => isLog(path));
  const files = logs.map(({ path }) => path);
  const chosen = file === undefined ? logs[0] : logs.find(({ path }) => path === file);
  if (chosen === undefined) {
    if (file !== undefined) throw new GyreError('NOT_FOUND', `run ${run.id} has no log "${file}"`, { run: run.id });
    return { files, lines: [], cut: false, going };
  }
  const start = Math.max(0, chosen.size - tailBytes);
  const bytes = await training.artifacts.open(`${folder}/${chosen.path}`, start === 0 ? undefined : { start, end: chosen.size });
  const text = Buffer.concat(await Array.fromAsync(bytes)).toString('utf8');
  const lines = text.split(/\r?\n/).slice(start === 0 ? 0 : 1);
  if (lines.at(-1) === '') lines.pop();
  return { files, from: chosen.path, lines: lines.slice(-mostLines), cut: start > 0 || lines.length > mostLines, going };
}

/** What the step that trains a run has written of it until now; undefined for a run of no step that is known. */
async function stepLines(pipelines: ApiDeps['pipelines'], { trainer, name, tags }: Run): Promise<readonly string[] | undefined> {
  const { pipelineRun, pipelineStep } = tags;
  if (trainer === undefined || pipelineRun === undefined || pipelineStep === undefined) return undefined;
  try {
    const prefix = `${name}: `;
    const lines = await pipelines.logs(pipelineRun, pipelineStep);
    return lines.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length));
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}
