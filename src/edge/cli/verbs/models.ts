import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { executesCode, lackingEvidence } from '#contract';
import type { Explanation, ModelVersion, RegisteredModel, TestReport } from '#contract';
import { GyreError } from '#core';
import type { Cli } from '../cli.ts';
import type { Client } from '../client.ts';
import { exitCodes } from '../exit-codes.ts';
import { listFlags, listQuery, pageNote } from '../lists.ts';
import type { ListFlags, Page } from '../lists.ts';
import { short, when } from '../output.ts';
import { readRows } from '../rows.ts';
import { registerModelChanges } from './model-changes.ts';
import { showReport } from './model-report.ts';
import { registerModelCompare } from './model-compare.ts';
import { registerModelConvert } from './model-convert.ts';
import { registerModelTest } from './model-test.ts';
import { saveFile } from './save-file.ts';
import { modelVersion, versionPath } from './model-reference.ts';
import type { Register } from '../verb.ts';
import { examples } from '../verb.ts';

/** Saves a page as a file. */
async function savePage(cli: Cli, client: Client, path: string, file: string): Promise<void> {
  const target = resolve(cli.host.folder, file);
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, await client.bytes(path));
  cli.output.facts({ file: target }, () => cli.output.line(target));
}

export const registerModels: Register = (program, bind) => {
  const model = program
    .command('model')
    .summary('model versions: list, show, compare, add, convert, test, pull, stage, explain')
    .description('Registered models and their versions. A version is named churn/3 or churn@champion; churn alone is the newest.');
  registerModelChanges(model, bind);
  registerModelTest(model, bind);
  registerModelConvert(model, bind);
  registerModelCompare(model, bind);
  listFlags(model.command('ls').description('Lists models, or the versions of one.').argument('[model]', 'its name')).action(
    bind<ListFlags>((cli, options, name) =>
      cli.withClient(async (client) => {
        if (name === undefined) {
          const page = await client.get<Page<RegisteredModel>>('models', listQuery(options));
          cli.output.facts(page, () => {
            cli.output.table(page.items, [
              { title: 'MODEL', of: (item) => item.name },
              { title: 'NEWEST', of: ({ latest }) => latest, align: 'right' },
              { title: 'WHAT IT IS', of: ({ description }) => description },
              { title: 'SINCE', of: ({ createdAt }) => when(createdAt) },
            ]);
            pageNote(cli, page);
          });
          return;
        }
        const page = await client.get<Page<ModelVersion>>(`models/${encodeURIComponent(name)}/versions`, listQuery(options));
        cli.output.facts(page, () => {
          cli.output.table(page.items, [
            { title: 'VERSION', of: ({ version }) => version, align: 'right' },
            { title: 'ALIASES', of: ({ aliases }) => aliases.join(', ') },
            { title: 'STAGE', of: ({ stage }) => (stage === 'None' ? '' : stage) },
            { title: 'PACKAGE', of: (item) => (item.package === undefined ? item.source : short(item.package)) },
            { title: 'RUN', of: ({ run }) => run },
            { title: 'WHEN', of: ({ createdAt }) => when(createdAt) },
          ]);
          pageNote(cli, page);
        });
      }),
    ),
  );
  model
    .command('show')
    .description('Shows a model version.')
    .argument('<version>', 'such as churn/3 or churn@champion')
    .action(
      bind<object>((cli, _options, reference) =>
        cli.withClient(async (client) => {
          const version = await modelVersion(client, reference);
          cli.output.facts(version, () => showVersion(cli, version));
        }),
      ),
    );
  model
    .command('card')
    .description('Prints the model card (Markdown).')
    .argument('<version>', 'such as churn/3 or churn@champion')
    .option('--html <file>', 'save it as a page instead')
    .action(
      bind<{ html?: string }>((cli, options, reference) =>
        cli.withClient(async (client) => {
          if (options.html !== undefined) return savePage(cli, client, `${await versionPath(client, reference)}/card`, options.html);
          const card = new TextDecoder().decode(await client.bytes(`${await versionPath(client, reference)}/files/model-card.md`));
          cli.output.facts({ card }, () => cli.output.line(card.trimEnd()));
        }),
      ),
    );
  model
    .command('report')
    .description('Shows the test report of a version: metrics, gates, slices. Exit code 1 when a gate failed.')
    .argument('<version>', 'such as churn/3 or churn@champion')
    .option('--html <file>', 'save it as a page')
    .action(
      bind<{ html?: string }>((cli, options, reference) =>
        cli.withClient(async (client) => {
          const version = await modelVersion(client, reference);
          if (version.testReport === undefined) throw new GyreError('NOT_FOUND', `${version.model}/${version.version} has no test report`);
          const report = await client.get<TestReport>(`test-reports/${version.testReport}`);
          if (options.html === undefined) cli.output.facts(report, () => showReport(cli, report));
          else await savePage(cli, client, `test-reports/${version.testReport}/page`, options.html);
          return report.passed ? exitCodes.ok : exitCodes.failed;
        }),
      ),
    );
  model
    .command('pull')
    .description('Saves the package of a version, or one file of it: ONNX, signature, model card, evidence.')
    .argument('<version>', 'such as churn/3 or churn@champion')
    .argument('[what]', 'a file of the package, such as model.onnx, or the folder to save all of them in')
    .option('--to <folder>', 'where to (default: a folder named after the version)')
    .addHelpText('after', examples('gyre model pull churn@champion', 'gyre model pull churn@champion model.onnx --to deployed'))
    .action(
      bind<{ to?: string }>((cli, { to }, reference, what) =>
        cli.withClient(async (client) => {
          const version = await modelVersion(client, reference);
          if (version.package === undefined)
            throw new GyreError('NOT_FOUND', `${version.model}/${version.version} has no files in Gyre: they are at ${version.source}`);
          const one = version.files.find(({ path }) => path === what);
          if (what !== undefined && one === undefined && to !== undefined)
            throw new GyreError(
              'NOT_FOUND',
              `${version.model}/${version.version} has no file ${what}; its files are ${version.files.map(({ path }) => path).join(', ')}`,
            );
          const folder = to ?? (one === undefined ? what : undefined) ?? folderName(version);
          const target = resolve(cli.host.folder, folder);
          const files = one === undefined ? version.files : [one];
          for (const file of files) await saveFile(client, version, file.path, target);
          const saved = files.map(({ path }) => path);
          cli.output.facts({ folder: target, files: saved }, () => cli.output.line(`${target}: ${saved.join(', ')}`));
        }),
      ),
    );
  model
    .command('alias')
    .description('Points an alias at a version. "champion" asks for the release’s consent.')
    .argument('<version>', 'such as churn/3')
    .argument('<alias>', 'such as candidate')
    .action(
      bind<object>((cli, _options, reference, alias) =>
        cli.withClient(async (client) => {
          const version = await modelVersion(client, reference);
          const change = await client.post<unknown>(`models/${encodeURIComponent(version.model)}/aliases`, {
            alias,
            version: version.version,
          });
          cli.output.facts(change, () => cli.output.line(`${version.model}@${alias} is version ${version.version}`));
        }),
      ),
    );
  model
    .command('explain')
    .description('Says for each row what each feature added to the prediction; base value and contributions sum to the margin.')
    .argument('<version>', 'such as churn@champion')
    .requiredOption('--rows <file>', 'rows: JSON (one object or a list), JSON Lines or CSV; "-" reads standard input')
    .addHelpText('after', examples('gyre model explain churn@champion --rows customer.json'))
    .action(
      bind<{ rows: string }>((cli, options, reference) =>
        cli.withClient(async (client) => {
          const rows = await readRows(cli.host, options.rows);
          const { items } = await client.post<Page<Explanation>>(`${await versionPath(client, reference)}/explain`, { rows });
          cli.output.facts(items, () => items.forEach((explanation) => showExplanation(cli, explanation)));
        }),
      ),
    );
};

