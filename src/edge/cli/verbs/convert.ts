import { resolve } from 'node:path';
import { systemClock } from '#core';
import { GyreError } from '#core';
import { readRows } from '../rows.ts';
import type { Register } from '../verb.ts';
import { examples, whole } from '../verb.ts';
import { tensorNamed } from './tensor-words.ts';

const usualTolerance = 1e-4;
const mebibyte = 2 ** 20;

interface ConvertFlags {
  readonly output: string;
  readonly to: string;
  readonly python: string;
  readonly rows?: string;
  readonly examples?: string;
  readonly input?: readonly string[];
  readonly class?: string;
  readonly classPath?: string;
  readonly classes?: string;
  readonly logits?: boolean;
  readonly tolerance: number;
  readonly accept?: boolean;
  readonly memoryMib?: number;
  readonly timeoutS?: number;
}

export const registerConvert: Register = (program, bind) => {
  program
    .command('convert')
    .summary('make an ONNX package of a model in Python')
    .description(
      'Converts a model to an ONNX graph by the public converters in your own Python, and compares what both say: MLflow’s model folders (scikit-learn, LightGBM, XGBoost, PyTorch, Keras, TensorFlow), programs of torch.export (.pt2), TorchScript (.pt), a state_dict with its --class, Keras’s .keras and .h5, and TensorFlow’s saved models, and bare files of scikit-learn (.pkl, .joblib), XGBoost (.json, .ubj) and LightGBM (.txt), whose columns the --rows name. Loading the model executes code from its files, in that Python. It needs no platform.',
    )
    .argument('<model>', 'the model folder or file')
    .requiredOption('--output <folder>', 'the package folder that is made')
    .option('--to <format>', 'what it becomes; onnx is all there is', 'onnx')
    .option('--python <file>', 'the interpreter that has what the model needs, and the converters', 'python3')
    .option('--rows <file>', 'rows to compare both on: JSON, JSON Lines, CSV or Parquet (default: the model’s input example)')
    .option('--examples <file>', 'of a model of tensors: those to compare both on, .npy or .npz (default: some drawn by chance)')
    .option('--input <tensor...>', 'what a model takes that does not say so itself: NAME=FP32[N,3,96,96], in their order')
    .option('--class <module:name>', 'of a file with a state_dict: the class it is of, made without arguments')
    .option('--class-path <folder>', 'where its module lies (default: this folder)')
    .option('--classes <list>', 'of a network on columns: the classes that its numbers stand for, in their order')
    .option('--logits', 'these numbers are logits: the graph makes probabilities of them')
    .option('--tolerance <share>', 'how far a number may lie from the model’s, in shares of it, or of 1', Number, usualTolerance)
    .option('--accept', 'keep a graph that lies further away; its conversion.json says so')
    .option('--memory-mib <n>', 'memory that the process may ask for (default: no limit)', whole)
    .option('--timeout-s <n>', 'seconds after which it is given up (default: never)', whole)
    .addHelpText(
      'after',
      examples(
        'gyre convert mlruns/…/model --output churn-onnx --python .venv/bin/python --rows reference.csv',
        'gyre convert model.ubj --output churn-onnx --python .venv/bin/python --rows reference.csv',
        'gyre convert net.pt2 --output pets-onnx --python .venv/bin/python --examples photos.npy',
        'gyre convert weights.pt --class pets.model:Net --input "image=FP32[N,3,96,96]" --output pets-onnx',
        'gyre serve --model churn-onnx',
        'gyre model add churn churn-onnx --tag converted_from=churn/3',
      ),
    )
    .action(
      bind<ConvertFlags>(async ({ host, output }, options, model = '') => {
        if (options.to !== 'onnx') throw new GyreError('INVALID_ARGUMENT', `--to ${options.to}: models are converted to onnx`);
        if (!(options.tolerance >= 0)) throw new GyreError('INVALID_ARGUMENT', '--tolerance is a number from 0 on');
        const { convertModel, parityText } = await import('#registry');
        const rows = options.rows === undefined ? undefined : await readRows(host, options.rows);
        const tensors = options.input?.map(tensorNamed);
        const classes = options.classes?.split(',').map((name) => name.trim());
        const limits = {
          ...(options.memoryMib === undefined ? {} : { memoryBytes: options.memoryMib * mebibyte }),
          ...(options.timeoutS === undefined ? {} : { timeoutMs: options.timeoutS * 1000 }),
        };
        const conversion = await convertModel({
          model: resolve(host.folder, model),
          output: resolve(host.folder, options.output),
          python: options.python.includes('/') ? resolve(host.folder, options.python) : options.python,
          ...(rows === undefined ? {} : { rows }),
          ...(options.examples === undefined ? {} : { examples: resolve(host.folder, options.examples) }),
          ...(tensors === undefined ? {} : { tensors }),
          ...(options.class === undefined ? {} : { class: options.class, classPath: resolve(host.folder, options.classPath ?? '.') }),
          ...(classes === undefined ? {} : { classes }),
          ...(options.logits === true ? { logits: true } : {}),
          tolerance: options.tolerance,
          accept: options.accept === true,
          limits,
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
      }),
    );
};
