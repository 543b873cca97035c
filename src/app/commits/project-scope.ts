import { AsyncLocalStorage } from 'node:async_hooks';
import type { Pipelines, StepHandler } from '#pipelines';
import type { LoadedProject } from '#project';

/** What a step of a pipeline run works on where that is not the project as it stands in its folder. */
export interface RunScope {
  /** The project of a commit, in a folder of its own. */
  readonly project?: LoadedProject;
  /** Whether the run checks a commit: what it registers is no candidate until the commit has passed on the base branch. */
  readonly isCi: boolean;
}

export interface ProjectScope {
  /** The project that the running step works on; undefined: as it stands in its folder. */
  current(): LoadedProject | undefined;
  isCi(): boolean;
  /** @returns the handler, which runs within the scope of its pipeline run */
  within(handler: StepHandler): StepHandler;
}

/** @param scopeOf what a pipeline run works on, by its id */
export function projectScope(scopeOf: (pipelineRun: string) => Promise<RunScope>): ProjectScope {
  const scopes = new AsyncLocalStorage<RunScope>();
  return {
    current: () => scopes.getStore()?.project,
    isCi: () => scopes.getStore()?.isCi ?? false,
    within: (handler) => ({
      ...handler,
      run: async (context) => scopes.run(await scopeOf(context.pipelineRun), () => handler.run(context)),
      ...(handler.stillThere === undefined
        ? {}
        : {
            stillThere: async (outputs, pipelineRun) =>
              scopes.run(await scopeOf(pipelineRun), async () => (await handler.stillThere?.(outputs, pipelineRun)) ?? true),
          }),
    }),
  };
}

/** Reads a run's scope from its parameters, as the loop submits them. @param open the project of a commit */
export function scopeReader(
  pipelines: Pick<Pipelines, 'get'>,
  open: (commit: string) => Promise<LoadedProject>,
): (pipelineRun: string) => Promise<RunScope> {
  const known = new Map<string, Promise<RunScope>>();
  const read = async (pipelineRun: string): Promise<RunScope> => {
    const { at, ci } = (await pipelines.get(pipelineRun)).parameters;
    const isCi = ci !== undefined;
    return typeof at === 'string' ? { project: await open(at), isCi } : { isCi };
  };
  return (pipelineRun) => {
    const scope = known.get(pipelineRun) ?? read(pipelineRun);
    known.set(pipelineRun, scope);
    // Asked again it may go better; and a process that runs for months does not keep all.
    scope.catch(() => known.delete(pipelineRun));
    for (const oldest of [...known.keys()].slice(0, -20)) known.delete(oldest);
    return scope;
  };
}
