import { stat } from 'node:fs/promises';
import { basename, extname, join, relative, resolve } from 'node:path';
import { GyreError } from '#core';
import type { Cli } from '../cli.ts';
import { exitCodes } from '../exit-codes.ts';
import { fileSettings } from '../file-settings.ts';
import type { Register, VerbResult } from '../verb.ts';
import { examples } from '../verb.ts';

export const registerProject: Register = (program, bind) => {
  program
    .command('init')
    .summary('make a project from a data file or a folder of images')
    .description(
      'Makes a project from a data file: infers the schema, guesses key and target, writes a commented gyre.yaml. A folder of images stays where it is.',
    )
    .argument('<name>', 'the project’s name, and its folder')
    .option('--from <file>', 'the data: CSV, TSV, Parquet or JSON Lines, or a folder of images')
    .option('--tracking', 'no data yet: a server that MLflow clients log runs and register models with')
    .option('--key <column>', 'the column that names a row (default: one with a different value in each)')
    .option('--target <column>', 'the column to predict (default: guessed from the names)')
    .option('--dataset <name>', 'the dataset’s name (default: the file’s)')
    .option('--folder <folder>', 'where to make it (default: a new folder of the project’s name)')
    .option('--owner <name>', 'who owns it, for the charter (default: the user)')
    .option('--force', 'overwrite files that are there')
    .addHelpText(
      'after',
      examples(
        'gyre init churn --from customers.csv',
        'gyre init prices --from houses.parquet --key id --target price',
        'gyre init clothes --from photos',
        'gyre init lab --tracking',
      ),
    )
    .action(bind<InitOptions>(init));

  program
    .command('check')
    .summary('check gyre.yaml and what it names')
    .description('Checks the project’s files: each problem with file, line, column and what would be right. Runs nothing.')
    .argument('[folder]', 'the project folder (default: this one)')
    .addHelpText('after', examples('gyre check', 'gyre check examples/churn --json'))
    .action(bind<object>(check));

  program
    .command('config')
    .summary('print the settings and where each comes from')
    .description('Prints every setting of the platform with its value and source: flag > environment > gyre.yaml > default.')
    .addHelpText('after', examples('gyre config', 'GYRE_PORT=8080 gyre config --json'))
    .action(bind<object>(config));

  program
    .command('schema')
    .summary('print the JSON Schema of gyre.yaml')
    .description('Prints the JSON Schema of gyre.yaml, of a reviewed schema file, or of a release policy, for editors.')
    .argument('[file]', '"project" or "table"', 'project')
    .addHelpText('after', examples('gyre schema > gyre.schema.json', 'gyre schema policy > policy.schema.json'))
    .action(bind<object>(schema));
};

interface InitOptions {
  readonly from?: string;
  readonly tracking?: boolean;
  readonly key?: string;
  readonly target?: string;
  readonly dataset?: string;
  readonly folder?: string;
  readonly owner?: string;
  readonly force?: boolean;
}

async function init(cli: Cli, options: InitOptions, name: string): VerbResult {
  const { host, output } = cli;
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(name)) {
    throw new GyreError('INVALID_ARGUMENT', `"${name}" is no name: letters, digits, ".", "_" and "-", beginning with a letter or digit`);
  }
  if (options.tracking === true) return initTracking(cli, options, name);
  const { from } = options;
  if (from === undefined)
    throw new GyreError('INVALID_ARGUMENT', 'say what the project is made of: --from FILE, or --tracking for no data yet');
  const sourceFile = resolve(host.folder, from);
  if ((await stat(sourceFile).catch(() => undefined))?.isDirectory() === true)
    return initImages(cli, { ...options, from }, name, sourceFile);
  const { inferTable } = await import('../infer-table.ts');
  const { checkProject, initProject, problemText } = await import('#project');
  const table = await inferTable(sourceFile, options.key);
  const { folder, files, guess } = await initProject({
    folder: resolve(host.folder, options.folder ?? name),
    name,
    dataset: options.dataset ?? datasetName(sourceFile),
    sourceFile,
    table,
    owner: options.owner ?? host.environment['USER'] ?? 'me',
    today: host.today(),
    ...(options.key === undefined ? {} : { key: options.key }),
    ...(options.target === undefined ? {} : { target: options.target }),
    ...(options.force === undefined ? {} : { overwrite: options.force }),
  });
  const { problems } = await checkProject(folder, { environment: host.environment });
  output.facts({ folder, files, rows: table.rows, columns: table.columns.length, ...guess, problems }, () => {
    output.line(`${table.rows} rows, ${table.columns.length} columns in ${options.from}`);
    for (const note of guess.notes) output.line(`  ${note}`);
    for (const problem of problems) output.line(`  ${problemText(problem)}`);
    const place = relative(host.folder, folder) || '.';
    output.line(`\nwritten: ${files.map((file) => join(place, file)).join(', ')}`);
    output.line(`next: ${place === '.' ? '' : `cd ${place}, `}read gyre.yaml, then "gyre check" and "gyre run"`);
  });
  return exitCodes.ok;
}

async function initTracking({ host, output }: Cli, options: InitOptions, name: string): VerbResult {
  const other = (['from', 'key', 'target', 'dataset'] as const).find((option) => options[option] !== undefined);
  if (other !== undefined) throw new GyreError('INVALID_ARGUMENT', `--${other} says something of data, of which --tracking has none`);
  const { initTrackingProject } = await import('#project');
  const { folder, files } = await initTrackingProject({
    folder: resolve(host.folder, options.folder ?? name),
    name,
    owner: options.owner ?? host.environment['USER'] ?? 'me',
    overwrite: options.force ?? false,
  });
  output.facts({ folder, files }, () => {
    const place = relative(host.folder, folder) || '.';
    output.line(`written: ${files.map((file) => join(place, file)).join(', ')}`);
    output.line(`next: ${place === '.' ? '' : `cd ${place}, `}"gyre up", and MLFLOW_TRACKING_URI=http://127.0.0.1:7070 for your clients`);
  });
  return exitCodes.ok;
}

