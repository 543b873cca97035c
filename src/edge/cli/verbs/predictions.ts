import type { Explanation, Prediction } from '#contract';
import { hasCode } from '#core';
import { listFlags, listQuery, pageNote } from '../lists.ts';
import type { ListFlags, Page } from '../lists.ts';
import { when } from '../output.ts';
import type { Register } from '../verb.ts';
import { showExplanation } from './models.ts';
import { registerShip } from './ship-predictions.ts';

/** A prediction on record, with what became of it, as the API answers it. */
interface PredictionRecord {
  readonly id: string;
  readonly environment: string;
  readonly endpoint: string;
  readonly generation: number;
  readonly modelVersion?: string;
  readonly eventTime: string;
  readonly predicted?: string;
  readonly score?: number;
  readonly label?: { readonly value: string | number | boolean | null; readonly receivedAt: string };
  readonly prediction?: Prediction;
}

export const registerPredictions: Register = (program, bind) => {
  const prediction = program
    .command('prediction')
    .summary('logged predictions: list, show, ship')
    .description('Predictions as the data planes logged them, with the labels that came later.');
  registerShip(prediction, bind);
  listFlags(prediction.command('ls').description('Lists predictions.'))
    .option('--environment <name>', 'of one environment')
    .action(
      bind<ListFlags & { environment?: string }>((cli, options) =>
        cli.withClient(async (client) => {
          const page = await client.get<Page<PredictionRecord>>('predictions', { ...listQuery(options), environment: options.environment });
          cli.output.facts(page, () => {
            cli.output.table(page.items, [
              { title: 'PREDICTION', of: ({ id }) => id },
              { title: 'ENVIRONMENT', of: ({ environment }) => environment },
              { title: 'SAID', of: saidBy },
              { title: 'SCORE', of: ({ score }) => score, align: 'right' },
              { title: 'HAPPENED', of: ({ label }) => label?.value },
              { title: 'WHEN', of: ({ eventTime }) => when(eventTime) },
            ]);
            pageNote(cli, page);
          });
        }),
      ),
    );
  prediction
    .command('show')
    .description('Shows a prediction with what moved it.')
    .argument('<prediction>', 'its id')
    .action(
      bind<object>((cli, _options, id) =>
        cli.withClient(async (client) => {
          const path = `predictions/${encodeURIComponent(id)}`;
          const found = await client.get<PredictionRecord>(path);
          // Of a prediction that was not logged with its inputs there is nothing to explain.
          const explanation = await client.get<Explanation>(`${path}/explanation`).catch((error: unknown) => {
            if (hasCode(error, 'NOT_FOUND') || hasCode(error, 'FAILED_PRECONDITION')) return undefined;
            throw error;
          });
          cli.output.facts({ prediction: found, ...(explanation === undefined ? {} : { explanation }) }, () => {
            cli.output.pairs([
              ['prediction', found.id],
              ['model version', found.modelVersion],
              ['served', `${found.endpoint} in ${found.environment}, generation ${found.generation}`],
              ['when', when(found.eventTime)],
              ['said', saidBy(found)],
              ['score', found.score],
              ['happened', found.label === undefined ? 'not known yet' : String(found.label.value)],
              ['latency', found.prediction === undefined ? undefined : `${found.prediction.latencyMs.toFixed(2)} ms`],
            ]);
            if (explanation === undefined) return;
            cli.output.line();
            showExplanation(cli, explanation);
          });
        }),
      ),
    );
};

function saidBy({ predicted, score }: PredictionRecord): string {
  return predicted ?? (score === undefined ? '-' : String(Number(score.toPrecision(6))));
}
