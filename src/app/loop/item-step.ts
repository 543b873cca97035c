import { lstat, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestOf, GyreError } from '#core';
import type { Clock, Sha256 } from '#core';
import { processItems } from '#pipelines';
import type { BatchOutcome, ItemsOutcome, ItemToProcess, JsonObject, StagedOutputs, StepContext, StepHandler } from '#pipelines';
import { parseItemPattern } from '#project';
import type { LoadedProject, ResolvedCommandStep } from '#project';
import type { Store } from '#store';
import { lastLines } from './command-output.ts';
import { digestsOfDeps } from './dep-digests.ts';
import { stepOf } from './model-steps.ts';
import type { LoopRooms } from './rooms.ts';
import { Turns } from './turns.ts';

const usualRetries = 2;
/** The wait before an item is tried again the first time. */
const backoffMs = 500;
const shownFailures = 3;
const shownLines = 5;

type ItemRooms = Pick<LoopRooms, 'project' | 'blobs' | 'executor' | 'workers'>;

export interface ItemStepDeps {
  readonly store: Store;
  readonly clock: Clock;
  /** Where lists of items and outputs on their way lie while a step runs. */
  readonly folder: string;
}

/**
 * The command step that works by file or by group: one process for each item or batch of items. It reads GYRE_ITEMS (JSON Lines: `item`,
 * `inputs`, `outputs`) and, where it is given one item, GYRE_INPUT and GYRE_OUTPUT (with further ones, GYRE_INPUT_2 and so on), and
 * GYRE_INPUTS, a file of one path a line. What it writes is moved to its place when it has ended well.
 */
export function itemStep(rooms: ItemRooms, deps: ItemStepDeps): StepHandler {
  const turns = new Turns();
  return {
    kind: 'command.items',
    version: '1',
    // What is known is reused item by item: whether anything is new shows only when the folder is looked at.
    cacheable: false,
    run: async (context) => {
      const project = rooms.project();
      const step = stepOf(project, String(context.parameters['step']), 'command');
      const { spec } = step;
      // A run that is taken up after a crash and the same one asked for anew would write the same files side by side.
      using _turn = await turns.take(step.name, context.signal);
      const work = await openWork(rooms, deps, project, step, context);
      try {
        const outcome = await processItems(
          { store: deps.store, blobs: rooms.blobs, clock: deps.clock },
          {
            scope: `${project.resolved.project}/${step.name}`,
            stepRun: context.stepRun,
            folder: project.folder,
            selection: {
              by: spec.per_file === undefined ? 'group' : 'file',
              pattern: parseItemPattern(spec.per_file ?? spec.group ?? ''),
              outs: spec.outs ?? [],
            },
            basis: await basisOf(project, step, context),
            fresh: context.fresh,
            batch: spec.batch ?? 1,
            parallel: spec.parallel ?? rooms.workers,
            retries: spec.retries ?? usualRetries,
            backoffMs,
            stopOnError: spec.on_error === 'stop',
            signal: context.signal,
            progress: (done, total, message) => context.progress(done, total, message),
            log: (line) => context.log(line),
            run: (items) => work.run(items),
          },
        );
        return { outputs: outputsOf(outcome), summary: judged(step, outcome) };
      } finally {
        await work.close();
      }
    },
  };
}

/** What the outputs of every item depend on beside its own inputs. How items are spread over processes is none of it. */
async function basisOf(project: LoadedProject, step: ResolvedCommandStep, context: StepContext): Promise<Sha256> {
  const { run, params = {}, env = {}, deps = [] } = step.spec;
  return digestOf({ run, params, env, deps: await digestsOfDeps(project.folder, deps), seed: context.seed ?? 0 });
}

function outputsOf({ failed, ...outcome }: ItemsOutcome): JsonObject {
  return { ...outcome, failed: failed.length };
}

/** What the step came to. @throws GyreError ABORTED when more items failed than may */
function judged({ name, spec }: ResolvedCommandStep, outcome: ItemsOutcome): string {
  const { items, processed, cached, removed, restored, failed, notStarted } = outcome;
  const more = [
    [removed, 'removed'],
    [restored, restored === 1 ? 'output restored' : 'outputs restored'],
    [notStarted, 'not started'],
  ].flatMap(([count, words]) => (count === 0 ? [] : [`, ${count} ${words}`]));
  const summary = `${processed} of ${items} items processed, ${cached} reused${more.join('')}`;
  if (failed.length === 0) return summary;
  const most = allowed(spec.allow_failed ?? 0, items);
  if (failed.length <= most) return `${summary}, ${failed.length} failed (${most} may)`;
  const shown = failed.slice(0, shownFailures).map(
    ({ item, error }) =>
      `${item}: ${error
        .split('\n')
        .slice(0, 1 + shownLines)
        .join('\n')}`,
  );
  const rest = failed.length - shown.length;
  throw new GyreError(
    'ABORTED',
    `step "${name}": ${failed.length} of ${items} items failed (${summary})\n${shown.join('\n')}${rest > 0 ? `\nand ${rest} more` : ''}`,
  );
}

