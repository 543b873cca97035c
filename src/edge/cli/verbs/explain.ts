import { resolve } from 'node:path';
import type { EnvironmentState, ExplainAnswer, ExplainRequest, JudgedVersion, NamedRow } from '#contract';
import { GyreError } from '#core';
import type { Cli } from '../cli.ts';
import { openClient } from '../client.ts';
import type { Client } from '../client.ts';
import type { Page } from '../lists.ts';
import type { Register } from '../verb.ts';
import { examples, whole } from '../verb.ts';
import { showExplanation } from './models.ts';
import { fitTo, rowsToPredict } from './serving.ts';

interface ExplainFlags {
  readonly rows?: string;
  readonly set?: readonly string[];
  readonly environment: string;
  readonly address?: string;
  readonly endpoint?: string;
  readonly model?: string;
  readonly method?: ExplainRequest['method'];
  readonly class?: string;
  readonly samples?: number;
}

type Options = Pick<ExplainRequest, 'method' | 'class' | 'samples'>;

export const registerExplain: Register = (program, bind) => {
  program
    .command('explain')
    .summary('say what moved the predictions of rows')
    .description(
      'Asks a data plane what each column added to the prediction of each row: of an environment, at an address, or for a model that lies here (no platform is needed then).',
    )
    .option('--rows <file>', 'rows: JSON (one object or a list), JSON Lines, CSV or Parquet; "-" reads standard input')
    .option('--set <column=value...>', 'one row by its columns, instead of --rows; over a file of rows it changes them')
    .option('--environment <name>', 'the environment', 'production')
    .option('--address <url>', 'a data plane, instead of an environment')
    .option('--endpoint <name>', 'endpoint or model there (default: its first model)')
    .option('--model <place>', 'a package folder or an ONNX file, instead of a data plane')
    .option('--method <name>', 'auto, exact or kernel_shap (default: auto)')
    .option('--class <name>', 'whose margin (default: the positive or the predicted class)')
    .option('--samples <n>', 'coalitions that kernel_shap asks at most', whole)
    .addHelpText(
      'after',
      examples(
        'gyre explain --rows customer.json',
        'gyre explain --model churn-2 --set tenure=3 Contract=Month-to-month',
        'gyre explain --model forest.onnx --rows flowers.csv --class setosa',
        'gyre explain --address http://127.0.0.1:7080 --rows customer.json --method kernel_shap',
      ),
    )
    .action(
      bind<ExplainFlags>(async (cli, flags) => {
        const rows = await rowsToPredict(cli, flags);
        const options: Options = {
          ...(flags.method === undefined ? {} : { method: flags.method }),
          ...(flags.class === undefined ? {} : { class: flags.class }),
          ...(flags.samples === undefined ? {} : { samples: flags.samples }),
        };
        show(cli, await answerOf(cli, flags, rows, options));
      }),
    );
};

async function answerOf(cli: Cli, flags: ExplainFlags, rows: readonly NamedRow[], options: Options): Promise<ExplainAnswer> {
  const { environment, address, model } = flags;
  if (address !== undefined && model !== undefined)
    throw new GyreError('INVALID_ARGUMENT', 'a data plane and a model that lies here cannot both be asked: give --address or --model');
  const ask = (at: string): Promise<ExplainAnswer> => askPlane(cli, at, flags.endpoint, rows, options);
  if (address !== undefined) return ask(address.replace(/\/+$/, ''));
  if (model !== undefined) return (await cli.host.app()).planeForVerb(placed(cli, model), ask);
  return cli.withClient(async (client) => {
    const { items } = await client.get<Page<EnvironmentState>>('environments');
    const live = items.find(({ name }) => name === environment)?.live;
    // What is not there the platform says itself.
    const fitted =
      live === undefined
        ? rows
        : fitTo(cli, (await client.get<JudgedVersion>(`model-versions/${live.modelVersion}`)).signature.inputs, rows);
    return client.post<ExplainAnswer>(`endpoints/${encodeURIComponent(environment)}/explain`, { rows: fitted, ...options });
  });
}

/** `NAME=PLACE` keeps its name. */
function placed({ host }: Cli, model: string): string {
  const [, name, place = model] = /^([A-Za-z0-9][A-Za-z0-9._-]*)=(.+)$/.exec(model) ?? [];
  return name === undefined ? resolve(host.folder, place) : `${name}=${resolve(host.folder, place)}`;
}

interface PlaneModel {
  readonly inputs: readonly { readonly name: string; readonly datatype: string; readonly shape: readonly number[] }[];
}

