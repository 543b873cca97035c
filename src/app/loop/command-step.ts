import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { asSha256, GyreError } from '#core';
import type { StepHandler } from '#pipelines';
import { lastLines } from './command-output.ts';
import { stepOf } from './model-steps.ts';
import type { LoopRooms } from './rooms.ts';
import { texts } from './values.ts';

/**
 * The step in any language: a process in the project's folder. It reads GYRE_PARAMS (a JSON file) and GYRE_INPUT_<NAME>, writes
 * GYRE_OUTPUT_<NAME>, and its exit code decides. Its outputs are kept as blobs, and put back where they are missing.
 * @param folder where parameter files lie while a step runs
 */
export function commandStep(rooms: Pick<LoopRooms, 'project' | 'blobs' | 'executor' | 'workers'>, folder: string): StepHandler {
  return {
    kind: 'command',
    version: '1',
    cacheable: true,
    stillThere: async (outputs) => {
      for (const [path, digest] of Object.entries(texts(outputs, 'outs'))) {
        if (!(await rooms.blobs.has(asSha256(digest)))) return false;
        const target = join(rooms.project().folder, path);
        if (existsSync(target)) continue;
        await mkdir(dirname(target), { recursive: true });
        await writeFile(target, await rooms.blobs.read(asSha256(digest)));
      }
      return true;
    },
    run: async (context) => {
      const project = rooms.project();
      const step = stepOf(project, String(context.parameters['step']), 'command');
      const { run, deps = [], outs = [], params = {}, env = {} } = step.spec;
      const job = `${context.pipelineRun}-${step.name}-${context.attempt}`;
      const parameterFile = join(folder, `${job}.json`);
      await mkdir(folder, { recursive: true });
      await writeFile(parameterFile, JSON.stringify(params));
      for (const out of outs) await mkdir(dirname(join(project.folder, out)), { recursive: true });
      await rooms.executor.submit({
        id: job,
        command: run,
        cwd: project.folder,
        env: {
          ...env,
          GYRE_PARAMS: parameterFile,
          GYRE_SEED: String(context.seed ?? 0),
          GYRE_THREADS: String(rooms.workers),
          ...Object.fromEntries(deps.map((path) => [`GYRE_INPUT_${variable(path)}`, join(project.folder, path)])),
          ...Object.fromEntries(outs.map((path) => [`GYRE_OUTPUT_${variable(path)}`, join(project.folder, path)])),
        },
        ...(step.timeoutMs === undefined ? {} : { timeoutMs: step.timeoutMs }),
      });
      // A job that ended meanwhile cannot be cancelled, and need not be.
      const cancel = (): void => void rooms.executor.cancel(job).catch(() => undefined);
      context.signal.addEventListener('abort', cancel, { once: true });
      if (context.signal.aborted) cancel();
      const status = await rooms.executor.wait(job).finally(() => context.signal.removeEventListener('abort', cancel));
      if (status.state !== 'succeeded') {
        const why = status.state === 'failed' || status.state === 'lost' ? status.message : status.state;
        throw new GyreError('ABORTED', `step "${step.name}" (${run}): ${why}\n${(await lastLines(rooms.executor, job)).join('\n')}`);
      }
      const kept: Record<string, string> = {};
      for (const out of outs) {
        if (!existsSync(join(project.folder, out))) {
          throw new GyreError('FAILED_PRECONDITION', `step "${step.name}" ended well but did not write its output ${out}`);
        }
        kept[out] = (await rooms.blobs.putFile(join(project.folder, out))).digest;
      }
      return { outputs: { outs: kept, job }, summary: `${run}: ${outs.length === 0 ? 'done' : outs.join(', ')}` };
    },
  };
}

/** `models/churn.onnx` → `CHURN_ONNX` */
function variable(path: string): string {
  return basename(path)
    .replaceAll(/[^A-Za-z0-9]+/g, '_')
    .toUpperCase();
}
