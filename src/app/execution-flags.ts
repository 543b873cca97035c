import type { ExecutionSpec } from '#contract';
import { GyreError } from '#core';

/** How models are run, as `gyre serve` is told: texts, named as its options. */
export interface ExecutionFlags {
  /** `N`, or `MIN-MAX`. */
  readonly workers?: string;
  readonly threads?: string;
  readonly engine?: string;
  readonly provider?: string;
  readonly lane?: string;
  readonly waitMs?: string;
  readonly idleMs?: string;
  readonly maxBatchRows?: string;
  readonly maxDelayMs?: string;
  readonly maxQueued?: string;
  readonly memoryMib?: string;
}

/** What is said of them; members that are not said are left to the manifest. @throws GyreError INVALID_ARGUMENT naming the option */
export function executionOf(flags: ExecutionFlags): ExecutionSpec {
  const number = (flag: string, text: string, least: number): number => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isInteger(value) || value < least) refuse(flag, `must be a whole number from ${least} on`, text);
    return value;
  };
  const optional = <K extends keyof ExecutionSpec>(key: K, flag: string, text: string | undefined, least: number): object =>
    text === undefined ? {} : { [key]: number(flag, text, least) };
  const { workers, threads, engine, provider, lane } = flags;
  return {
    ...(workers === undefined ? {} : { workers: workersOf(workers) }),
    ...(threads === undefined ? {} : { threads: threads === 'auto' ? threads : number('--threads', threads, 1) }),
    ...(engine === undefined ? {} : { engine: word('--engine', engine, ['auto', 'onnxruntime']) }),
    ...(provider === undefined ? {} : { provider: word('--provider', provider, ['cpu', 'cuda']) }),
    ...(lane === undefined ? {} : { lane: word('--lane', lane, ['inline', 'workers']) }),
    ...optional('waitMs', '--wait-ms', flags.waitMs, 0),
    ...optional('idleMs', '--idle-ms', flags.idleMs, 100),
    ...optional('maxBatchRows', '--max-batch-rows', flags.maxBatchRows, 1),
    ...optional('maxDelayMs', '--max-delay-ms', flags.maxDelayMs, 0),
    ...optional('maxQueued', '--max-queued', flags.maxQueued, 1),
    ...optional('memoryMiB', '--memory-mib', flags.memoryMib, 1),
  };
}

function workersOf(text: string): { readonly min: number; readonly max: number } {
  const [, first, last] = /^(\d{1,3})(?:-(\d{1,3}))?$/.exec(text) ?? refuse('--workers', 'must be a number or a range such as 0-4', text);
  const [min, max] = [Number(first), Number(last ?? first)];
  if (max < 1 || max < min || max > 256) refuse('--workers', 'must allow at least 1 worker and at most 256, the least first', text);
  return { min, max };
}

function word<const W extends string>(flag: string, text: string, words: readonly W[]): W {
  return words.find((candidate) => candidate === text) ?? refuse(flag, `must be one of ${words.join(', ')}`, text);
}

function refuse(flag: string, wanted: string, text: string): never {
  throw new GyreError('INVALID_ARGUMENT', `${flag} ${wanted}, not "${text.slice(0, 40)}"`);
}