async function askPlane(
  cli: Cli,
  address: string,
  endpoint: string | undefined,
  rows: readonly NamedRow[],
  options: Options,
): Promise<ExplainAnswer> {
  const { environment, signal } = cli.host;
  const token = environment['GYRE_TOKEN'];
  const client = openClient({ address, signal, ...(token === undefined ? {} : { token }) });
  const [first] = await client.postTo<readonly { readonly name: string }[]>(`${address}/v2/repository/index`, {});
  const name = endpoint ?? first?.name;
  if (name === undefined) throw new GyreError('FAILED_PRECONDITION', `no model is served at ${address}`);
  const path = `${address}/v2/models/${encodeURIComponent(name)}`;
  const { inputs } = await client.getFrom<PlaneModel>(path);
  // A graph that takes one wide tensor names no columns.
  if (inputs.some(({ shape }) => shape.length !== 2 || shape[1] !== 1)) return explainTensors(client, path, inputs, rows, options);
  const fitted = fitTo(cli, inputs, rows);
  try {
    return await client.postTo<ExplainAnswer>(`${address}/explain/${encodeURIComponent(name)}`, { rows: fitted, ...options });
  } catch (error) {
    if (!(error instanceof GyreError) || !/names no columns/.test(error.message)) throw error;
    return explainTensors(client, path, inputs, fitted, options);
  }
}

/** Of a graph that names no columns: its tensors from the columns of the rows, one by name or all of them in their order. */
async function explainTensors(
  client: Client,
  path: string,
  inputs: PlaneModel['inputs'],
  rows: readonly NamedRow[],
  parameters: Options,
): Promise<ExplainAnswer> {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const [only] = inputs;
  const isWide = inputs.length === 1 && only.shape.length === 2 && only.shape[1] !== 1;
  const wanted = isWide ? [only.name] : inputs.map((input) => input.name);
  if (isWide && only.shape[1] > 0 && only.shape[1] !== columns.length)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `the model takes ${only.shape[1]} columns; the rows have ${columns.length}: ${columns.join(', ')}`,
    );
  const tensors = wanted.map((input, at) => {
    const names = isWide ? columns : [input];
    const { datatype } = inputs[at];
    const data = rows.flatMap((row) => names.map((column) => row[column] ?? null));
    return { name: input, datatype, shape: inputs[at].shape.length === 1 ? [rows.length] : [rows.length, names.length], data };
  });
  const {
    model_name: model,
    model_version: version,
    ...answer
  } = await client.postTo<Omit<ExplainAnswer, 'model' | 'version'> & { readonly model_name: string; readonly model_version: string }>(
    `${path}/explain`,
    { inputs: tensors, parameters },
  );
  const said: ReadonlyMap<string, string> = new Map(isWide ? columns.map((column, k) => [`${only.name}[${k}]`, column] as const) : []);
  const explanations = answer.explanations?.map((each) => ({
    ...each,
    contributions: each.contributions.map((part) => ({ ...part, feature: said.get(part.feature) ?? part.feature })),
  }));
  return { model, version, ...answer, ...(explanations === undefined ? {} : { explanations }) };
}

function show(cli: Cli, answer: ExplainAnswer): void {
  cli.output.facts(answer, () => {
    const { model, version, method, scale, background, reason, explanations = [] } = answer;
    cli.output.line(
      `${model}, version ${version}: ${method}, in ${scale.replaceAll('_', ' ')}${background === undefined ? '' : `; from ${fromText(background)}`}`,
    );
    if (reason !== undefined) cli.output.note(reason);
    explanations.forEach((explanation) => {
      cli.output.line();
      showExplanation(cli, { ...explanation, model, method: method === 'occlusion' ? 'kernel_shap' : method });
      const { fidelity } = explanation;
      if (fidelity !== undefined) cli.output.line(`R² ${fidelity.r2.toFixed(4)} over ${fidelity.coalitions} of ${fidelity.of} coalitions`);
    });
    if (answer.maps !== undefined) showMaps(cli, answer.maps);
  });
}

/** From what speaks for a class hardly to what speaks for it most. */
const shades = ' ·░▒▓█';

/** Each square of a picture as two characters, so that a square picture looks square on a terminal. */
function showMaps(cli: Cli, { patch, stride, images }: NonNullable<ExplainAnswer['maps']>): void {
  for (const [row, maps] of images.entries())
    for (const { class: subject, score, values } of maps) {
      const strongest = Math.max(...values.flat());
      cli.output.line();
      cli.output.line(
        `picture ${row}, ${subject}: ${score.toFixed(4)}; with the strongest square of ${patch} pixels covered ${(score - strongest).toFixed(4)} (a square every ${stride} pixels; - speaks against it)`,
      );
      for (const line of values) cli.output.line(line.map((value) => shadeOf(value, strongest).repeat(2)).join(''));
    }
}

function shadeOf(value: number, strongest: number): string {
  if (value < -0.05 * Math.abs(strongest)) return '-';
  return strongest > 0
    ? shades[Math.min(shades.length - 1, Math.max(0, Math.ceil((value / strongest) * (shades.length - 1) - 0.05)))]
    : ' ';
}

function fromText({ kind, rows }: NonNullable<ExplainAnswer['background']>): string {
  if (kind === 'training') return 'the rows that the learner was fitted on';
  if (kind === 'package') return `${rows} typical rows of the package`;
  if (kind === 'request') return `${rows} rows of the request`;
  return kind === 'input_example' ? 'the package’s input example' : 'the middle of what the model takes';
}
