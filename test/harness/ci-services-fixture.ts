/*
 * CI services as far as their files are scripts: each file is parsed as the service does, and its scripts run one after another in a real shell, with the
 * variables that the service hands from one job to the next.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';

/** A script of a job, with what it sees. */
export interface ScriptRun {
  readonly stage: string;
  readonly code: number;
  readonly output: string;
}

export interface ServiceOptions {
  readonly text: string;
  /** What the runner has checked out. */
  readonly checkout: string;
  /** An empty folder for what a service keeps between jobs. */
  readonly scratch: string;
  /** Secrets, by the names that the file asks for. */
  readonly secrets: Readonly<Record<string, string>>;
  /** What every script sees: PATH and what the service says of the commit. */
  readonly environment: Readonly<Record<string, string>>;
  /** Told what the script of a stage has said until now. */
  readonly says: (stage: string, output: string) => void;
  /** Ends what runs. */
  readonly signal: AbortSignal;
}

/** Runs the file's scripts in order until one fails. @returns each with its exit code; the last one is that which failed, if one did */
export type Service = (options: ServiceOptions) => Promise<readonly ScriptRun[]>;

async function shell(
  command: readonly string[],
  script: string,
  cwd: string,
  {
    signal,
    env,
    says,
  }: Pick<ServiceOptions, 'signal'> & { readonly env: Readonly<Record<string, string>>; readonly says: (output: string) => void },
): Promise<Omit<ScriptRun, 'stage'>> {
  const [program = 'sh', ...words] = command;
  const child = spawn(program, [...words, script], {
    cwd,
    env: { ...env },
    signal,
    killSignal: 'SIGTERM',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
      says(output);
    });
  const code = await new Promise<number>((settle, reject) => {
    child.once('error', (error) => (signal.aborted ? undefined : reject(error)));
    child.once('close', (ended) => settle(ended ?? 255));
  });
  return { code, output };
}

