/** The Python environments of the peers, made once for what their requirements say. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
/** As .ci/run has it. */
const uvVersion = '0.13.8';

export interface PythonEnvironment {
  readonly folder: string;
  readonly python: { readonly program: string; readonly version: string };
  /** Of a package, where it is installed. */
  readonly versionOf: (name: string) => string | undefined;
  /** Where packages are. */
  readonly packages: string;
  /** Where the library of this Python is, for programs that load it. */
  readonly libraries: string;
}

/** @param requirements `requirements-NAME.txt` of this folder */
export function pythonEnvironment(requirements: string): PythonEnvironment {
  const home = process.env['GYRE_BENCH_SERVING'] ?? join(root, 'node_modules/.cache/bench-serving');
  const folder = join(home, requirements);
  const file = join(import.meta.dirname, `requirements-${requirements}.txt`);
  const stamp = join(folder, 'requirements.txt');
  const wanted = readFileSync(file, 'utf8');
  const python = join(folder, 'bin/python');
  if (read(stamp) !== wanted) {
    console.log(`      installing ${requirements} for Python into ${folder}`);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(home, { recursive: true });
    execFileSync('python3', ['-m', 'venv', folder]);
    execFileSync(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `uv==${uvVersion}`]);
    execFileSync(join(folder, 'bin/uv'), ['pip', 'install', '--quiet', '--python', python, '-r', file], { stdio: 'inherit' });
    writeFileSync(stamp, wanted);
  }
  const script = `import json, platform, sysconfig; from importlib.metadata import distributions
print(json.dumps({'python': platform.python_version(), 'packages': sysconfig.get_path('purelib'), 'libraries': sysconfig.get_config_var('LIBDIR'),
  'versions': {one.name.lower(): one.version for one in distributions()}}))`;
  const told = JSON.parse(execFileSync(python, ['-c', script], { encoding: 'utf8' })) as {
    readonly packages: string;
    readonly libraries: string;
    readonly python: string;
    readonly versions: Readonly<Record<string, string>>;
  };
  return {
    folder,
    python: { program: python, version: told.python },
    packages: told.packages,
    libraries: told.libraries,
    versionOf: (name) => told.versions[name],
  };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
