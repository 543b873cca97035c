import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import type { CiService, DeliveryPlan } from '#ci';
import { GyreError } from '#core';
import type { LoadedProject } from '#project';
import type { Cli } from '../cli.ts';
import type { Register, VerbResult } from '../verb.ts';
import { examples } from '../verb.ts';

/** As the room has them; said again, since explaining a verb loads no rooms. */
const services = ['github', 'gitlab', 'jenkins', 'azure'] as const satisfies readonly CiService[];

export const registerCd: Register = (program, bind) => {
  const cd = program
    .command('cd')
    .summary('have a CI service check each commit and release what people sign off: init')
    .description('Workflows that run ci, application tests, certification and release by calling Gyre.');
  cd.command('init')
    .description(
      'Writes the workflow of a CI service: each commit and a timer run "gyre ci"; on the base branch come application tests, the wait for certification and approval, and the release. A file that somebody else wrote, or changed, stays.',
    )
    .argument('<service>', services.join(', '))
    .option('--environment <name>', 'where versions are released to (default: the last one)')
    .option('--base <branch>', 'whose commits are released (default: "ci.base" of gyre.yaml, main)')
    .option('--cron <line>', 'when it is checked although nobody commits, in UTC', '23 4 * * *')
    .option('--print', 'to the screen, not to the file')
    .option('--force', 'overwrite what is there')
    .addHelpText('after', examples('gyre cd init github', 'gyre cd init gitlab --environment staging', 'gyre cd init jenkins --print'))
    .action(bind<InitOptions>(init));
};

interface InitOptions {
  readonly environment?: string;
  readonly base?: string;
  readonly cron: string;
  readonly print?: boolean;
  readonly force?: boolean;
}

async function init(cli: Cli, options: InitOptions, word = ''): VerbResult {
  const { output, projectFolder } = cli;
  const service = services.find((known) => known === word);
  if (service === undefined)
    throw new GyreError('INVALID_ARGUMENT', `there is no workflow for "${word}"; there are ${services.join(', ')}`);
  const [{ loadProject, repositoryOf }, { isAsWritten, workflowFile }] = await Promise.all([import('#project'), import('#ci')]);
  if (!/^(?:[\d*,/A-Za-z-]+ +){4}[\d*,/A-Za-z-]+$/.test(options.cron.trim()))
    throw new GyreError('INVALID_ARGUMENT', `--cron "${options.cron}" is no line of cron: five fields are wanted, such as "23 4 * * *"`);
  const root = await repositoryOf(projectFolder);
  if (root === undefined && options.print !== true)
    throw new GyreError(
      'FAILED_PRECONDITION',
      `${projectFolder} is in no git repository: a CI service reads the file from one ("git init", or --print)`,
    );
  const plan = planOf(await loadProject(projectFolder), options, root ?? projectFolder);
  const { path, text } = workflowFile(service, plan);
  if (options.print === true) {
    cli.host.stdout.write(text);
    return;
  }
  const file = join(root ?? projectFolder, path);
  const before = await readFile(file, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  });
  const isOurs = before === undefined || before === text || isAsWritten(before, plan);
  if (isOurs !== true && options.force !== true) {
    const whose = isOurs === false ? 'is not as Gyre wrote it' : `is of the project in ${isOurs}`;
    const message = `${path} is there, and ${whose}: --force overwrites it, --print shows what would be written`;
    throw new GyreError('ALREADY_EXISTS', message, { file });
  }
  if (before !== text) {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(`${file}.fresh`, text);
    await rename(`${file}.fresh`, file);
  }
  output.facts({ file, ...plan }, () => {
    output.line(before === text ? `${path} is as it would be written` : `written: ${path}`);
    output.line(
      `ci, ${plan.test === undefined ? '' : `application tests in ${plan.test}, `}certify, release to ${plan.production}; what it needs stands in its first lines`,
    );
  });
}

function planOf({ resolved, folder }: LoadedProject, options: InitOptions, root: string): DeliveryPlan {
  const { environments, ci } = resolved;
  const names = environments.map(({ name }) => name);
  const target = options.environment === undefined ? environments.at(-1) : environments.find(({ name }) => name === options.environment);
  if (target === undefined) {
    const there = names.length === 0 ? 'the project has no environment' : `the project has ${names.join(', ')}`;
    throw new GyreError(
      'NOT_FOUND',
      options.environment === undefined ? there : `there is no environment "${options.environment}"; ${there}`,
    );
  }
  const testing = environments.find(({ certify, position }) => certify !== undefined && position < target.position);
  return {
    base: options.base ?? ci.base,
    ...(testing === undefined ? {} : { test: testing.name }),
    production: target.name,
    folder: relative(resolve(root), folder).split(sep).join('/'),
    cron: options.cron.trim(),
  };
}
