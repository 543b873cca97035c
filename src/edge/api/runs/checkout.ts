import { posix } from 'node:path';
import type { CheckoutData, CheckoutEnvironment, DatasetVersion, Run, RunCheckout, SourceCode } from '#contract';
import { hasCode } from '#core';
import { areFiles } from '#data';
import { isCommitName } from '#project';
import { clonedFromTag, modelArtifactsOf, ownPathOf, ownRunId, publicRunId } from '#training';
import type { TrackedRun } from '#training';
import type { ApiDeps } from '../port.ts';

type Rooms = Pick<ApiDeps, 'data' | 'training'>;

/** Where a checkout puts what is no part of the project itself. */
const beside = '.gyre-run';
/** Files that say what a run was executed in, by name. */
const environmentNames: ReadonlySet<string> = new Set(
  'requirements.txt conda.yaml conda.yml python_env.yaml pyproject.toml uv.lock poetry.lock Pipfile.lock package.json package-lock.json renv.lock Dockerfile MLproject'.split(
    ' ',
  ),
);
/** So many files of a run are looked through for them. */
const mostFiles = 10_000;

/** All that is known of how to have a run again. @throws GyreError NOT_FOUND */
export async function checkoutOf(rooms: Rooms, id: string): Promise<RunCheckout> {
  const run = await rooms.training.getRun(ownRunId(id));
  const tracked = await rooms.training.tracking.getRun(run.id);
  const code = sourceOf(run);
  const data = [...(await versionsOf(rooms, run)), ...foreignOf(tracked)];
  const environment: CheckoutEnvironment = { ...run.environment, files: await environmentFiles(rooms, run, tracked) };
  const own = { run: run.id, publicId: publicRunId(run.id), name: run.name };
  const found = { ...own, code, data, parameters: run.parameters, ...(run.seed === undefined ? {} : { seed: run.seed }), environment };
  return { ...found, missing: missingOf(run, found), commands: [...((await commandsOfSource(rooms, run)) ?? commandsOf(run, found))] };
}

/**
 * Of a record that was opened as a clone, and waits: what makes the first run again, logging to this record.
 * @returns undefined for any other run
 */
async function commandsOfSource(rooms: Rooms, run: Run): Promise<readonly string[] | undefined> {
  const source = run.status === 'SCHEDULED' ? run.tags[clonedFromTag] : undefined;
  if (source === undefined) return undefined;
  const first = await orNothing(rooms.training.getRun(ownRunId(source)));
  // Whoever reads this run may read those of its experiment.
  if (first?.experiment !== run.experiment || first.id === run.id) return undefined;
  const { commands } = await checkoutOf(rooms, first.id);
  const script = commands.findLastIndex((command) => /^(python|Rscript) /.test(command));
  return commands.map((command, at) => (at === script ? `MLFLOW_RUN_ID=${publicRunId(run.id)} ${command}` : command));
}

function sourceOf({ code, tags }: Run): SourceCode {
  const repository = tags['mlflow.source.git.repoURL'] ?? tags['mlflow.gitRepoURL'];
  const branch = tags['mlflow.source.git.branch'];
  const entryPoint = tags['mlflow.project.entryPoint'] ?? tags['mlflow.source.name'];
  return {
    ...code,
    ...(repository === undefined ? {} : { repository: withoutSecrets(repository) }),
    ...(branch === undefined ? {} : { branch }),
    ...(entryPoint === undefined ? {} : { entryPoint }),
  };
}

/** An address without the name and password that clients may have left in it. */
function withoutSecrets(address: string): string {
  return address.replace(/^([a-z+]+:\/\/)[^/@]*@/i, '$1');
}

/** The versions that were read from outside, each once: the run's own are parts of them, or were joined or collected from them. */
async function versionsOf({ data }: Rooms, run: Run): Promise<readonly CheckoutData[]> {
  const found = new Map<string, { readonly version: DatasetVersion; readonly uses: string[] }>();
  const gone: CheckoutData[] = [];
  const walk = async (digest: string, use: string, name: string, seen: ReadonlySet<string>): Promise<void> => {
    if (seen.has(digest)) return;
    const version = await orNothing(data.get(digest));
    if (version === undefined) {
      if (!gone.some((one) => one.version === digest))
        gone.push({ dataset: name, uses: [use], version: digest, source: 'gone', how: 'none', files: [] });
      return;
    }
    const parents = version.manifest.derivedFrom?.parents ?? [];
    if (parents.length > 0) {
      for (const parent of parents) await walk(parent, use, version.dataset, new Set([...seen, digest]));
      return;
    }
    const known = found.get(version.digest);
    if (known === undefined) found.set(version.digest, { version, uses: [use] });
    else if (!known.uses.includes(use)) known.uses.push(use);
  };
  for (const { role, digest, name } of run.inputs) if (role !== 'transform') await walk(digest, role, name, new Set());
  return [...[...found.values()].map(({ version, uses }) => placed(version, uses)), ...gone];
}

/** Where the bytes of a version go: to where they were read from, if that is a place in the project. */
function placed(version: DatasetVersion, uses: readonly string[]): CheckoutData {
  const { dataset, digest, source, manifest } = version;
  const common = { dataset, uses: [...uses], version: digest, source };
  const inProject = isInside(source) ? source : undefined;
  const aside = `${beside}/data/${dataset}`;
  if (areFiles(version)) return { ...common, how: 'files', to: inProject ?? aside, files: [] };
  const files = manifest.files.map(({ path, sha256, size }) => ({ path, sha256, size }));
  const [only] = files;
  if (only === undefined) return { ...common, how: 'rows', to: `${aside}.parquet`, files };
  if (files.length === 1) {
    const to = inProject ?? `${aside}/${only.path}`;
    return { ...common, how: 'source', to, files: [{ ...only, path: to }] };
  }
  const folder = inProject === undefined ? aside : '.';
  return { ...common, how: 'source', to: folder, files: files.map((file) => ({ ...file, path: posix.join(folder, file.path) })) };
}

