import type { Actor, CiRequest, CiRun, EventTypes, PipelineRun } from '#contract';
import type { Clock, NewId } from '#core';
import type { Data } from '#data';
import type { Evaluation } from '#evaluation';
import type { Events } from '#events';
import type { Pipelines } from '#pipelines';
import type { Registry } from '#registry';
import type { Store } from '#store';
import type { Training } from '#training';
import type { CiFilter } from './ci-store.ts';

export interface CiDeps {
  readonly store: Store;
  readonly events: Pick<Events<EventTypes>, 'publish'>;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly pipelines: Pick<Pipelines, 'get' | 'list' | 'wait'>;
  readonly data: Pick<Data, 'get' | 'getQuality' | 'compare'>;
  readonly training: Pick<Training, 'getRun'>;
  readonly evaluation: Pick<Evaluation, 'getReport' | 'compare'>;
  readonly registry: Pick<Registry, 'getById' | 'setAlias'>;
  /** The project's name. */
  readonly project: () => string;
  /** The branch that commits are compared with, as the project has it. */
  readonly base: () => string;
  /** Whether a branch has a commit, by the repository and not by who asks. */
  readonly isOnBranch: (commit: string, branch: string) => Promise<boolean>;
  /** Submits the pipeline of a commit; the same `ci` gives the same pipeline run. */
  readonly build: (request: {
    readonly commit?: string;
    readonly dirty: boolean;
    readonly ci: string;
    readonly by: Actor;
    readonly reason: string;
    readonly fresh?: boolean;
  }) => Promise<PipelineRun>;
  /** How versions of a dataset are compared: the columns whose values nobody may see, and the usual key. */
  readonly comparing: (dataset: string) => { readonly masked: ReadonlySet<string>; readonly usualKey?: string };
  /** Told how to ask which commits are still worked on: the folders of others may go. */
  readonly finished: (underWay: () => Promise<ReadonlySet<string>>) => Promise<void>;
  readonly report: (problem: string) => void;
}

export interface CiList extends CiFilter {
  readonly limit: number;
  /** `next` of the page before. */
  readonly after?: string;
}

/** Commits: run, compared with the base branch, judged. Disposing waits for nothing: what is under way is taken up by `resume`. */
export interface Ci extends AsyncDisposable {
  /** Records that a commit is checked, and begins; it goes on by itself. One that cannot be run ends as failed, with the problem on its record. */
  start(request: CiRequest & { readonly by: Actor }): Promise<CiRun>;
  /** @throws GyreError NOT_FOUND */
  get(id: string): Promise<CiRun>;
  /** Newest first; of the reports what failed and what was registered. */
  list(options: CiList): Promise<{ readonly items: readonly CiRun[]; readonly next?: string }>;
  /** Goes on with what a process that is gone has left. */
  resume(): Promise<void>;
}