/** `NAME=value` lines. */
function variablesIn(text: string): Record<string, string> {
  return Object.fromEntries(
    text
      .split('\n')
      .filter((line) => line.includes('='))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}

interface GithubStep {
  readonly id?: string;
  readonly name?: string;
  readonly uses?: string;
  readonly run?: string;
}
interface GithubJob {
  readonly needs?: readonly string[];
  readonly if?: string;
  readonly env: Readonly<Record<string, string>>;
  readonly outputs?: Readonly<Record<string, string>>;
  readonly steps: readonly GithubStep[];
}

/** GitHub Actions: expressions of secrets, vars, needs and steps; each job in a folder of its own, `run` by `bash -e`. */
export const github: Service = async ({ text, checkout, scratch, secrets, environment, says, signal }) => {
  const { jobs } = parse(text) as { readonly jobs: Readonly<Record<string, GithubJob>> };
  const outputs: Record<string, Record<string, string>> = {};
  const runs: ScriptRun[] = [];
  for (const [name, job] of Object.entries(jobs)) {
    assert.ok(
      (job.needs ?? []).every((needed) => needed in outputs),
      `${name} needs ${job.needs?.join(', ')}`,
    );
    if (job.if !== undefined) assert.equal(job.if, "github.ref == 'refs/heads/main' && github.event_name != 'pull_request'");
    const steps: Record<string, Record<string, string>> = {};
    const filled = (value: string): string =>
      value.replaceAll(/\$\{\{ (.+?) \}\}/g, (_, expression: string) => {
        const [of = '', first = '', second = '', third = ''] = expression.split('.');
        if (of === 'secrets') return secrets[first] ?? '';
        if (of === 'vars') return '';
        if (expression === 'github.token') return environment['GITHUB_TOKEN'] ?? '';
        if (of === 'needs') return outputs[first]?.[third] ?? '';
        assert.deepEqual([of, second], ['steps', 'outputs'], `an expression that is not played: ${expression}`);
        return steps[first]?.[third] ?? '';
      });
    const path = join(scratch, `${name}-path`);
    const isCheckedOut = job.steps.some(({ uses }) => uses?.startsWith('actions/checkout@') === true);
    const cwd = isCheckedOut ? checkout : join(scratch, name);
    await mkdir(cwd, { recursive: true });
    await writeFile(path, '');
    for (const [at, { id = String(at), run }] of job.steps.entries()) {
      if (run === undefined) continue;
      const output = join(scratch, `${name}-${at}-output`);
      await writeFile(output, '');
      const env = Object.fromEntries(Object.entries(job.env).map(([key, value]) => [key, filled(value)]));
      const added = (await readFile(path, 'utf8')).trim().split('\n').join(':');
      const ended = await shell(['bash', '-e', '-c'], run, cwd, {
        signal,
        says: (output) => says(name, output),
        env: {
          ...environment,
          ...env,
          PATH: `${added}:${environment['PATH'] ?? ''}`,
          GITHUB_OUTPUT: output,
          GITHUB_PATH: path,
        },
      });
      runs.push({ stage: name, ...ended });
      if (ended.code !== 0) return runs;
      steps[id] = variablesIn(await readFile(output, 'utf8'));
    }
    outputs[name] = Object.fromEntries(Object.entries(job.outputs ?? {}).map(([key, value]) => [key, filled(value)]));
  }
  return runs;
};

interface GitlabJob {
  readonly stage: string;
  readonly script: readonly string[];
  readonly artifacts?: { readonly reports: { readonly dotenv: string } };
}

/** GitLab CI: before_script and script in one shell that ends with the first line that fails; dotenv reports become variables of later jobs. */
export const gitlab: Service = async ({ text, checkout, secrets, environment, says, signal }) => {
  const file = parse(text) as Record<string, unknown> & {
    readonly stages: readonly string[];
    readonly default: { readonly before_script: readonly string[] };
  };
  const runs: ScriptRun[] = [];
  let handed: Record<string, string> = {};
  for (const stage of file.stages) {
    const job = file[stage] as GitlabJob;
    assert.equal(job.stage, stage);
    const script = [...file.default.before_script, ...job.script].join('\n');
    const ended = await shell(['bash', '-eo', 'pipefail', '-c'], script, checkout, {
      signal,
      says: (output) => says(stage, output),
      env: { ...environment, ...secrets, ...handed },
    });
    runs.push({ stage, ...ended });
    if (ended.code !== 0) return runs;
    const dotenv = job.artifacts?.reports.dotenv;
    if (dotenv !== undefined) {
      handed = { ...handed, ...variablesIn(await readFile(join(checkout, dotenv), 'utf8')) };
      // A later job has another clone, and what this one wrote by its reports alone.
      await rm(join(checkout, dotenv));
    }
  }
  return runs;
};

/** Jenkins: the stages of a declarative pipeline in one workspace, each `sh` by `sh -xe`, credentials by their names. */
export const jenkins: Service = async ({ text, checkout, secrets, environment, says, signal }) => {
  const credentials: Readonly<Record<string, string>> = {
    'gyre-server': secrets['GYRE_SERVER'] ?? '',
    'gyre-token': secrets['GYRE_TOKEN'] ?? '',
    'gyre-release-token': secrets['GYRE_RELEASE_TOKEN'] ?? '',
  };
  const runs: ScriptRun[] = [];
  for (const { name, body } of stagesOf(text)) {
    const environmentOf = (block: string): Record<string, string> =>
      Object.fromEntries([...block.matchAll(/environment \{ (\w+) = credentials\('([\w-]+)'\) \}/g)].map(([, key = '', id = '']) => [key, credentials[id] ?? ''])); // prettier-ignore
    const scripts = [...body.matchAll(/sh '''\n([\s\S]*?)'''/g)].map(([, script = '']) =>
      script.replaceAll("\\'", "'").replaceAll('\\\\', '\\'),
    );
    assert.ok(scripts.length > 0, `stage ${name} runs nothing`);
    for (const script of scripts) {
      const env = { ...environmentOf(text.slice(0, text.indexOf('stages {'))), ...environmentOf(body) };
      const ended = await shell(['sh', '-xe', '-c'], script, checkout, {
        signal,
        says: (output) => says(name, output),
        env: { ...environment, ...env },
      });
      runs.push({ stage: name, ...ended });
      if (ended.code !== 0) return runs;
    }
  }
  return runs;
};

/** The blocks `stage('…') { … }`, by their braces; texts in quotes do not count. */
function stagesOf(text: string): readonly { readonly name: string; readonly body: string }[] {
  const bare = text.replaceAll(/'''[\s\S]*?'''|'[^'\n]*'|\/\/[^\n]*/g, (quoted) => ' '.repeat(quoted.length));
  return [...bare.matchAll(/\bstage\(\s*\)\s*\{/g)].map(({ index, 0: head }) => {
    let depth = 1;
    let end = index + head.length;
    while (depth > 0) {
      assert.ok(end < bare.length, 'a brace is missing');
      if (bare[end] === '{') depth++;
      if (bare[end] === '}') depth--;
      end++;
    }
    return { name: /stage\('([^']+)'\)/.exec(text.slice(index))?.[1] ?? '', body: text.slice(index, end) };
  });
}

interface AzureStep {
  readonly script?: string;
  readonly name?: string;
  readonly checkout?: string;
  readonly env?: Readonly<Record<string, string>>;
}
interface AzureJob {
  readonly job: string;
  readonly variables?: Readonly<Record<string, string>>;
  readonly steps: readonly AzureStep[];
}

/** Azure Pipelines: `$(NAME)` of secret variables, output variables by logging commands, `script` by `bash`. */
export const azure: Service = async ({ text, checkout, scratch, secrets, environment, says, signal }) => {
  const { stages } = parse(text) as { readonly stages: readonly { readonly stage: string; readonly jobs: readonly AzureJob[] }[] };
  const outputs: Record<string, string> = {};
  const runs: ScriptRun[] = [];
  for (const { stage, jobs } of stages) {
    for (const { job, variables = {}, steps } of jobs) {
      const handed = Object.fromEntries(
        Object.entries(variables).map(([name, value]) => {
          const [, from = '', ofJob = '', output = ''] =
            /^\$\[ stageDependencies\.(\w+)\.(\w+)\.outputs\['([\w.]+)'\] \]$/.exec(value) ?? [];
          return [name, outputs[`${from}.${ofJob}.${output}`] ?? ''];
        }),
      );
      const cwd = steps.some(({ checkout: what }) => what === 'self') ? checkout : join(scratch, stage);
      await mkdir(cwd, { recursive: true });
      for (const { script, name, env = {} } of steps) {
        if (script === undefined) continue;
        const given = Object.fromEntries(Object.entries(env).map(([key, value]) => [key, value.replaceAll(/\$\((\w+)\)/g, (_, secret: string) => secrets[secret] ?? '')])); // prettier-ignore
        const ended = await shell(['bash', '--noprofile', '--norc', '-c'], script, cwd, {
          signal,
          says: (output) => says(stage, output),
          env: { ...environment, ...handed, ...given },
        });
        runs.push({ stage, ...ended });
        if (ended.code !== 0) return runs;
        for (const [, variable = '', value = ''] of ended.output.matchAll(
          /^##vso\[task\.setvariable variable=(\w+);isOutput=true\](.*)$/gm,
        ))
          outputs[`${stage}.${job}.${name ?? ''}.${variable}`] = value;
      }
    }
  }
  return runs;
};