/** A name may hold what no folder of every system may. */
function folderName({ model, version }: ModelVersion): string {
  return `${model.replaceAll(/[^\p{L}\p{N}._ -]/gu, '-')}-${version}`;
}

/** A version for people. */
function showVersion(cli: Cli, version: ModelVersion): void {
  cli.output.pairs([
    ['model', `${version.model}, version ${version.version}`],
    ['id', version.id],
    ['aliases', version.aliases.join(', ') || undefined],
    ['stage', version.stage === 'None' ? undefined : version.stage],
    ['description', version.description || undefined],
    [
      'tags',
      Object.entries(version.tags)
        .map(([key, value]) => `${key}=${value}`)
        .join(' ') || undefined,
    ],
    ['source', version.source],
    ['package', version.package],
    ['run', version.run],
    ['test report', version.testReport],
    ['gates', version.testReport === undefined ? undefined : version.testsPassed ? 'met' : 'missed'],
    ['charter', version.charter === undefined ? undefined : short(version.charter)],
    ['trained', version.brought === undefined ? undefined : `elsewhere; predicts ${version.brought.target} by ${version.brought.graph}`],
    ['lacks', lackingEvidence(version).join(', ') || undefined],
    ['loading', version.executesCodeOnLoad === true ? `${executesCode}: it has no ONNX graph, a Python process runs it` : undefined],
    ['by', version.createdBy.name],
    ['when', when(version.createdAt)],
  ]);
  if (version.files.length === 0) return;
  cli.output.line();
  cli.output.table(version.files, [
    { title: 'FILE', of: ({ path }) => path },
    { title: 'BYTES', of: ({ size }) => size, align: 'right' },
    { title: 'SHA-256', of: ({ digest }) => short(digest) },
  ]);
}

/** An explanation for people: what moved the margin most, first. */
export function showExplanation(cli: Cli, explanation: Explanation): void {
  const { output } = cli;
  const target = explanation.class === undefined ? '' : ` for "${explanation.class}"`;
  output.line(
    `margin${target} ${explanation.margin.toFixed(4)} = base ${explanation.base.toFixed(4)} + contributions (${explanation.method})`,
  );
  const sorted = [...explanation.contributions]
    .sort((left, right) => Math.abs(right.contribution) - Math.abs(left.contribution))
    .slice(0, 10);
  output.table(sorted, [
    { title: 'FEATURE', of: ({ feature }) => feature },
    { title: 'VALUE', of: ({ value }) => value },
    { title: 'CONTRIBUTION', of: ({ contribution }) => contribution.toFixed(4), align: 'right' },
  ]);
}
