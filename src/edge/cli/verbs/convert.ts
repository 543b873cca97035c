import { resolve } from 'node:path';
import { systemClock } from '#core';
import { GyreError } from '#core';
import { readRows } from '../rows.ts';
import type { Register } from '../verb.ts';
import { examples } from '../verb.ts';

const usualTolerance = 1e-4;

export const registerConvert: Register = (program, bind) => {
  program
    .command('convert')
    .summary('make an ONNX package of a model in Python')
    .description(
      'Converts a model folder of MLflow’s (scikit-learn, LightGBM, XGBoost) to an ONNX graph behind its columns, by skl2onnx and onnxmltools in your own Python, and compares what both say. Loading the model executes code from its files, in that Python. It needs no platform.',
    )
    .argument('<folder>', 'the model folder')
    .requiredOption('--output <folder>', 'the package folder that is made')
    .option('--to <format>', 'what it becomes; onnx is all there is', 'onnx')
    .option('--python <file>', 'the interpreter that has what the model needs, and the converters', 'python3')
    .option('--rows <file>', 'rows to compare both on: JSON, JSON Lines, CSV or Parquet (default: the model’s input example)')
    .option('--tolerance <share>', 'how far a number may lie from the model’s, in shares of it, or of 1', Number, usualTolerance)
    .option('--accept', 'keep a graph that lies further away; its conversion.json says so')
    .addHelpText(
      'after',
      examples(
        'gyre convert mlruns/…/model --output churn-onnx --python .venv/bin/python --rows reference.csv',
        'gyre serve --model churn-onnx',
        'gyre model add churn churn-onnx --tag converted_from=churn/3',
      ),
    )
    .action(
      bind<{ output: string; to: string; python: string; rows?: string; tolerance: number; accept?: boolean }>(
        async ({ host, output }, options, folder = '') => {
          if (options.to !== 'onnx') throw new GyreError('INVALID_ARGUMENT', `--to ${options.to}: models are converted to onnx`);
          if (!(options.tolerance >= 0)) throw new GyreError('INVALID_ARGUMENT', '--tolerance is a number from 0 on');
          const { convertModel, parityText } = await import('#registry');
          const rows = options.rows === undefined ? undefined : await readRows(host, options.rows);
          const conversion = await convertModel({
            folder: resolve(host.folder, folder),
            output: resolve(host.folder, options.output),
            python: options.python.includes('/') ? resolve(host.folder, options.python) : options.python,
            ...(rows === undefined ? {} : { rows }),
            tolerance: options.tolerance,
            accept: options.accept === true,
            clock: systemClock,
          });
          output.facts(conversion, () => {
            output.pairs([
              ['package', options.output],
              ['parity', `${parityText(conversion.parity)}${conversion.accepted ? ': beyond the tolerance, and accepted' : ''}`],
              [
                'converted by',
                Object.entries(conversion.versions)
                  .map(([name, version]) => `${name} ${version}`)
                  .join(', '),
              ],
            ]);
            output.line(output.style('dim', `gyre serve --model ${options.output}`));
          });
        },
      ),
    );
};
