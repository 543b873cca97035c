import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Report, ReportSummary, ReportVersion, SavedView } from '#contract';
import { GyreError, messageOf } from '#core';
import type { Client } from '../client.ts';
import { listFlags, listQuery, pageNote } from '../lists.ts';
import type { ListFlags, Page } from '../lists.ts';
import { when } from '../output.ts';
import type { Register } from '../verb.ts';
import { examples, whole } from '../verb.ts';
import { experimentIds } from './search-runs.ts';

/** `gyre views`: ways to look at the table of runs, by name. */
export const registerViews: Register = (program, bind) => {
  const views = program
    .command('views')
    .summary('saved views of the table of runs: list, save, delete')
    .description('Ways to look at the table of runs, saved under names.');
  listFlags(views.command('ls').description('Lists views, in the order of names.'))
    .option('--experiment <name>', 'of one experiment')
    .action(
      bind<ListFlags & { readonly experiment?: string }>((cli, { experiment, ...flags }) =>
        cli.withClient(async (client) => {
          const of = await ofExperiment(client, experiment);
          const page = await client.get<Page<SavedView>>('views', { ...listQuery(flags), ...of });
          cli.output.facts(page, () => {
            cli.output.table(page.items, [
              { title: 'VIEW', of: ({ id }) => id },
              { title: 'NAME', of: ({ name }) => name },
              { title: 'EXPERIMENT', of: (view) => view.experiment ?? 'all' },
              { title: 'BY', of: ({ by }) => by.name },
              { title: 'CHANGED', of: ({ updatedAt }) => when(updatedAt) },
              { title: 'PAGE', of: pageOf },
            ]);
            pageNote(cli, page);
          });
        }),
      ),
    );
  views
    .command('save')
    .description('Saves a view; your own of the same name is replaced.')
    .argument('<name>')
    .option('--experiment <name>', 'of one experiment; default: of all')
    .option('--query <query>', 'the query of the page’s address, such as "filter=metrics.loss < 1&sort=metrics.loss"', '')
    .addHelpText('after', examples('gyre views save "best first" --experiment vision --query "sort=metrics.loss"'))
    .action(
      bind<{ readonly experiment?: string; readonly query: string }>((cli, { experiment, query }, name) =>
        cli.withClient(async (client) => {
          const of = await ofExperiment(client, experiment);
          const view = await client.put<SavedView>('views', { name, ...of, query: query.replace(/^\?/, '') });
          cli.output.facts(view, () => cli.output.line(`view ${view.name} saved: ${pageOf(view)}`));
        }),
      ),
    );
  views
    .command('delete')
    .description('Deletes a view.')
    .argument('<view>', 'its id')
    .action(
      bind<object>((cli, _options, id) =>
        cli.withClient(async (client) => {
          await client.remove(`views/${encodeURIComponent(id)}`);
          cli.output.facts({ deleted: id }, () => cli.output.line(`view ${id} deleted`));
        }),
      ),
    );
};

const pageOf = ({ id }: SavedView): string => `/views/${id}`;

async function ofExperiment(client: Client, named: string | undefined): Promise<{ readonly experiment?: string }> {
  if (named === undefined) return {};
  const [experiment] = await experimentIds(client, [named]);
  return { experiment };
}

/** `gyre reports`: pages of text with figures of runs. */
export const registerReports: Register = (program, bind) => {
  const reports = program
    .command('reports')
    .summary('reports on runs: list, show, write, delete')
    .description('Pages of Markdown with figures of runs.');
  listFlags(reports.command('ls').description('Lists reports, changed last first.')).action(
    bind<ListFlags>((cli, flags) =>
      cli.withClient(async (client) => {
        const page = await client.get<Page<ReportSummary>>('reports', listQuery(flags));
        cli.output.facts(page, () => {
          cli.output.table(page.items, [
            { title: 'REPORT', of: ({ id }) => id },
            { title: 'TITLE', of: ({ title }) => title },
            { title: 'VERSION', of: ({ version }) => version, align: 'right' },
            { title: 'CHANGED BY', of: ({ changedBy }) => changedBy.name },
            { title: 'WHEN', of: ({ changedAt }) => when(changedAt) },
          ]);
          pageNote(cli, page);
        });
      }),
    ),
  );
  reports
    .command('show')
    .description('Prints a report’s text.')
    .argument('<report>', 'its id')
    .option('--at <version>', 'another version than the newest', whole)
    .option('--to <file>', 'into a file')
    .action(
      bind<{ readonly at?: number; readonly to?: string }>((cli, { at, to }, id) =>
        cli.withClient(async (client) => {
          const report = await client.get<Report>(`reports/${encodeURIComponent(id)}`, { version: at });
          if (to !== undefined) await writeFile(resolve(to), report.text);
          cli.output.facts(report, () => cli.output.line(to === undefined ? report.text : `version ${report.version} written to ${to}`));
        }),
      ),
    );
  reports
    .command('history')
    .description('Lists the versions of a report, newest first.')
    .argument('<report>', 'its id')
    .action(
      bind<object>((cli, _options, id) =>
        cli.withClient(async (client) => {
          const page = await client.get<Page<ReportVersion>>(`reports/${encodeURIComponent(id)}/versions`);
          cli.output.facts(page, () => {
            cli.output.table(page.items, [
              { title: 'VERSION', of: ({ version }) => version, align: 'right' },
              { title: 'TITLE', of: ({ title }) => title },
              { title: 'BY', of: ({ by }) => by.name },
              { title: 'WHEN', of: ({ at }) => when(at) },
            ]);
            pageNote(cli, page);
          });
        }),
      ),
    );
  reports
    .command('write')
    .description('Makes a report of a Markdown file, or a new version of one.')
    .argument('<file>', 'Markdown')
    .option('--title <title>', 'default: the first heading, or as it was')
    .option('--report <id>', 'the report that becomes a new version')
    .addHelpText('after', examples('gyre reports write depth.md', 'gyre reports write depth.md --report ID'))
    .action(
      bind<{ readonly title?: string; readonly report?: string }>((cli, { title, report: id }, file) =>
        cli.withClient(async (client) => {
          const text = await textOf(file);
          const before = id === undefined ? undefined : await client.get<Report>(`reports/${encodeURIComponent(id)}`);
          const named = title ?? before?.title ?? /^# (.+)$/m.exec(text)?.[1] ?? file;
          const written =
            before === undefined
              ? await client.post<Report>('reports', { title: named, text })
              : await client.put<Report>(`reports/${encodeURIComponent(before.id)}`, { title: named, text, basedOn: before.version });
          cli.output.facts(written, () => cli.output.line(`version ${written.version} of ${written.title}: /reports/${written.id}`));
        }),
      ),
    );
  reports
    .command('delete')
    .description('Deletes a report with its history.')
    .argument('<report>', 'its id')
    .action(
      bind<object>((cli, _options, id) =>
        cli.withClient(async (client) => {
          await client.remove(`reports/${encodeURIComponent(id)}`);
          cli.output.facts({ deleted: id }, () => cli.output.line(`report ${id} deleted`));
        }),
      ),
    );
};

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(resolve(file), 'utf8');
  } catch (error) {
    throw new GyreError('NOT_FOUND', `${file} cannot be read: ${messageOf(error)}`, { file });
  }
}
