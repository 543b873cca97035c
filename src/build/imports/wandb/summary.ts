import { sha256 } from '#core';
import type { SourcePoint, SourceStatus } from '../source.ts';
import { numberOf, textOf } from '../values.ts';
import type { Leaf } from '../values.ts';
import type { WandbArtifactFile, WandbChange, WandbRecord } from './records.ts';

/** wandb's own name for a run without a project. */
const noProject = 'uncategorized';
/** Keys that wandb keeps for itself. */
const isOwn = (key: string): boolean => key.startsWith('_');

export interface RunArtifact {
  readonly name: string;
  readonly type: string;
  readonly files: readonly WandbArtifactFile[];
}

/** What a run is, but for its points. */
export interface RunSummary {
  readonly id: string;
  readonly project: string;
  readonly name: string;
  readonly user: string;
  readonly status: SourceStatus;
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly parameters: ReadonlyMap<string, string>;
  readonly tags: ReadonlyMap<string, string>;
  readonly files: readonly { readonly path: string; readonly size: number }[];
  readonly artifacts: readonly RunArtifact[];
  /** What the summary holds that the history does not: a value that was set by hand is a point at the last step. */
  readonly summaryPoints: () => readonly SourcePoint[];
  /** With what was written of the run later, in another folder. */
  readonly and: (later: RunSummary) => RunSummary;
}

/**
 * Reads what a run is.
 * @param file where it stands
 * @returns undefined when no record says which run it is
 */
export async function summarize(
  records: AsyncIterable<WandbRecord>,
  file: { readonly path: string; readonly size: number },
): Promise<RunSummary | undefined> {
  const reading = new Reading();
  for await (const record of records) reading.take(record);
  return reading.summary(file);
}

class Reading {
  readonly #config = new Map<string, readonly Leaf[]>();
  readonly #summary = new Map<string, readonly Leaf[]>();
  readonly #logged = new Set<string>();
  readonly #tags = new Map<string, string>();
  readonly #artifacts: RunArtifact[] = [];
  #run: Extract<WandbRecord, { kind: 'run' }> | undefined;
  #user = '';
  #lastStep = 0;
  #lastAt: number | undefined;
  #exit: Extract<WandbRecord, { kind: 'exit' }> | undefined;

  take(record: WandbRecord): void {
    switch (record.kind) {
      case 'run':
        this.#run = record;
        change(this.#config, record.config);
        this.#tagRun(record);
        break;
      case 'config':
        change(this.#config, record);
        break;
      case 'summary':
        change(this.#summary, record);
        break;
      case 'history':
        this.#takeHistory(record);
        break;
      case 'system':
        this.#lastAt = Math.max(this.#lastAt ?? 0, record.timestamp);
        break;
      case 'environment':
        this.#tag('mlflow.source.name', record.program);
        this.#tag('mlflow.source.git.commit', record.commit);
        this.#tag('mlflow.source.git.repoURL', record.repository);
        if (record.user !== '') this.#user = record.user;
        break;
      case 'artifact':
        this.#artifacts.push(record);
        break;
      case 'exit':
        this.#exit = record;
        break;
    }
  }

  summary(file: { readonly path: string; readonly size: number }): RunSummary | undefined {
    if (this.#run === undefined) return undefined;
    const { id, name, startedAt } = this.#run;
    const project = this.#run.project === '' ? noProject : this.#run.project;
    const ran = this.#exit === undefined || startedAt === undefined ? undefined : startedAt + this.#exit.runtimeSeconds * 1000;
    const endedAt = ran === undefined ? this.#lastAt : Math.max(ran, this.#lastAt ?? ran);
    const leaves = [...this.#config].filter(([key]) => !isOwn(key)).flatMap(([, found]) => found);
    const byHand = [...this.#summary.values()].flat().filter(({ key }) => !isOwn(key) && !this.#logged.has(key));
    const step = this.#lastStep;
    const tags = new Map(this.#tags);
    for (const leaf of byHand) if (typeof leaf.value === 'string') tags.set(leaf.key, leaf.value);
    const at = endedAt ?? startedAt ?? 0;
    return joined({
      id: sha256(`wandb\0${project}\0${id}`).slice(0, 32),
      project,
      name: name === '' ? id : name,
      user: this.#user,
      status: statusOf(this.#exit),
      ...(startedAt === undefined ? {} : { startedAt }),
      ...(endedAt === undefined ? {} : { endedAt }),
      parameters: new Map(leaves.map((leaf) => [leaf.key, textOf(leaf)])),
      tags,
      files: [file],
      artifacts: this.#artifacts,
      summaryPoints: () =>
        byHand.flatMap((leaf) => {
          const value = numberOf(leaf);
          return value === undefined ? [] : [{ key: leaf.key, value, step, timestamp: at }];
        }),
    });
  }

  #takeHistory({ items, step = 0 }: Extract<WandbRecord, { kind: 'history' }>): void {
    for (const leaf of items.flatMap(({ leaves }) => leaves)) {
      const value = numberOf(leaf);
      if (leaf.key === '_timestamp') this.#lastAt = Math.max(this.#lastAt ?? 0, Math.round((value ?? 0) * 1000));
      else if (!isOwn(leaf.key)) {
        this.#logged.add(leaf.key);
        // What was logged as text is a tag, with its last value.
        if (typeof leaf.value === 'string') this.#tags.set(leaf.key, leaf.value);
      }
    }
    this.#lastStep = Math.max(this.#lastStep, step);
  }

  #tagRun({ id, notes, group, jobType, sweep, host, tags, commit, repository }: Extract<WandbRecord, { kind: 'run' }>): void {
    this.#tag('wandb.run_id', id);
    this.#tag('wandb.group', group);
    this.#tag('wandb.job_type', jobType);
    this.#tag('wandb.sweep', sweep);
    this.#tag('wandb.host', host);
    this.#tag('wandb.tags', tags.join(', '));
    this.#tag('mlflow.note.content', notes);
    this.#tag('mlflow.source.git.commit', commit);
    this.#tag('mlflow.source.git.repoURL', repository);
  }

  #tag(key: string, value: string): void {
    if (value !== '') this.#tags.set(key, value);
  }
}

function change(values: Map<string, readonly Leaf[]>, { update, remove }: WandbChange): void {
  for (const { key, leaves } of update) values.set(key, leaves);
  for (const key of remove) values.delete(key);
}

/** A run that does not say how it ended was killed, or goes on: imported again once it has ended, it says so. */
function statusOf(exit: { readonly code: number } | undefined): SourceStatus {
  if (exit === undefined) return 'KILLED';
  return exit.code === 0 ? 'FINISHED' : 'FAILED';
}

function joined(one: Omit<RunSummary, 'and'>): RunSummary {
  return {
    ...one,
    and: (later) => {
      const startedAt = one.startedAt ?? later.startedAt;
      const endedAt = later.endedAt ?? one.endedAt;
      return joined({
        ...later,
        ...(startedAt === undefined ? {} : { startedAt }),
        ...(endedAt === undefined ? {} : { endedAt }),
        parameters: new Map([...one.parameters, ...later.parameters]),
        tags: new Map([...one.tags, ...later.tags]),
        files: [...one.files, ...later.files],
        artifacts: [...one.artifacts, ...later.artifacts],
        summaryPoints: () => [...one.summaryPoints(), ...later.summaryPoints()],
      });
    },
  };
}