async function initImages(
  { host, output }: Cli,
  options: InitOptions & { readonly from: string },
  name: string,
  images: string,
): VerbResult {
  for (const column of ['key', 'target'] as const)
    if (options[column] !== undefined)
      throw new GyreError('INVALID_ARGUMENT', `--${column} says nothing of a folder of images: their key is "path", their label "label"`);
  const { listImages } = await import('#data');
  const { checkProject, initImageProject, problemText } = await import('#project');
  const listing = await listImages(images);
  if (listing.images.length === 0) {
    const others = Object.entries(listing.ignored).map(([extension, count]) => `${count} ${extension}`);
    throw new GyreError(
      'INVALID_ARGUMENT',
      `${options.from} holds no images${others.length === 0 ? '' : ` (${others.join(', ')} files)`}; a folder of them, or a data file is needed`,
    );
  }
  const classes = new Map<string, number>();
  for (const { label } of listing.images) if (label !== null) classes.set(label, (classes.get(label) ?? 0) + 1);
  const isLabelled = classes.size > 1;
  const { folder, files } = await initImageProject({
    folder: resolve(host.folder, options.folder ?? name),
    name,
    dataset: options.dataset ?? datasetName(images),
    images,
    isLabelled,
    owner: options.owner ?? host.environment['USER'] ?? 'me',
    ...(options.force === undefined ? {} : { overwrite: options.force }),
  });
  const { problems } = await checkProject(folder, { environment: host.environment });
  output.facts({ folder, files, images: listing.images.length, classes: Object.fromEntries(classes), problems }, () => {
    output.line(`${listing.images.length} images in ${options.from}`);
    output.line(
      isLabelled
        ? `  ${classes.size} classes by folder: ${[...classes].map(([label, count]) => `${label} ${count}`).join(', ')}`
        : '  no folders that could be classes: say where labels come from in gyre.yaml',
    );
    for (const problem of problems) output.line(`  ${problemText(problem)}`);
    const place = relative(host.folder, folder) || '.';
    output.line(`\nwritten: ${files.map((file) => join(place, file)).join(', ')}`);
    output.line(`next: ${place === '.' ? '' : `cd ${place}, `}read gyre.yaml, then "gyre check" and "gyre run"`);
  });
  return exitCodes.ok;
}

function datasetName(file: string): string {
  const stem = basename(file, extname(file))
    .replaceAll(/[^A-Za-z0-9._-]+/g, '_')
    .replace(/^[^A-Za-z0-9]+/, '');
  return stem === '' ? 'data' : stem;
}

async function check(cli: Cli, _options: object, folder?: string): VerbResult {
  const { output, host } = cli;
  const { checkProject, problemText } = await import('#project');
  const root = folder === undefined ? cli.projectFolder : resolve(host.folder, folder);
  const { problems, project } = await checkProject(root, { environment: host.environment });
  const place = relative(host.folder, root);
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  output.facts(
    { folder: root, ok: project !== undefined, ...(project === undefined ? {} : { file: project.file, digest: project.digest }), problems },
    () => {
      for (const problem of problems) output.line(problemText({ ...problem, file: join(place, problem.file) }));
      const warnings = problems.length - errors;
      if (project === undefined) output.line(output.style('red', `${errors} ${errors === 1 ? 'problem' : 'problems'}`));
      else {
        const { resolved, file } = project;
        const counted = `${resolved.datasets.length} ${resolved.datasets.length === 1 ? 'dataset' : 'datasets'}, ${resolved.steps.length} steps, ${resolved.test.gates.length} gates`;
        output.line(
          `${output.style('green', 'fine:')} ${join(place, file)} (${resolved.project}: ${counted})${warnings === 0 ? '' : `, ${warnings} warnings`}`,
        );
      }
    },
  );
  return project === undefined ? exitCodes.usage : exitCodes.ok;
}

async function config(cli: Cli): VerbResult {
  const { output, host } = cli;
  const { inputs, hasProblems } = await fileSettings(host, cli.projectFolder);
  // Settings can be looked at without a project; a broken one would hide what the file says.
  if (hasProblems) output.note('warning: gyre.yaml has problems ("gyre check"), its settings are left out');
  const app = await host.app();
  const { resolved, dataFolder } = app.settleSettings(cli.projectFolder, { flags: cli.flags, environment: host.environment, ...inputs });
  output.facts({ dataFolder, settings: resolved }, () => {
    output.table(resolved, [
      { title: 'SETTING', of: ({ name }) => name },
      { title: 'VALUE', of: ({ value }) => (value === '' ? '-' : String(value)) },
      { title: 'FROM', of: ({ source, from }) => (source === 'default' ? 'default' : `${source} ${from}`) },
      { title: 'WHAT IT IS', of: ({ help }) => help },
    ]);
    output.line(`\ndata folder: ${dataFolder}`);
  });
}

async function schema(cli: Cli, _options: object, file = 'project'): VerbResult {
  const { publishedPolicySchema, publishedSchema, publishedTableSchema } = await import('#project');
  const schemas = { project: publishedSchema, table: publishedTableSchema, policy: publishedPolicySchema };
  if (file !== 'project' && file !== 'table' && file !== 'policy')
    throw new GyreError('INVALID_ARGUMENT', `"${file}" has no schema; "project", "table" and "policy" have`);
  cli.host.stdout.write(`${JSON.stringify(schemas[file](), undefined, 2)}\n`);
  return exitCodes.ok;
}
