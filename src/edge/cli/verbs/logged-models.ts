import type { LoggedModel } from '#contract';
import { listFlags, listQuery, pageNote } from '../lists.ts';
import type { ListFlags, Page } from '../lists.ts';
import { when } from '../output.ts';
import type { Register } from '../verb.ts';
import { examples } from '../verb.ts';

interface Filter extends ListFlags {
  readonly experiment?: string;
  readonly filter?: string;
  readonly order?: string;
}

export const registerLoggedModels: Register = (program, bind) => {
  const models = program
    .command('logged-models')
    .summary('models that runs logged: list, show')
    .description('Models that runs logged, before or after anybody registers them.');
  listFlags(models.command('ls').description('Lists logged models, newest first.'))
    .option('--experiment <name>', 'of one experiment')
    .option('--filter <conditions>', 'in MLflow’s grammar, such as "metrics.auc > 0.9"')
    .option('--order <field>', 'such as "metrics.auc desc"')
    .addHelpText(
      'after',
      examples('gyre logged-models ls --filter "metrics.auc > 0.9 AND params.kind = \'tree\'" --order "metrics.auc desc"'),
    )
    .action(
      bind<Filter>((cli, { experiment, filter, order, ...flags }) =>
        cli.withClient(async (client) => {
          const page = await client.get<Page<LoggedModel>>('logged-models', { ...listQuery(flags), experiment, filter, order });
          cli.output.facts(page, () => {
            cli.output.table(page.items, [
              { title: 'MODEL', of: ({ id }) => id },
              { title: 'NAME', of: ({ name }) => name },
              { title: 'TYPE', of: ({ type }) => type },
              { title: 'STATUS', of: ({ status }) => status },
              { title: 'METRICS', of: metricsText },
              { title: 'WHEN', of: ({ createdAt }) => when(createdAt) },
            ]);
            pageNote(cli, page);
          });
        }),
      ),
    );
  models
    .command('show')
    .description('Shows a logged model.')
    .argument('<model>', 'its id')
    .action(
      bind<object>((cli, _options, id) =>
        cli.withClient(async (client) => {
          const model = await client.get<LoggedModel>(`logged-models/${encodeURIComponent(id)}`);
          cli.output.facts(model, () => {
            cli.output.pairs([
              ['model', model.id],
              ['name', model.name],
              ['type', model.type],
              ['status', model.deleted ? `${model.status}, deleted` : model.status],
              ['experiment', model.experiment],
              ['run', model.run],
              ['files', model.artifacts],
              ['made', when(model.createdAt)],
              ['changed', when(model.updatedAt)],
            ]);
            cli.output.line();
            cli.output.table(Object.entries(model.parameters), [
              { title: 'PARAMETER', of: ([name]) => name },
              { title: 'VALUE', of: ([, value]) => value },
            ]);
            cli.output.line();
            cli.output.table(model.metrics, [
              { title: 'METRIC', of: ({ key }) => key },
              { title: 'VALUE', of: ({ value }) => value ?? 'none', align: 'right' },
              { title: 'DATASET', of: ({ dataset }) => dataset?.name },
              { title: 'STEP', of: ({ step }) => step, align: 'right' },
            ]);
            cli.output.line();
            cli.output.table(Object.entries(model.tags), [
              { title: 'TAG', of: ([name]) => name },
              { title: 'VALUE', of: ([, value]) => value },
            ]);
          });
        }),
      ),
    );
};

function metricsText({ metrics }: LoggedModel): string {
  const said = metrics.slice(0, 3).map(({ key, value, dataset }) => {
    const on = dataset === undefined ? '' : ` on ${dataset.name}`;
    return `${key} ${value === null ? 'none' : value.toPrecision(4)}${on}`;
  });
  return said.join(', ');
}
