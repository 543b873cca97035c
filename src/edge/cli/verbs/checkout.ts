import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import type { RunCheckout } from '#contract';
import { GyreError } from '#core';
import type { Cli } from '../cli.ts';
import type { Client } from '../client.ts';
import { exitCodes } from '../exit-codes.ts';
import { placeFiles } from '../place-files.ts';
import { counted } from './data/in-workspace.ts';
import type { Register, VerbResult } from '../verb.ts';
import { examples } from '../verb.ts';
import { cloneCode, switchCode } from './checkout-code.ts';
import type { RestoredCode } from './checkout-code.ts';
import { restoreData, restoreTracked } from './checkout-data.ts';
import type { Restored } from './checkout-data.ts';

/** What a checkout adds that is no part of the project; git does not see it. */
const beside = '.gyre-run';

export const registerCheckout: Register = (program, bind) => {
  program
    .command('checkout')
    .summary('have a run again: code, data, parameters, environment')
    .description(
      `Restores what a run was made from: the commit of its code with what was not committed, its dataset versions, and in ${beside} its parameters and the files of its environment. Nothing of it is executed. Exit code 1 when something cannot be restored; it is said what, and why.`,
    )
    .argument('<run>', 'its id, also as MLflow’s clients know it')
    .option('--to <folder>', 'a new folder; without it the project’s own, where everything has to be committed')
    .option('--repository <where>', 'with --to: folder or address of the repository of its code (default: the project’s own)')
    .option('--force', 'replace data files of other content')
    .addHelpText(
      'after',
      examples('gyre checkout 0190… --to then', 'gyre checkout 4f0c… --to then --repository https://git.example/vision.git'),
    )
    .action(bind<CheckoutOptions>(checkout));
};

interface CheckoutOptions {
  readonly to?: string;
  readonly repository?: string;
  readonly force?: boolean;
}

async function checkout(cli: Cli, options: CheckoutOptions, id: string): VerbResult {
  const { to, repository, force = false } = options;
  if (repository !== undefined && to === undefined)
    throw new GyreError('INVALID_ARGUMENT', '--repository says where code comes from that goes to a new folder: name it with --to');
  return cli.withClient(async (client) => {
    const run = await client.get<RunCheckout>(`runs/${encodeURIComponent(id)}/checkout`);
    const { patch } = run.code;
    const code = {
      code: run.code,
      ...(patch === undefined ? {} : { patch: await client.bytes(`runs/${run.run}/patch`) }),
      ...(repository === undefined ? {} : { repository: await placeOfRepository(cli, repository) }),
      projectFolder: cli.projectFolder,
      signal: cli.host.signal,
    };
    if (to === undefined) {
      const restored = await switchCode(code);
      try {
        return say(cli, run, await restore(cli, client, run, { restored, force }), cli.projectFolder);
      } catch (error) {
        await restored.undo?.();
        throw error;
      }
    }
    const target = resolve(cli.host.folder, to);
    await requireFree(target);
    await mkdir(dirname(target), { recursive: true });
    const scratch = await mkdtemp(join(dirname(target), '.gyre-run-'));
    try {
      const folder = join(scratch, basename(target));
      await mkdir(folder);
      // Data of the run go over what git has under their names: the folder is new.
      const done = await restore(cli, client, run, { restored: await cloneCode(folder, code), force: true });
      await rename(folder, target);
      return say(cli, run, { ...done, project: join(target, relative(folder, done.project)) }, target);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  });
}

/** A folder as an absolute path, so that git does not look for it elsewhere; an address as it is. */
async function placeOfRepository(cli: Cli, repository: string): Promise<string> {
  const folder = resolve(cli.host.folder, repository);
  return readdir(folder).then(
    () => folder,
    () => repository,
  );
}

async function requireFree(target: string): Promise<void> {
  const found = await readdir(target).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw new GyreError('FAILED_PRECONDITION', `${target} is no folder: name a new one`, { target }, { cause: error });
  });
  if (found.length === 0) return;
  throw new GyreError('FAILED_PRECONDITION', `${target} is not empty: nothing in it is overwritten, name a new folder`, { target });
}

interface Done extends Restored {
  readonly project: string;
}

async function restore(
  cli: Cli,
  client: Client,
  run: RunCheckout,
  { restored, force }: { readonly restored: RestoredCode; readonly force: boolean },
): Promise<Done> {
  const { project, done } = restored;
  const tracked = await restoreTracked(cli, project, cli.projectFolder);
  const data = await restoreData(cli, client, run, { folder: project, force });
  const notes = await writeNotes(cli, client, run, project);
  return {
    project,
    done: [...(done === undefined ? [] : [`code: ${done}`]), ...tracked.done.map(asData), ...data.done.map(asData), ...notes],
    missing: [...run.missing, ...tracked.missing, ...data.missing],
  };
}

const asData = (line: string): string => `data: ${line}`;

/** Parameters and the files of the environment, beside the project. @returns what was written, in lines */
async function writeNotes(cli: Cli, client: Client, run: RunCheckout, project: string): Promise<readonly string[]> {
  const folder = join(project, beside);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, '.gitignore'), '*\n');
  await writeFile(join(folder, 'run.json'), `${JSON.stringify(run, undefined, 2)}\n`);
  await writeFile(join(folder, 'parameters.json'), `${JSON.stringify(run.parameters, undefined, 2)}\n`);
  const count = Object.keys(run.parameters).length;
  const { gyre, node, platform, files } = run.environment;
  await placeFiles(cli, client, {
    folder: join(folder, 'environment'),
    files: files.map(({ path, digest, size, of }) => {
      const address = path.split('/').map(encodeURIComponent).join('/');
      const record = of === undefined ? `runs/${run.run}` : `logged-models/${encodeURIComponent(of)}`;
      return { path: of === undefined ? path : `${of}/${path}`, sha256: digest, size, address: `${record}/artifacts/${address}` };
    }),
    force: true,
  });
  return [
    `parameters: ${counted(count, 'parameter')} in ${beside}/parameters.json`,
    ...(gyre === undefined ? [] : [`environment: it ran in Gyre ${gyre} on Node ${node ?? '?'}, ${platform ?? '?'}${sameGyre(cli, gyre)}`]),
    ...(files.length === 0 ? [] : [`environment: ${files.map(({ path }) => path).join(', ')} in ${beside}/environment`]),
  ];
}

const sameGyre = (cli: Cli, gyre: string): string =>
  cli.host.version === gyre ? '' : `; this is Gyre ${cli.host.version}: check out that version of Gyre for the same bytes`;

function say(cli: Cli, run: RunCheckout, { project, done, missing }: Done, target: string): number {
  const inside = relative(target, project);
  const folder = relative(cli.host.folder, target) || '.';
  const next = run.commands.filter((command) => !command.startsWith('gyre checkout ') && !command.startsWith('cd '));
  cli.output.facts({ run: run.run, folder: target, project: inside, restored: done, missing, next }, () => {
    cli.output.line(`run ${run.name === '' ? run.publicId : run.name} (${run.publicId}) in ${folder}`);
    for (const line of done) cli.output.line(`  ${cli.output.style('green', 'restored')} ${line}`);
    for (const line of missing) cli.output.line(`  ${cli.output.style('red', 'missing')}  ${line}`);
    const there = join(folder, inside);
    if (next.length > 0) cli.output.line(`next: ${[...(there === '.' ? [] : [`cd ${there}`]), ...next].join(' && ')}`);
  });
  return missing.length === 0 ? exitCodes.ok : exitCodes.failed;
}