function allowed(allow: number | string, items: number): number {
  return typeof allow === 'number' ? allow : Math.floor((Number(allow.slice(0, -1)) / 100) * items);
}

interface ItemWork {
  run(items: readonly ItemToProcess[]): Promise<BatchOutcome<StagedOutputs>>;
  close(): Promise<void>;
}

async function openWork(
  rooms: ItemRooms,
  { folder }: ItemStepDeps,
  project: LoadedProject,
  step: ResolvedCommandStep,
  context: StepContext,
): Promise<ItemWork> {
  const { executor } = rooms;
  const { run, params = {}, env = {}, parallel = rooms.workers } = step.spec;
  const name = `${context.pipelineRun}-${step.name}-`;
  // Of a process that was killed: its jobs are lost, and nobody asks for what they said.
  for (const { id, status } of await executor.list()) if (id.startsWith(name) && status.state !== 'running') await executor.remove(id);
  const scratch = join(folder, `${name}${context.attempt}`);
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch, { recursive: true });
  const parameterFile = join(scratch, 'params.json');
  await writeFile(parameterFile, JSON.stringify(params));
  let jobs = 0;

  const prepare = async (items: readonly ItemToProcess[], room: string): Promise<Record<string, string>> => {
    const lines: string[] = [];
    const paths = join(room, 'inputs.txt');
    const single: Record<string, string> = {};
    for (const [index, item] of items.entries()) {
      const inputs = item.inputs.map((path) => join(project.folder, path));
      const outputs = item.outs.map((out) => join(room, String(index), out));
      for (const out of outputs) await mkdir(out.endsWith('/') ? out : dirname(out), { recursive: true });
      lines.push(`${JSON.stringify({ item: item.item, inputs, outputs })}\n`);
      if (items.length > 1) continue;
      // A group may have more files than an environment can hold: those stand in the lists.
      inputs.slice(0, mostVariables).forEach((path, position) => (single[numbered('GYRE_INPUT', position)] = path));
      outputs.forEach((path, position) => (single[numbered('GYRE_OUTPUT', position)] = path));
      single['GYRE_ITEM'] = item.item;
      single['GYRE_INPUTS'] = paths;
      await writeFile(paths, inputs.map((path) => `${path}\n`).join(''));
    }
    const list = join(room, 'items.jsonl');
    await writeFile(list, lines.join(''));
    return { ...single, GYRE_ITEMS: list };
  };

  return {
    run: async (items) => {
      const job = `${name}${context.attempt}-${++jobs}`;
      const room = join(scratch, String(jobs));
      await mkdir(room);
      const shared = {
        GYRE_PARAMS: parameterFile,
        GYRE_SEED: String(context.seed ?? 0),
        GYRE_THREADS: String(Math.max(1, Math.floor(rooms.workers / parallel))),
      };
      await executor.submit({
        id: job,
        command: run,
        cwd: project.folder,
        env: { ...env, ...shared, ...(await prepare(items, room)) },
        ...(step.timeoutMs === undefined ? {} : { timeoutMs: step.timeoutMs }),
      });
      const cancel = (): void => void executor.cancel(job).catch(() => undefined);
      context.signal.addEventListener('abort', cancel, { once: true });
      if (context.signal.aborted) cancel();
      try {
        const status = await executor.wait(job).finally(() => context.signal.removeEventListener('abort', cancel));
        if (status.state === 'succeeded')
          return { ok: true, results: await Promise.all(items.map((item, index) => written(item, join(room, String(index))))) };
        const log = await lastLines(executor, job);
        const why =
          status.state !== 'failed' ? status.state : status.exitCode === undefined ? status.message : `exited with code ${status.exitCode}`;
        return { ok: false, error: [why, ...log.slice(-shownLines)].join('\n'), log };
      } finally {
        await executor.remove(job);
      }
    },
    close: () => rm(scratch, { recursive: true, force: true }),
  };
}

const mostVariables = 200;

/** GYRE_INPUT, GYRE_INPUT_2, GYRE_INPUT_3 … */
function numbered(name: string, position: number): string {
  return position === 0 ? name : `${name}_${position + 1}`;
}

/** Where an item's outputs were written; the process ended well, and an output that is not there is the item's failure. */
async function written(
  { outs }: ItemToProcess,
  room: string,
): Promise<
  { readonly ok: true; readonly value: StagedOutputs } | { readonly ok: false; readonly error: string; readonly log: readonly string[] }
> {
  const staged = outs.map((out) => join(room, out));
  for (const [index, path] of staged.entries()) {
    const found = await lstat(path).catch(() => undefined);
    const isRight = outs[index].endsWith('/') ? found?.isDirectory() : found?.isFile();
    if (isRight !== true)
      return { ok: false, error: `ended well but did not write its output ${outs[index]} (the path is in GYRE_OUTPUT)`, log: [] };
  }
  return { ok: true, value: staged };
}
