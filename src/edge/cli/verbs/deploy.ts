import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { ManifestFiles, ManifestRequest, ManifestTarget, ModelVersion } from '#contract';
import { GyreError } from '#core';
import type { Cli } from '../cli.ts';
import type { Register } from '../verb.ts';
import { examples, whole } from '../verb.ts';
import { type Committed, commitFiles, requireInside } from './deploy-branch.ts';
import { modelVersion } from './model-reference.ts';

/** As the contract has them; said again, since explaining a verb loads no schemas. A test compares the two. */
export const deployTargets = [
  'kubernetes',
  'kustomize',
  'openshift',
  'knative',
  'kserve',
  'cloud-run',
  'container-instances',
  'compose',
] as const satisfies readonly ManifestTarget[];

type Asked = Omit<ManifestRequest, 'target' | 'image' | 'argoCd'> & {
  readonly image: string;
  readonly output?: string;
  readonly branch?: string;
  readonly path?: string;
  readonly argoCd?: string;
  readonly unchecked?: boolean;
  readonly insecureRegistry?: boolean;
};

type Done = ManifestFiles & { readonly image: string; readonly folder?: string; readonly committed?: Committed };

export const registerDeploy: Register = (program, bind) => {
  program
    .command('deploy')
    .summary('what runs a model’s image on a cluster, at a cloud, on one machine')
    .description(
      'Writes the manifests that run a model’s image elsewhere, named by its digest: to the screen for a pipe, to a folder, or to a branch of a git repository. For an environment of the project its gates must be passed, and the registry is asked whether the image holds just that version.',
    )
    .argument('<target>', deployTargets.join(', '))
    .argument('[model]', 'a version such as churn/3; left out: the image is of no registered version, and --name says what it is called')
    .requiredOption('--image <image>', 'in its registry, such as registry.example.org/churn:3; its tag is looked up')
    .option('--environment <name>', 'which environment of the project it is for, such as production')
    .option('--output <folder>', 'where to write them (default: to the screen)')
    .option('--branch <name>', 'commit them to this branch of the repository here; it is made where it is not there')
    .option('--path <folder>', 'of the repository, with --branch (default: the model’s name, and the environment’s)')
    .option('--argo-cd <repository>', 'with --branch: write an Application that has Argo CD keep a cluster so, from this repository')
    .option('--name <name>', 'of what runs (default: the model’s and the environment’s)')
    .option('--namespace <name>', 'of the cluster')
    .option('--host <name>', 'by which it is reached from outside, over TLS (default: from within alone)')
    .option('--min-replicas <count>', 'default 2, of what may sleep 0', whole)
    .option('--max-replicas <count>', 'default 10', whole)
    .option('--cpu <processors>', 'such as 2 or 500m (default 1)')
    .option('--memory <size>', 'such as 512Mi or 2Gi (default 512Mi)')
    .option('--service-monitor', 'have the Prometheus operator scrape it')
    .option('--port <port>', 'of this machine, for compose (default 8080)', whole)
    .option('--location <region>', 'of container instances, such as westeurope')
    .option('--subnet <id>', 'from which container instances are reached')
    .option('--unchecked', 'do not ask the registry; the image says its digest then')
    .option('--insecure-registry', 'speak plain HTTP to a registry that is not on this machine')
    .addHelpText(
      'after',
      examples(
        'gyre deploy kubernetes churn/3 --image registry.example.org/churn:3 --environment production | kubectl apply -f -',
        'gyre deploy kustomize churn/3 --image registry.example.org/churn:3 --environment production --output deploy',
        'gyre deploy compose --image registry.example.org/digits:1 --name digits --output .',
      ),
    )
    .action(
      bind<Asked>(async (cli, asked, target, model) => {
        const done = await deploy(cli, asked, target ?? '', model);
        cli.output.facts(done, () => say(cli, done));
      }),
    );
};

