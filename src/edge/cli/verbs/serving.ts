import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { EnvironmentState, Label, PredictAnswer } from '#contract';
import { GyreError } from '#core';
import type { ServeFlags } from '../app-door.ts';
import type { Page } from '../lists.ts';
import { readRows } from '../rows.ts';
import type { Register } from '../verb.ts';
import { examples, whole } from '../verb.ts';

export const registerServing: Register = (program, bind) => {
  program
    .command('serve')
    .summary('a data plane by itself')
    .description(
      'Runs a data plane: the Open Inference Protocol and rows with named columns, over HTTP, from a signed manifest or a package folder. It needs no platform.',
    )
    .option('--manifest <file>', 'a signed release manifest')
    .option('--blobs <folder>', 'where the manifest’s packages lie')
    .option('--model <folder>', 'a package folder, served as it lies there, unsigned')
    .option('--public-key <file>', 'the key that the manifest must be signed with (PEM)')
    .option('--unsigned', 'serve the manifest whoever wrote it')
    .option('--host <address>', 'the address to bind to (default: 127.0.0.1)')
    .option('--port <n>', 'the port; 0 takes a free one (default: 7080)', whole)
    .option('--spool <folder>', 'log predictions here')
    .option('--control', 'take commands on standard input, one JSON object a line')
    .option('--detached-ok', 'go on when the control pipe closes')
    .option('--workers <n>', 'worker threads of a model that does not run inline', whole)
    .option('--lane <lane>', 'inline or workers (default: measured)')
    .option('--tls-cert <file>', 'certificate (PEM)')
    .option('--tls-key <file>', 'its key (PEM)')
    .option('--insecure-http', 'bind beyond loopback without TLS')
    .option('--allowed-host <name...>', 'names by which callers may reach it')
    .option('--log-level <level>', 'trace, debug, info, warn, error, fatal or silent')
    .addHelpText('after', examples('gyre model pull churn@champion', 'gyre serve --model churn-2'))
    .action(
      bind<ServeFlags>(async (cli, options) => {
        if (options.manifest === undefined && options.model === undefined)
          throw new GyreError('INVALID_ARGUMENT', 'name what to serve: --manifest FILE with --blobs FOLDER, or --model FOLDER');
        const app = await cli.host.app();
        return app.inferenceProcess(options);
      }),
    );

  program
    .command('predict')
    .summary('predict rows with what is live')
    .description('Sends rows to the data plane of an environment and prints the answers with their prediction ids.')
    .requiredOption('--rows <file>', 'rows: JSON (one object or a list), JSON Lines or CSV; "-" reads standard input')
    .option('--environment <name>', 'the environment', 'production')
    .addHelpText('after', examples('gyre predict --rows customer.json', 'echo \'{"tenure": 3, …}\' | gyre predict --rows -'))
    .action(
      bind<{ rows: string; environment: string }>((cli, options) =>
        cli.withClient(async (client) => {
          const rows = await readRows(cli.host, options.rows);
          const { items } = await client.get<Page<EnvironmentState>>('environments');
          const environment = items.find(({ name }) => name === options.environment);
          if (environment === undefined)
            throw new GyreError(
              'NOT_FOUND',
              `there is no environment "${options.environment}"; there are ${items.map(({ name }) => name).join(', ')}`,
            );
          if (environment.address === undefined)
            throw new GyreError(
              'FAILED_PRECONDITION',
              `nothing is served in "${options.environment}": a version has to be rolled out there first`,
            );
          const answer = await client.postTo<PredictAnswer>(`${environment.address}/predict/${encodeURIComponent(environment.endpoint)}`, {
            rows,
          });
          cli.output.facts(answer, () => {
            cli.output.line(`${answer.model}, version ${answer.version}`);
            cli.output.table(answer.predictions, [
              { title: 'PREDICTION', of: ({ id }) => id },
              { title: 'SAYS', of: ({ label, value }) => label ?? value },
              {
                title: 'PROBABILITIES',
                of: ({ probabilities }) =>
                  Object.entries(probabilities ?? {})
                    .map(([name, value]) => `${name} ${value.toFixed(4)}`)
                    .join(', '),
              },
            ]);
          });
        }),
      ),
    );

  program
    .command('label')
    .summary('say what really happened')
    .description('Sends labels for predictions: what really happened, joined by prediction id.')
    .argument('[prediction]', 'a prediction’s id')
    .argument('[value]', 'what happened')
    .option('--file <file>', 'many: JSON Lines with prediction, value and maybe observedAt')
    .addHelpText('after', examples('gyre label 3-1a2b3c4d-0190… Yes', 'gyre label --file labels.jsonl'))
    .action(
      bind<{ file?: string }>((cli, options, prediction, value) =>
        cli.withClient(async (client) => {
          const labels = options.file === undefined ? oneLabel(prediction, value) : await labelsOf(resolve(cli.host.folder, options.file));
          const joined = await client.post<{ joined: number; unchanged: number; unmatched: number }>('labels', { labels });
          cli.output.facts(joined, () =>
            cli.output.line(
              `${joined.joined} joined, ${joined.unchanged} known already, ${joined.unmatched} of predictions that are not known yet`,
            ),
          );
        }),
      ),
    );
};

function oneLabel(prediction: string | undefined, value: string | undefined): Label[] {
  if (prediction === undefined || value === undefined)
    throw new GyreError('INVALID_ARGUMENT', 'name a prediction and what happened, or many with --file');
  const number = Number(value);
  return [{ prediction, value: value.trim() !== '' && String(number) === value ? number : value }];
}

async function labelsOf(file: string): Promise<Label[]> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new GyreError('NOT_FOUND', `there is no file ${file}`);
  });
  return text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    try {
      // The server checks each label; here it only has to be JSON.
      return [JSON.parse(line) as Label];
    } catch {
      throw new GyreError('INVALID_ARGUMENT', `${file}:${index + 1}: not JSON; {"prediction": "…", "value": "Yes"} is needed`);
    }
  });
}
