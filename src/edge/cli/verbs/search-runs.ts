import type { Command } from 'commander';
import type { Experiment } from '#contract';
import { GyreError } from '#core';
import type { Client } from '../client.ts';
import { pageNote } from '../lists.ts';
import type { Page } from '../lists.ts';
import { when } from '../output.ts';
import { examples, whole } from '../verb.ts';
import type { Bind } from '../verb.ts';

interface SearchFlags {
  readonly experiment?: readonly string[];
  readonly order?: readonly string[];
  readonly columns?: string;
  readonly view: string;
  readonly csv?: boolean;
  readonly limit: number;
  readonly after?: string;
}

interface FoundRun {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly user: string;
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly metrics: readonly (number | string | null)[];
  readonly parameters: readonly (string | null)[];
  readonly tags: readonly (string | null)[];
}

interface Columns {
  readonly metrics: readonly string[];
  readonly parameters: readonly string[];
  readonly tags: readonly string[];
}

/** Without `--columns`, as many of each. */
const usualColumns = 4;

/** `gyre runs search`: runs by a filter as MLflow's clients write it. */
export function registerSearchRuns(runs: Command, bind: Bind): void {
  runs
    .command('search')
    .description('Finds runs by a filter in MLflow’s grammar.')
    .argument('[filter]', "such as: metrics.loss < 0.1 AND params.depth = '3'")
    .option('--experiment <id>', 'only of this one, by id or name; may come again', also)
    .option('--order <by>', 'such as: "metrics.loss ASC"; may come again', also)
    .option('--columns <keys>', 'such as: metrics.loss,params.depth,tags.team')
    .option('--view <which>', 'active, deleted or all', 'active')
    .option('--csv', 'as CSV')
    .option('--limit <n>', 'at most so many', whole, 20)
    .option('--after <token>', 'go on from a page before')
    .addHelpText(
      'after',
      examples(
        `gyre runs search "metrics.loss < 0.1" --order "metrics.loss ASC"`,
        `gyre runs search --experiment vision --columns metrics.loss,params.lr --csv --limit 1000`,
      ),
    )
    .action(
      bind<SearchFlags>((cli, options, filter) =>
        cli.withClient(async (client) => {
          const experiments = options.experiment === undefined ? undefined : await experimentIds(client, options.experiment);
          const columns = options.columns === undefined ? await columnsOf(client, experiments) : columnsIn(options.columns);
          const page = await client.post<Page<FoundRun>>('runs/search', {
            ...(experiments === undefined ? {} : { experiments }),
            filter: filter ?? '',
            order: options.order ?? [],
            view: options.view,
            columns,
            limit: options.limit,
            ...(options.after === undefined ? {} : { after: options.after }),
          });
          const logged = [
            ...columns.metrics.map((key, at) => ({ title: `metrics.${key}`, of: (run: FoundRun) => run.metrics[at] })),
            ...columns.parameters.map((key, at) => ({ title: `params.${key}`, of: (run: FoundRun) => run.parameters[at] })),
            ...columns.tags.map((key, at) => ({ title: `tags.${key}`, of: (run: FoundRun) => run.tags[at] })),
          ];
          cli.output.facts({ columns, ...page }, () => {
            if (options.csv === true) {
              const all = [
                { title: 'run_id', of: ({ id }: FoundRun) => id },
                { title: 'name', of: ({ name }: FoundRun) => name },
                { title: 'status', of: ({ status }: FoundRun) => status },
                { title: 'user', of: ({ user }: FoundRun) => user },
                { title: 'started_at', of: ({ startedAt }: FoundRun) => startedAt },
                { title: 'ended_at', of: ({ endedAt }: FoundRun) => endedAt },
                ...logged,
              ];
              cli.output.line(all.map(({ title }) => csvCell(title)).join(','));
              for (const run of page.items) cli.output.line(all.map(({ of }) => csvCell(of(run))).join(','));
            } else {
              cli.output.table(page.items, [
                { title: 'RUN', of: ({ id }) => id },
                { title: 'NAME', of: ({ name }) => name },
                { title: 'STATUS', of: ({ status }) => status },
                ...logged,
                { title: 'WHEN', of: ({ startedAt }) => when(startedAt) },
              ]);
            }
            pageNote(cli, page);
          });
        }),
      ),
    );
}

/** An option that may come again adds to what was said before. */
function also(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** Experiments that are named by id or name, by their ids. @throws GyreError NOT_FOUND */
export async function experimentIds(client: Client, named: readonly string[]): Promise<readonly string[]> {
  const { items } = await client.get<Page<Experiment>>('experiments', { limit: 1000 });
  return named.map((wanted) => {
    const found = items.find(({ id, name }) => id === wanted || name === wanted);
    if (found !== undefined) return found.id;
    const known = items.slice(0, 10).map(({ id, name }) => `${name} (${id})`);
    throw new GyreError('NOT_FOUND', `there is no experiment "${wanted}"; there is ${known.join(', ') || 'none'}`);
  });
}

async function columnsOf(client: Client, experiments: readonly string[] | undefined): Promise<Columns> {
  const keys = await client.post<{ readonly metrics: readonly string[]; readonly parameters: readonly { readonly key: string }[] }>(
    'runs/keys',
    experiments === undefined ? {} : { experiments },
  );
  return {
    metrics: keys.metrics.filter((key) => !key.startsWith('system/')).slice(0, usualColumns),
    parameters: keys.parameters.slice(0, usualColumns).map(({ key }) => key),
    tags: [],
  };
}

/** @throws GyreError INVALID_ARGUMENT for a column of another kind */
function columnsIn(text: string): Columns {
  const named = text.split(',').map((column) => column.trim());
  const of = (prefix: string): string[] => named.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));
  const wrong = named.find((name) => !/^(metrics|params|tags)\../.test(name));
  if (wrong !== undefined)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `--columns: "${wrong}" begins with none of metrics., params. and tags.; metrics.loss would be right`,
    );
  return { metrics: of('metrics.'), parameters: of('params.'), tags: of('tags.') };
}

function csvCell(value: string | number | null | undefined): string {
  const text = String(value ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
