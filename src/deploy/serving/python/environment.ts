import { spawn } from 'node:child_process';
import { access, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { parse } from 'yaml';
import { digestOf, GyreError, messageOf } from '#core';
import type { PythonSettings } from './settings.ts';

/** What a package says its code needs. */
export interface EnvironmentLock {
  /** The version of Python, such as 3.11.7; undefined where nothing says it. */
  readonly python?: string;
  /** One requirement a line, without options for the installer. */
  readonly requirements: readonly string[];
}

/** What the installers are told beside the usual: the operator's registry and proxy. Nothing of a model runs while they do. */
const installerVariables = /^(PATH|HOME|TMPDIR|LANG|LC_ALL|SSL_CERT_FILE|(PIP|UV)_[A-Z_]+|(https?|no|all)_proxy|(HTTPS?|NO|ALL)_PROXY)$/;
const lastLines = 12;

/**
 * The lock of a model folder: `requirements.txt`, or else the pip part of `conda.yaml`; the version of Python from `python_env.yaml`.
 * @throws GyreError FAILED_PRECONDITION when there is none, or a line tells the installer where to look: that is the operator's to say
 */
export async function lockOf(folder: string): Promise<EnvironmentLock> {
  const text = (name: string): Promise<string | undefined> => readFile(join(folder, name), 'utf8').catch(() => undefined);
  const requirements = await text('requirements.txt');
  const conda = await text('conda.yaml');
  const lines = requirements?.split('\n') ?? (conda === undefined ? undefined : pipPart(conda));
  if (lines === undefined)
    throw new GyreError(
      'FAILED_PRECONDITION',
      'the package has no lock (requirements.txt or conda.yaml), so no environment can be made for it: give an interpreter that has what it needs',
    );
  const wanted = lines.map((line) => line.replace(/(^|\s)#.*$/, '').trim()).filter((line) => line !== '');
  const odd = wanted.find((line) => line.startsWith('-') || /^(\.|\/|~|[a-z+]+:\/\/)/i.test(line) || / @ /.test(line));
  if (odd !== undefined)
    throw new GyreError(
      'FAILED_PRECONDITION',
      `the package's lock says "${odd}": names and versions of packages are installed, from where the settings of pip or uv say`,
      { line: odd },
    );
  const environment = await text('python_env.yaml');
  const python = environment === undefined ? undefined : /^python:\s*["']?([\d.]+)/m.exec(environment)?.[1];
  return { requirements: wanted, ...(python === undefined ? {} : { python }) };
}

function pipPart(text: string): readonly string[] | undefined {
  let file: unknown;
  try {
    file = parse(text, { maxAliasCount: 100 });
  } catch {
    return undefined;
  }
  const dependencies: unknown = typeof file === 'object' && file !== null ? Reflect.get(file, 'dependencies') : undefined;
  if (!Array.isArray(dependencies)) return undefined;
  for (const one of dependencies) {
    const pip: unknown = typeof one === 'object' && one !== null ? Reflect.get(one, 'pip') : undefined;
    if (Array.isArray(pip)) return pip.map(String);
  }
  return undefined;
}

/**
 * The interpreter that loads a model: the one of the settings, or that of an environment made from the package's lock. Environments are
 * keyed by the lock, made beside their place and moved there whole: one that is cut off leaves nothing that would be taken for one.
 * @param folder the model's folder
 * @param needs packages that are wanted beside those of the lock
 * @throws GyreError FAILED_PRECONDITION when no interpreter fits, or installing fails (with the installer's last words)
 */
export async function interpreterFor(folder: string, settings: PythonSettings, needs: readonly string[] = []): Promise<string> {
  const { environments, python, cacheFolder, log } = settings;
  if (environments === 'existing') {
    if (python === undefined)
      throw new GyreError(
        'FAILED_PRECONDITION',
        'models in Python are run by an interpreter that exists, but none is named: set serve.python.python (gyre serve --python PATH)',
      );
    return python;
  }
  const own = await lockOf(folder);
  const lock = { ...own, requirements: [...own.requirements, ...needs] };
  const uv = await onPath('uv');
  const base = uv === undefined ? await fittingPython(lock, python) : python;
  const key = digestOf({ format: 'gyre.python-environment.v1', ...lock, base: base ?? '', tool: uv === undefined ? 'pip' : 'uv' });
  const place = join(cacheFolder, 'environments', key.slice(0, 32));
  const interpreter = join(place, 'bin', 'python');
  if (await exists(interpreter)) return interpreter;
  await mkdir(join(cacheFolder, 'environments'), { recursive: true, mode: 0o700 });
  const fresh = await mkdtemp(join(cacheFolder, 'environments', '.fresh-'));
  const say = (line: string): void => log?.({ environment: key.slice(0, 12), installer: line }, 'a Python environment is made');
  try {
    const list = join(fresh, 'requirements.txt');
    const made = join(fresh, 'environment');
    await writeFile(list, `${lock.requirements.join('\n')}\n`);
    const fresher = join(made, 'bin', 'python');
    if (uv === undefined) {
      await install([base ?? 'python3', '-m', 'venv', made], say);
      await install([fresher, '-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', '-r', list], say);
    } else {
      const version = base ?? minorOf(lock.python);
      await install([uv, 'venv', '--no-project', ...(version === undefined ? [] : ['--python', version]), made], say);
      await install([uv, 'pip', 'install', '--python', fresher, '-r', list], say);
    }
    await rename(made, place).catch((error: unknown) => {
      // Another data plane made the same just now.
      if (!(error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST'))) throw error;
    });
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return interpreter;
}

/** Pickles hold code of one minor version of Python: another may load them, and answer otherwise. */
async function fittingPython({ python: wanted }: EnvironmentLock, given: string | undefined): Promise<string> {
  const minor = minorOf(wanted);
  const tried: string[] = [];
  for (const candidate of given === undefined ? [...(minor === undefined ? [] : [`python${minor}`]), 'python3', 'python'] : [given]) {
    const found = await versionOf(candidate);
    if (found === undefined) continue;
    if (minor === undefined || minorOf(found) === minor) return candidate;
    tried.push(`${candidate} is ${found}`);
  }
  throw new GyreError(
    'FAILED_PRECONDITION',
    `the package was made with Python ${wanted ?? '3'}, and none like it is here (${tried.join(', ') || 'no python3 was found'}): install uv, which brings it, or name one (serve.python.python, gyre serve --python PATH)`,
    { wanted, tried },
  );
}

function minorOf(version: string | undefined): string | undefined {
  return version === undefined ? undefined : /^\d+\.\d+/.exec(version)?.[0];
}

async function versionOf(python: string): Promise<string | undefined> {
  try {
    const [line] = await run([python, '-c', 'import platform; print(platform.python_version())'], () => undefined);
    return line;
  } catch {
    return undefined;
  }
}

async function install(words: readonly string[], say: (line: string) => void): Promise<void> {
  try {
    await run(words, say);
  } catch (error) {
    throw new GyreError(
      'FAILED_PRECONDITION',
      `the package's Python environment cannot be made: ${messageOf(error)}`,
      {},
      { cause: error },
    );
  }
}

/** @returns the lines that it said @throws Error with its last lines when it fails */
async function run([program, ...words]: readonly string[], say: (line: string) => void): Promise<readonly string[]> {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => installerVariables.test(name)));
  const child = spawn(program, words, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      if (lines.length > lastLines) lines.shift();
      say(line);
    });
  }
  const code = await new Promise<number | null>((done, failed) => {
    child.once('error', failed);
    child.once('close', done);
  });
  if (code === 0) return lines;
  throw new Error(`${program} ended with ${code ?? 'a signal'}: ${lines.join(' | ')}`);
}

async function onPath(name: string): Promise<string | undefined> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    if (folder !== '' && (await exists(join(folder, name)))) return join(folder, name);
  }
  return undefined;
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
