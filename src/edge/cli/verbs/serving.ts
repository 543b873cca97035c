import type { EnvironmentState, Label, JudgedVersion, NamedRow, PredictAnswer } from '#contract';
import { GyreError } from '#core';
import type { PythonChoices, ServeFlags } from '../app-door.ts';
import type { Cli } from '../cli.ts';
import type { Page } from '../lists.ts';
import { readRows } from '../rows.ts';
import type { Register } from '../verb.ts';
import { predictStream, predictStreamOptions } from './predict-stream.ts';
import type { PredictStreamOptions } from './predict-stream.ts';
import { predictTable, predictTableOptions } from './predict-table.ts';
import type { PredictTableFlags } from './predict-table.ts';
import { examples, whole } from '../verb.ts';

export const registerServing: Register = (program, bind) => {
  program
    .command('serve')
    .summary('a data plane by itself')
    .description(
      'Runs a data plane: the Open Inference Protocol and rows with named columns, over HTTP and gRPC, from a signed manifest, a package folder or any ONNX file. It needs no platform.',
    )
    .option('--manifest <file>', 'a signed release manifest')
    .option('--blobs <place>', 'where the manifest’s packages lie: a folder, or s3://bucket/prefix')
    .option('--blob-cache <folder>', 'keep copies of what is in a bucket here (default: in ~/.cache)')
    .option('--s3-endpoint <address>', 'address of the S3 service (default: as AWS_ENDPOINT_URL_S3 says, else Amazon)')
    .option('--s3-region <name>', 'its region (default: as AWS_REGION says)')
    .option('--route <file>', 'how requests find their model among those, as JSON: weights, sticky keys, rules, shadows, fallback, chains')
    .option(
      '--model <place...>',
      'package folders, MLflow’s model folders or ONNX files, served as they lie there, unsigned; NAME=PLACE names one',
    )
    .option(
      '--container <platform>',
      'run as a container of sagemaker or vertex, or of any platform that says PORT (port): ports, routes and the model as it says in the environment (default: as GYRE_CONTAINER says)',
    )
    .option('--public-key <file>', 'the key that the manifest must be signed with (PEM)')
    .option('--unsigned', 'serve the manifest whoever wrote it')
    .option('--host <address>', 'the address to bind to (default: 127.0.0.1)')
    .option('--port <n>', 'the port; 0 takes a free one (default: 7080)', whole)
    .option('--grpc-port <n>', 'the port of gRPC, or "off" (default: the one after --port, such as 7081)')
    .option(
      '--answering-threads <n>',
      'threads that take requests, or auto: more of them, up to 4, when those that there are have no time left (default: as GYRE_ANSWERING_THREADS says, else auto)',
    )
    .option('--spool <folder>', 'log predictions here')
    .option('--log-events <url>', 'tell this address of requests and responses, as CloudEvents of KServe’s logger')
    .option('--log-events-mode <mode>', 'all, request or response (default: all)')
    .option('--event-hosts <list>', 'hosts that a manifest may have events sent to (default: public)')
    .option(
      '--access-log <file>',
      'a line of JSON for each request, without what it says: a file, "-" (standard output) or "off" (default: off)',
    )
    .option('--control', 'take commands on standard input, one JSON object a line')
    .option('--detached-ok', 'go on when the control pipe closes')
    .option('--workers <n>', 'worker threads of a model: a number, or a range such as 0-4 (default: 1 to as many as cores)')
    .option('--threads <n>', 'that one operation of a model uses, or auto (default: 1 under load, all cores for a request that is alone)')
    .option(
      '--engine <name>',
      'what runs graphs of tables: auto (Gyre itself where it gives the same bytes) or onnxruntime (default: auto)',
    )
    .option('--provider <name>', 'what computes: cpu or cuda (default: cpu)')
    .option('--wait-ms <n>', 'a request that waits longer for a run brings one more worker (default: 10)')
    .option('--idle-ms <n>', 'workers that were not needed for so long end (default: 60000)')
    .option('--max-batch-rows <n>', 'rows of one run of a model (default: measured)')
    .option('--max-delay-ms <n>', 'how long a run waits for more rows (default: it does not)')
    .option('--max-queued <n>', 'requests that may wait for a model (default: 4096)')
    .option('--memory-mib <n>', 'memory of all models together; those used least are unloaded until they are asked')
    .option('--max-concurrent <n>', 'with --model: requests that are answered at the same time; more are answered 503 (default: no limit)')
    .option('--rate <n>', 'with --model: requests a second of all callers, such as 50, or 50/100 with those at once after a pause (429)')
    .option('--timeout-ms <n>', 'with --model: how long a request may take (504; default: as long as its caller waits)')
    .option('--max-body-bytes <n>', 'with --model: of a body, packed or unpacked (413; default: 67108864)')
    .option('--log-sample <share>', 'with --model and --spool: share of the requests that are logged (default: 1)')
    .option('--log-mask <name...>', 'with --model: inputs and outputs whose values are hidden before anything is logged')
    .option('--log-drop <name...>', 'with --model: inputs and outputs that are left out of the log')
    .option('--log-max-mib <n>', 'with --model: what the log may take of the disk (default: 2048)')
    .option('--log-when-full <what>', 'with --model: refuse (503 to what must be logged) or drop_oldest (default: refuse)')
    .option('--model-control', 'whoever may infer may unload models and load them again, by the protocol’s repository extension')
    .option('--lane <lane>', 'inline or workers (default: measured, and watched)')
    .option('--python <file>', 'allow models that execute code on load (no ONNX graph): this interpreter runs them')
    .option('--python-env <folder>', 'allow them, each in an environment that is installed from its lock into this folder')
    .option('--python-cache <folder>', 'copies of their packages lie here (default: in --python-env, else in ~/.cache)')
    .option('--python-processes <n>', 'Python processes for each model (default: 1)', whole)
    .option('--python-limit <name=value...>', 'memoryMiB, openFiles, userProcesses, cpuSeconds, loadTimeoutMs or runTimeoutMs of them')
    .option('--tls-cert <file>', 'certificate (PEM)')
    .option('--tls-key <file>', 'its key (PEM)')
    .option('--insecure-http', 'bind beyond loopback without TLS')
    .option('--allowed-host <name...>', 'names by which callers may reach it')
    .option('--log-level <level>', 'trace, debug, info, warn, error, fatal or silent')
    .addHelpText(
      'after',
      examples(
        'gyre model pull churn@champion',
        'gyre serve --model churn-2',
        'gyre serve --model digits=mnist.onnx',
        'gyre serve --model churn-2 --rate 50/100 --spool log --log-mask email',
      ),
    )
    .action(
      bind<ServeFlags>(async (cli, options) => {
        const { GYRE_CONTAINER: platform = '' } = cli.host.environment;
        if (options.manifest === undefined && options.model === undefined && (options.container ?? platform) === '')
          throw new GyreError(
            'INVALID_ARGUMENT',
            'name what to serve: --manifest FILE with --blobs FOLDER (or s3://…), or --model FOLDER|FILE.onnx',
          );
        const app = await cli.host.app();
        return app.inferenceProcess(options);
      }),
    );

  predictStreamOptions(predictTableOptions(program.command('predict')))
    .summary('predict rows with what is live, a whole table or a topic with any model')
    .description(
      'Sends rows to the data plane of an environment and prints the answers with their prediction ids; with --input it predicts a whole table: every row ' +
        'comes out, with its prediction or the reason why it has none. A run that was broken off goes on when the same is said again. With --stream it ' +
        'answers the messages of a topic to another, at least once, until Ctrl-C.',
    )
    .option('--rows <file>', 'rows: JSON (one object or a list), JSON Lines, CSV or Parquet; "-" reads standard input')
    .option('--set <column=value...>', 'one row by its columns, instead of --rows; over a file of rows it changes them')
    .option('--environment <name>', 'the environment', 'production')
    .addHelpText(
      'after',
      examples(
        'gyre predict --rows customer.json',
        'gyre predict --rows customer.json --set tenure=60',
        'echo \'{"tenure": 3, …}\' | gyre predict --rows -',
        'gyre predict --model churn@champion --input customers.parquet --output scored.parquet',
        'gyre predict --model churn.onnx --input customers.csv --output scored/ --partition-by country',
        'gyre predict --model churn-2 --stream nats://127.0.0.1:4222/customers.new --output nats://127.0.0.1:4222/customers.scored',
        'gyre predict --endpoint http://127.0.0.1:7080 --model churn --stream redis://127.0.0.1:6379/customers --output redis://127.0.0.1:6379/scored',
      ),
    )
    .action(
      bind<{ rows?: string; set?: readonly string[]; environment: string } & PredictTableFlags & PredictStreamOptions & PythonChoices>(
        async (cli, options) => {
          const { stream } = options;
          if (stream !== undefined) {
            if (options.input !== undefined)
              throw new GyreError('INVALID_ARGUMENT', 'a table (--input) or a topic (--stream) is predicted, not both at once');
            return predictStream(cli, { ...options, stream });
          }
          if (options.input !== undefined || options.output !== undefined || options.model !== undefined) return predictTable(cli, options);
          return cli.withClient(async (client) => {
            const rows = await rowsToPredict(cli, options);
            const { items } = await client.get<Page<EnvironmentState>>('environments');
            const environment = items.find(({ name }) => name === options.environment);
            if (environment === undefined)
              throw new GyreError(
                'NOT_FOUND',
                `there is no environment "${options.environment}"; there are ${items.map(({ name }) => name).join(', ')}`,
              );
            if (environment.agents !== undefined)
              throw new GyreError(
                'FAILED_PRECONDITION',
                `agents serve "${options.environment}" on machines that the platform does not reach: ask the data plane there`,
              );
            if (environment.address === undefined || environment.live === undefined)
              throw new GyreError(
                'FAILED_PRECONDITION',
                `nothing is served in "${options.environment}": a version has to be rolled out there first`,
              );
            const answer = await client.postTo<PredictAnswer>(
              `${environment.address}/predict/${encodeURIComponent(environment.endpoint)}`,
              {
                rows: fitTo(
                  cli,
                  (await client.get<JudgedVersion>(`model-versions/${environment.live.modelVersion}`)).signature.inputs,
                  rows,
                ),
              },
            );
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
          });
        },
      ),
    );

  program
    .command('label')
    .summary('say what really happened')
    .description('Sends labels for predictions: what really happened, joined by prediction id.')
    .argument('[prediction]', 'a prediction’s id')
    .argument('[value]', 'what happened')
    .option('--file <file>', 'many: JSON, JSON Lines, CSV or Parquet with the columns prediction, value and maybe observedAt')
    .addHelpText('after', examples('gyre label 3-1a2b3c4d-0190… Yes', 'gyre label --file labels.csv'))
    .action(
      bind<{ file?: string }>((cli, options, prediction, value) =>
        cli.withClient(async (client) => {
          const labels = options.file === undefined ? oneLabel(prediction, value) : await labelsOf(cli, options.file);
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

/** The rows of a file with columns set over them; without a file, one row of those columns alone. */
export async function rowsToPredict(
  cli: Cli,
  { rows, set = [] }: { readonly rows?: string; readonly set?: readonly string[] },
): Promise<readonly NamedRow[]> {
  if (rows === undefined && set.length === 0)
    throw new GyreError('INVALID_ARGUMENT', 'name the rows to predict: --rows FILE, or --set COLUMN=VALUE for each column of one row');
  const change = Object.fromEntries(set.map(columnValue));
  return (rows === undefined ? [{}] : await readRows(cli.host, rows)).map((row) => ({ ...row, ...change }));
}

/** Rows with the columns that a model takes; what else a file holds (a key, the target) is left out, and said. */
export function fitTo(
  cli: Cli,
  inputs: readonly { readonly name: string; readonly datatype: string }[],
  rows: readonly NamedRow[],
): readonly NamedRow[] {
  const typeOf = new Map(inputs.map(({ name, datatype }) => [name, datatype]));
  const others = new Set(rows.flatMap((row) => Object.keys(row)).filter((name) => !typeOf.has(name)));
  if (others.size > 0) cli.output.note(`left out, since the model does not take them: ${[...others].join(', ')}`);
  // A file says "3" or 3; the model says which of both it is.
  const fit = (name: string, value: NamedRow[string]): NamedRow[string] =>
    typeOf.get(name) === 'BYTES' && typeof value === 'number' ? String(value) : value;
  return rows.map((row) =>
    Object.fromEntries(Object.entries(row).flatMap(([name, value]) => (typeOf.has(name) ? [[name, fit(name, value)]] : []))),
  );
}

/** `tenure=3`: a number where it reads as one, null where nothing follows, else text. */
function columnValue(text: string): [string, NamedRow[string]] {
  const sign = text.indexOf('=');
  if (sign < 1) throw new GyreError('INVALID_ARGUMENT', `"${text}" sets no column: COLUMN=VALUE is needed, such as tenure=3`);
  const value = text.slice(sign + 1);
  return [text.slice(0, sign), value === '' ? null : plainValue(value)];
}

function plainValue(text: string): number | string {
  return text.trim() !== '' && String(Number(text)) === text ? Number(text) : text;
}

function oneLabel(prediction: string | undefined, value: string | undefined): Label[] {
  if (prediction === undefined || value === undefined)
    throw new GyreError('INVALID_ARGUMENT', 'name a prediction and what happened, or many with --file');
  return [{ prediction, value: plainValue(value) }];
}

async function labelsOf(cli: Cli, file: string): Promise<Label[]> {
  return (await readRows(cli.host, file)).map((row, index) => {
    const { prediction, value, observedAt } = row;
    if (typeof prediction !== 'string' || value === undefined || value === null) {
      throw new GyreError('INVALID_ARGUMENT', `${file}: row ${index + 1} is no label: the columns "prediction" and "value" are needed`);
    }
    // The server checks the rest.
    return { prediction, value, ...(typeof observedAt === 'string' ? { observedAt } : {}) };
  });
}
