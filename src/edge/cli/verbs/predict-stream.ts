import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { StreamFigures, StreamPrediction, StreamRequestBody } from '#contract';
import { GyreError } from '#core';
import type { PythonChoices, StreamAnswerer } from '../app-door.ts';
import type { Cli } from '../cli.ts';
import { planeAddress, tokenFor } from '../data-plane.ts';
import { atLeastOne, whole } from '../verb.ts';
import { countOf } from '../work-progress.ts';
import { given } from './predict-table.ts';

/** What `gyre predict --stream` takes. */
export interface PredictStreamOptions {
  readonly stream?: string;
  readonly output?: string;
  readonly model?: string;
  /** A data plane's. */
  readonly endpoint?: string;
  readonly deadLetters?: string;
  readonly group?: string;
  readonly from?: 'first' | 'new';
  readonly inFlight?: number;
  readonly attempts?: number;
  readonly ackWait?: number;
  readonly create?: boolean;
  readonly metricsPort?: number;
}

type Options = PredictStreamOptions & PythonChoices;

function begin(text: string): string {
  if (text !== 'first' && text !== 'new') throw new InvalidArgumentError('first or new is needed.');
  return text;
}

/** Adds the options of stream predictions to the verb. */
export function predictStreamOptions(command: Command): Command {
  return command
    .option(
      '--stream <topic>',
      'a topic whose messages are answered to --output: nats://host/subject, redis://host/key, kafka://host/topic',
    )
    .option('--endpoint <address>', 'with --stream: a data plane that answers, such as http://127.0.0.1:7080; --model is its name there')
    .option('--dead-letters <topic>', 'where messages go that cannot be answered (default: that of --output with .dead; Redis: :dead)')
    .option('--group <name>', 'the consumer group, whose place in the topic is kept (default: gyre-<model>)')
    .option('--from <place>', 'where a new group begins: first (all that is there) or new (default: first)', begin)
    .option('--in-flight <count>', 'messages that are taken and not acknowledged, at most (default: 1024)', atLeastOne)
    .option('--attempts <count>', 'tries of the model before a message is a dead letter (default: 5)', atLeastOne)
    .option('--ack-wait <seconds>', 'after so long without a word, what a process took is given to another (default: 30)', atLeastOne)
    .option('--create', 'makes topics that are not there')
    .option('--metrics-port <port>', 'Prometheus metrics at /metrics, and /status, on this machine; 0: any free port', whole)
    .option('--python <file>', 'with --stream: allow a model that executes code on load (no ONNX graph): this interpreter runs it')
    .option('--python-env <folder>', 'allow it, in an environment that is installed from its lock into this folder')
    .option('--python-cache <folder>', 'a copy of its package lies here (default: in --python-env, else in ~/.cache)')
    .option('--python-processes <n>', 'Python processes for it (default: 1)', whole)
    .option('--python-limit <name=value...>', 'memoryMiB, openFiles, userProcesses, cpuSeconds, loadTimeoutMs or runTimeoutMs of them');
}

/** Answers a topic: from this machine by a model on its disk or by an endpoint, until Ctrl-C or SIGTERM; else by the platform, which goes on by itself. */
export async function predictStream(cli: Cli, options: Options & { readonly stream: string }): Promise<void> {
  const { host } = cli;
  const { stream, output, model, endpoint, deadLetters } = options;
  if (model === undefined)
    throw new GyreError('INVALID_ARGUMENT', 'by which model? --model FOLDER|FILE.onnx|NAME; with --endpoint the name that it is served by');
  if (output === undefined) throw new GyreError('INVALID_ARGUMENT', 'where do the answers go? --output nats://…, redis://… or kafka://…');
  const places = { input: stream, output, ...given({ deadLetters }) };
  for (const text of Object.values(places))
    if (/\/\/[^/@]*:(?!\$\{)[^/@]*@/.test(text))
      throw new GyreError(
        'INVALID_ARGUMENT',
        'others on this machine can read a command line: write the password as ${env:NAME}, or put it into the file that GYRE_BROKERS names',
      );
  if (endpoint !== undefined) {
    const address = planeAddress(endpoint);
    return answerHere(cli, options, places, { address, model, ...tokenFor(address, host.environment['GYRE_TOKEN']) });
  }
  const [, name = '', place = model] = /^([A-Za-z0-9][A-Za-z0-9._-]*=)(.+)$/.exec(model) ?? [];
  if (model.startsWith('models:/') || !existsSync(resolve(host.folder, place))) {
    if (model.endsWith('.onnx')) throw new GyreError('NOT_FOUND', `there is no file ${resolve(host.folder, place)}`);
    return beginOnPlatform(cli, options, places, model);
  }
  const { python, pythonEnv, pythonCache, pythonProcesses, pythonLimit } = options;
  const choices = given({ python, pythonEnv, pythonCache, pythonProcesses, pythonLimit });
  return answerHere(cli, options, places, { place: `${name}${resolve(host.folder, place)}`, ...choices });
}

async function answerHere(
  cli: Cli,
  options: PredictStreamOptions,
  places: Pick<StreamRequestBody, 'input' | 'output' | 'deadLetters'>,
  model: StreamAnswerer,
): Promise<void> {
  const { host } = cli;
  const { group, from, inFlight, attempts, ackWait, create, metricsPort } = options;
  const app = await host.app();
  const figures = await app.predictStream({
    projectFolder: cli.projectFolder,
    flags: cli.flags,
    environment: host.environment,
    model,
    places,
    choices: given({ group, from, inFlight, attempts, create, ackWaitMs: ackWait === undefined ? undefined : ackWait * 1000 }),
    ...given({ metricsPort }),
    ready: (what) => cli.output.note(`group ${what.group}, model ${what.model}: answering; Ctrl-C ends it`),
    say: (line) => cli.output.note(line),
    signal: host.signal,
  });
  cli.output.facts(figures, () => cli.output.line(wordsOf(figures)));
}

/** What came of a stream, in words. */
export function wordsOf({ consumed, published, deadLetters, redelivered, lag }: Omit<StreamFigures, 'state'>): string {
  const again = redelivered === 0 ? '' : `, ${countOf(redelivered)} of them not for the first time`;
  const left = lag === undefined ? '' : `; ${countOf(lag)} wait`;
  return `${countOf(consumed)} messages taken${again}: ${countOf(published)} answered, ${countOf(deadLetters)} dead letters${left}`;
}

async function beginOnPlatform(
  cli: Cli,
  { group, from, inFlight, attempts, ackWait, create, metricsPort }: PredictStreamOptions,
  places: Pick<StreamRequestBody, 'input' | 'output' | 'deadLetters'>,
  model: string,
): Promise<void> {
  if (metricsPort !== undefined)
    throw new GyreError(
      'INVALID_ARGUMENT',
      '--metrics-port is of models on this disk: what the platform runs is counted by the platform’s /metrics',
    );
  if ((await cli.server()) === undefined)
    throw new GyreError(
      'FAILED_PRECONDITION',
      'a registered model answers a stream on a platform that goes on: start it (gyre up), or pull the model (gyre model pull) and name its folder',
    );
  const body: StreamRequestBody = {
    model,
    ...places,
    ...given({ group, from, inFlight, attempts, create, ackWaitMs: ackWait === undefined ? undefined : ackWait * 1000 }),
  };
  return cli.withClient(async (client) => {
    const started = await client.post<StreamPrediction>('stream-predictions', body);
    cli.output.facts(started, () =>
      cli.output.line(
        `stream prediction ${started.id} has begun, in the group ${started.group}; \`gyre stream-predictions show ${started.id}\` tells how it goes`,
      ),
    );
  });
}
