import type { LogPolicy, ReleaseManifest, ServeLimits } from '#contract';
import { GyreError } from '#core';

/** What a data plane lets through and logs, as `gyre serve --model` is told: texts, named as its options. A signed manifest says it itself. */
export interface PolicyFlags {
  readonly maxConcurrent?: string;
  /** `N`, or `N/BURST`: requests a second of one token, and at once after a pause. */
  readonly rate?: string;
  readonly timeoutMs?: string;
  readonly maxBodyBytes?: string;
  readonly logSample?: string;
  readonly logMask?: readonly string[];
  readonly logDrop?: readonly string[];
  readonly logMaxMib?: string;
  readonly logWhenFull?: string;
}

const names = {
  maxConcurrent: '--max-concurrent',
  rate: '--rate',
  timeoutMs: '--timeout-ms',
  maxBodyBytes: '--max-body-bytes',
  logSample: '--log-sample',
  logMask: '--log-mask',
  logDrop: '--log-drop',
  logMaxMib: '--log-max-mib',
  logWhenFull: '--log-when-full',
} as const satisfies Readonly<Record<keyof PolicyFlags, string>>;

/** @throws GyreError INVALID_ARGUMENT when one of them is given, though a manifest is served */
export function requireNoPolicy(flags: PolicyFlags): void {
  const given = Object.entries(names).find(([name]) => flags[name as keyof PolicyFlags] !== undefined);
  if (given === undefined) return;
  throw new GyreError(
    'INVALID_ARGUMENT',
    `${given[1]} is for models by their place (--model): what a manifest lets through and logs stands in it, signed (serve in gyre.yaml)`,
  );
}

/** A manifest with what was said instead of its own. @throws GyreError INVALID_ARGUMENT naming the option and what is wanted */
export function withPolicy(flags: PolicyFlags, manifest: ReleaseManifest): ReleaseManifest {
  const { maxConcurrent, timeoutMs, maxBodyBytes, rate, logSample, logMask, logDrop, logMaxMib, logWhenFull } = flags;
  const limits: Partial<ServeLimits> = {
    ...(maxConcurrent === undefined ? {} : { maxConcurrent: whole(names.maxConcurrent, maxConcurrent) }),
    ...(rate === undefined ? {} : { rate: rateOf(rate) }),
    ...(timeoutMs === undefined ? {} : { timeoutMs: whole(names.timeoutMs, timeoutMs) }),
    ...(maxBodyBytes === undefined ? {} : { maxBodyBytes: whole(names.maxBodyBytes, maxBodyBytes) }),
  };
  const log: Partial<LogPolicy> = {
    ...(logSample === undefined ? {} : { sample: share(logSample) }),
    ...(logMask === undefined ? {} : { mask: columnsOf(names.logMask, logMask) }),
    ...(logDrop === undefined ? {} : { drop: columnsOf(names.logDrop, logDrop) }),
    ...(logMaxMib === undefined ? {} : { maxMib: whole(names.logMaxMib, logMaxMib) }),
    ...(logWhenFull === undefined ? {} : { whenFull: whenFullOf(logWhenFull) }),
  };
  return { ...manifest, limits: { ...manifest.limits, ...limits }, log: { ...manifest.log, ...log } };
}

function whole(flag: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(value) && value >= 1) return value;
  return refuse(flag, 'must be a whole number from 1 on', text);
}

function rateOf(text: string): NonNullable<ServeLimits['rate']> {
  const [, perSecond, burst] = /^(\d+(?:\.\d+)?)(?:\/(\d+))?$/.exec(text) ?? [];
  if (!(Number(perSecond) > 0) || burst === '0')
    return refuse(names.rate, 'must be requests a second, such as 50, or with those at once after a pause: 50/100', text);
  return { perSecond: Number(perSecond), ...(burst === undefined ? {} : { burst: Number(burst) }) };
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1) return value;
  return refuse(names.logSample, 'must be a share from 0 (nothing) to 1 (every request)', text);
}

function columnsOf(flag: string, columns: readonly string[]): string[] {
  if (columns.some((name) => name === '')) refuse(flag, 'must name inputs or outputs', '');
  return [...new Set(columns)];
}

function whenFullOf(text: string): NonNullable<LogPolicy['whenFull']> {
  if (text === 'refuse' || text === 'drop_oldest') return text;
  return refuse(names.logWhenFull, 'must be refuse or drop_oldest', text);
}

function refuse(flag: string, wanted: string, text: string): never {
  throw new GyreError('INVALID_ARGUMENT', `${flag} ${wanted}, not "${text.slice(0, 40)}"`);
}
