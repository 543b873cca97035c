import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { Check, Errors } from 'typebox/schema';
import { PythonServing } from '#contract';
import { GyreError } from '#core';
import type { PythonSettings } from '#serving';

/** How `gyre serve` is told of models in Python. */
export interface PythonFlags {
  /** The interpreter. */
  readonly python?: string;
  /** Where environments are made from locks. */
  readonly pythonEnv?: string;
  readonly pythonProcesses?: number;
  /** `NAME=VALUE` each, by the names of `serve.python` in gyre.yaml. */
  readonly pythonLimit?: readonly string[];
  /** Where copies of packages and working folders lie; default: in ~/.cache. */
  readonly pythonCache?: string;
}

const limitNames = ['memoryMiB', 'openFiles', 'userProcesses', 'cpuSeconds', 'loadTimeoutMs', 'runTimeoutMs'] as const;
const usualOpenFiles = 1024;

/**
 * What a data plane is allowed of models in Python.
 * @returns undefined when neither an interpreter nor a folder for environments is named: then no such model is loaded
 * @throws GyreError INVALID_ARGUMENT for a limit that there is not
 */
export function pythonSettings(flags: PythonFlags, environment: NodeJS.ProcessEnv): PythonSettings | undefined {
  const { python, pythonEnv, pythonProcesses, pythonLimit = [], pythonCache } = flags;
  if (python === undefined && pythonEnv === undefined) return undefined;
  const limits = Object.fromEntries(pythonLimit.map(limitIn));
  const allowed = {
    enabled: true,
    ...limits,
    ...(python === undefined ? {} : { python }),
    ...(pythonProcesses === undefined ? {} : { processes: pythonProcesses }),
  };
  if (!Check(PythonServing, allowed)) {
    const [, [problem]] = Errors(PythonServing, allowed);
    throw new GyreError('INVALID_ARGUMENT', `--python-limit: ${problem?.instancePath.slice(1)} ${problem?.message}`);
  }
  const usual = join(environment['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'gyre', 'python');
  const { memoryMiB, openFiles = usualOpenFiles, userProcesses, cpuSeconds, processes, loadTimeoutMs, runTimeoutMs } = allowed;
  return {
    cacheFolder: resolve(pythonCache ?? pythonEnv ?? usual),
    environments: pythonEnv === undefined ? 'existing' : 'create',
    limits: {
      openFiles,
      ...(memoryMiB === undefined ? {} : { memoryBytes: memoryMiB * 2 ** 20 }),
      ...(userProcesses === undefined ? {} : { processes: userProcesses }),
      ...(cpuSeconds === undefined ? {} : { cpuSeconds }),
    },
    // Processes begin in folders of their own, where a path of the caller's leads nowhere; a name alone is looked for on the PATH.
    ...(python === undefined ? {} : { python: python.includes('/') ? resolve(python) : python }),
    ...(processes === undefined ? {} : { processes }),
    ...(loadTimeoutMs === undefined ? {} : { loadTimeoutMs }),
    ...(runTimeoutMs === undefined ? {} : { runTimeoutMs }),
  };
}

function limitIn(text: string): [string, number] {
  const [name, value, ...more] = text.split('=');
  if ((limitNames as readonly string[]).includes(name) && /^\d+$/.test(value ?? '') && more.length === 0) return [name, Number(value)];
  throw new GyreError('INVALID_ARGUMENT', `"${text}" is no limit of Python: NAME=NUMBER with a name of ${limitNames.join(', ')}`);
}

/**
 * What gyre.yaml allows, as `gyre serve` is told of it.
 * @param serving `serve.python`; absent or not enabled: nothing
 * @param cacheFolder where environments, copies of packages and working folders lie
 */
export function pythonFlags(serving: PythonServing | undefined, cacheFolder: string): PythonFlags {
  if (serving?.enabled !== true) return {};
  const { python, environments = python === undefined ? 'create' : 'existing', processes } = serving;
  return {
    ...(python === undefined ? {} : { python }),
    ...(environments === 'create' ? { pythonEnv: cacheFolder } : { pythonCache: cacheFolder }),
    ...(processes === undefined ? {} : { pythonProcesses: processes }),
    pythonLimit: limitNames.flatMap((name) => (serving[name] === undefined ? [] : [`${name}=${serving[name]}`])),
  };
}

/** The same as words of a command line; none when nothing is allowed. */
export function pythonWords(serving: PythonServing | undefined, cacheFolder: string): readonly string[] {
  const { python, pythonEnv, pythonCache, pythonProcesses, pythonLimit = [] } = pythonFlags(serving, cacheFolder);
  return [
    ...(python === undefined ? [] : ['--python', python]),
    ...(pythonEnv === undefined ? [] : ['--python-env', pythonEnv]),
    ...(pythonCache === undefined ? [] : ['--python-cache', pythonCache]),
    ...(pythonProcesses === undefined ? [] : ['--python-processes', String(pythonProcesses)]),
    ...pythonLimit.flatMap((limit) => ['--python-limit', limit]),
  ];
}