/** Whether a source, as it was written, is a path below the project's folder. */
function isInside(source: string): boolean {
  if (source === '' || source.includes('\\') || source.includes('\0') || /^[a-z][a-z0-9+.-]*:/i.test(source) || posix.isAbsolute(source))
    return false;
  return !/^\.\.(\/|$)/.test(posix.normalize(source));
}

/** Datasets that a client named, which are kept where they are. */
function foreignOf({ datasets }: TrackedRun): readonly CheckoutData[] {
  return datasets.map(({ dataset, tags }) => {
    const use = tags.find(({ key }) => key === 'mlflow.data.context')?.value;
    return { dataset: dataset.name, uses: use === undefined ? [] : [use], source: dataset.source, how: 'none', files: [] };
  });
}

/** Files of the environment among those of the run and of the models that it made. */
async function environmentFiles({ training }: Rooms, run: Run, tracked: TrackedRun): Promise<CheckoutEnvironment['files']> {
  const own = await orNothing(training.artifactFolder(run.id));
  const found = own === undefined ? [] : await namedFiles(training, own);
  const ofModels = tracked.models
    .filter(({ role }) => role === 'output')
    .map(async ({ model: id }) => {
      const model = await orNothing(training.loggedModels.get(id, { deleted: true }));
      const folder = model === undefined || model.experiment !== run.experiment ? undefined : ownPathOf(modelArtifactsOf(model));
      return folder === undefined ? [] : (await namedFiles(training, folder)).map((file) => ({ ...file, of: id }));
    });
  return [...found, ...(await Promise.all(ofModels)).flat()];
}

async function namedFiles(training: Rooms['training'], folder: string): Promise<CheckoutEnvironment['files']> {
  const { items } = await training.artifacts.files(folder, { limit: mostFiles });
  return items
    .filter(({ path }) => environmentNames.has(posix.basename(path)))
    .map(({ path, digest, size }) => ({ path: path.slice(folder.length + 1), digest, size }));
}

type Found = Omit<RunCheckout, 'missing' | 'commands'>;

function missingOf(run: Run, { code, data, environment, seed, parameters }: Found): string[] {
  const missing: string[] = [];
  const isOurs = run.trainer !== undefined;
  if (code.commit === null)
    missing.push(
      isOurs
        ? 'code: the project was in no git repository'
        : 'code: no commit was logged (mlflow names it when the script is in a git repository)',
    );
  else if (!isCommitName(code.commit)) missing.push(`code: ${JSON.stringify(code.commit.slice(0, 80))} is no commit`);
  if (code.dirty && code.patch === undefined) missing.push('code: there were changes that were not committed, and they were not kept');
  if (!isOurs && code.commit !== null && !code.dirty)
    missing.push('code: whether there were changes beside the commit is not known of runs that are logged from outside');
  for (const one of data) {
    if (one.how !== 'none') continue;
    const uses = one.uses.length === 0 ? '' : ` (${one.uses.join(', ')})`;
    missing.push(
      one.version === undefined
        ? `data: "${one.dataset}"${uses} is known by name and digest alone; it came from ${one.source.slice(0, 300)}`
        : `data: version ${one.version.slice(0, 12)} of "${one.dataset}"${uses} is not stored any more`,
    );
  }
  if (run.inputs.length === 0 && data.length === 0) missing.push('data: what it read was not logged');
  if (environment.gyre === undefined && environment.files.length === 0)
    missing.push('environment: no requirements.txt, conda.yaml or the like was logged');
  if (seed === undefined && !Object.keys(parameters).some((key) => /seed|random_state/i.test(key))) missing.push('seed: none was logged');
  return missing;
}

function commandsOf(run: Run, { publicId, code, environment }: Found): string[] {
  const folder = `run-${publicId.slice(-8)}`;
  const checkout = [`gyre checkout ${publicId} --to ${folder}`, `cd ${folder}`];
  if (run.trainer !== undefined) return [...checkout, 'gyre run'];
  const requirements = environment.files.find(({ path }) => posix.basename(path) === 'requirements.txt');
  const { entryPoint } = code;
  const script = entryPoint !== undefined && /\.(py|r|js|ts|sh)$/i.test(entryPoint) ? posix.basename(entryPoint) : undefined;
  const runner = script === undefined ? undefined : /\.py$/i.test(script) ? 'python' : /\.r$/i.test(script) ? 'Rscript' : undefined;
  return [
    ...checkout,
    ...(requirements === undefined ? [] : [`pip install -r ${quoted(environmentPath(requirements))}`]),
    ...(script === undefined || runner === undefined ? [] : [`${runner} ${quoted(script)}`]),
  ];
}

/** Where a checkout puts a file of the environment. */
export function environmentPath({ path, of }: CheckoutEnvironment['files'][number]): string {
  return posix.join(beside, 'environment', ...(of === undefined ? [] : [of]), path);
}

/** A word as a shell takes it. */
function quoted(word: string): string {
  return /^[\w./@:=+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

async function orNothing<T>(finding: Promise<T>): Promise<T | undefined> {
  try {
    return await finding;
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND') || hasCode(error, 'FAILED_PRECONDITION')) return undefined;
    throw error;
  }
}