async function deploy(cli: Cli, asked: Asked, word: string, model: string | undefined): Promise<Done> {
  const target = deployTargets.find((known) => known === word);
  if (target === undefined)
    throw new GyreError('INVALID_ARGUMENT', `there are no manifests for "${word}"; there are ${deployTargets.join(', ')}`);
  const { output, branch, path, argoCd, unchecked = false, insecureRegistry, image: text, ...rest } = asked;
  if (argoCd !== undefined && branch === undefined)
    throw new GyreError('INVALID_ARGUMENT', 'Argo CD reads a branch: say --branch beside --argo-cd');
  if (model === undefined && rest.name === undefined)
    throw new GyreError('INVALID_ARGUMENT', 'say which version it is, such as churn/3, or --name for an image of none');
  if (model === undefined && rest.environment !== undefined)
    throw new GyreError('INVALID_ARGUMENT', 'environments are released to by version: say which, such as churn/3');
  const inspected = unchecked ? undefined : await inspect(cli, text, insecureRegistry ?? false);
  const place = path ?? folderOf(target, rest, model);
  if (branch !== undefined) requireInside(place);
  const request: ManifestRequest = {
    ...rest,
    target,
    image: inspected?.image ?? text.replace(/^(docker|https?):\/\//, ''),
    ...(argoCd === undefined ? {} : { argoCd: { repository: argoCd, path: place, revision: branch ?? '' } }),
  };
  const written = model === undefined ? await alone(request) : await ofVersion(cli, model, request, inspected?.labels);
  if (branch !== undefined) {
    const message = `${model ?? rest.name} for ${rest.environment ?? target}: ${request.image}`;
    const committed = await commitFiles(written.files, { folder: cli.host.folder, branch, path: place, message });
    return { ...written, image: request.image, committed };
  }
  if (output === undefined) return { ...written, image: request.image };
  const folder = resolve(cli.host.folder, output);
  await writeFiles(folder, written.files);
  return { ...written, image: request.image, folder };
}

/** Kustomize keeps environments apart by itself; of other targets each environment has a folder of its own. */
function folderOf(target: ManifestTarget, { name, environment }: Pick<ManifestRequest, 'name' | 'environment'>, model = ''): string {
  const own = name ?? (model.replace(/[/@].*$/, '').replaceAll(/[^\w.-]+/g, '-') || 'deploy');
  return target === 'kustomize' || environment === undefined || name !== undefined ? own : `${own}-${environment.toLowerCase()}`;
}

async function inspect(cli: Cli, text: string, insecure: boolean): Promise<{ image: string; labels: Readonly<Record<string, string>> }> {
  const { inspectImage, referenceOf, registryCredentials } = await import('#packaging');
  const credentials = await registryCredentials(referenceOf(text).host, cli.host.environment);
  return inspectImage(text, {
    signal: cli.host.signal,
    ...(insecure ? { insecure } : {}),
    ...(credentials === undefined ? {} : { credentials }),
  });
}

function ofVersion(
  cli: Cli,
  model: string,
  request: ManifestRequest,
  labels: Readonly<Record<string, string>> | undefined,
): Promise<ManifestFiles> {
  return cli.withClient(async (client) => {
    const version = await modelVersion(client, model);
    requireContent(version, request.image, labels);
    const at = `models/${encodeURIComponent(version.model)}/versions/${version.version}/manifests`;
    return client.post<ManifestFiles>(at, request);
  });
}

/** What was tested and approved is what runs: the image says which package it holds. */
function requireContent(version: ModelVersion, image: string, labels: Readonly<Record<string, string>> | undefined): void {
  if (labels === undefined || (version.package !== undefined && labels['dev.gyre.package'] === version.package)) return;
  const held = labels['dev.gyre.package'];
  throw new GyreError(
    'FAILED_PRECONDITION',
    `${image} ${held === undefined ? 'does not say which package it holds' : `holds the package ${held.slice(0, 12)}`}, not that of ${version.model} version ${version.version} (${version.package?.slice(0, 12) ?? 'none'}): gyre package ${version.model}/${version.version} --push makes one that does`,
    { image, modelVersion: version.id },
  );
}

async function alone(request: ManifestRequest): Promise<ManifestFiles> {
  const [{ ManifestRequest: shape }, { Errors }, { manifestsFor }] = await Promise.all([
    import('#contract'),
    import('typebox/schema'),
    import('#packaging'),
  ]);
  const [, [wrong]] = Errors(shape, request);
  if (wrong !== undefined) {
    const option = wrong.instancePath.slice(1).replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    throw new GyreError('INVALID_ARGUMENT', `--${option} ${wrong.message}`, { option });
  }
  return manifestsFor(request, { model: request.name ?? '' });
}

/** Each comes by a rename, so that nobody reads half of one. */
async function writeFiles(folder: string, files: ManifestFiles['files']): Promise<void> {
  for (const { path, text } of files) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(`${file}.fresh`, text);
    await rename(`${file}.fresh`, file);
  }
}

function say({ output }: Cli, { files, use, folder, committed, image }: Done): void {
  if (folder === undefined && committed === undefined) {
    output.line(files.map(({ path, text }) => `---\n# ${path}\n${text}`).join('').trimEnd()); // prettier-ignore
    return;
  }
  output.pairs([
    ['image', image],
    ['written', folder === undefined ? undefined : `${files.map(({ path }) => path).join(', ')} in ${folder}`],
    [
      'committed',
      committed === undefined
        ? undefined
        : committed.changed
          ? `${committed.commit.slice(0, 12)} on ${committed.branch}, ${files.length} files`
          : `nothing: ${committed.branch} says the same already (${committed.commit.slice(0, 12)})`,
    ],
    ['use', use.join('\n')],
  ]);
}
