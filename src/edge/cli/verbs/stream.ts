import type { EnvironmentState, VideoCounts } from '#contract';
import { GyreError } from '#core';
import { openVideoStream, videoSource } from '#video';
import type { ModelPlace, VideoSource } from '#video';
import type { Cli } from '../cli.ts';
import { planeAddress, tokenFor } from '../data-plane.ts';
import type { Page } from '../lists.ts';
import type { Register } from '../verb.ts';
import { examples } from '../verb.ts';
import { pictureHelp, toldPicture } from './told-picture.ts';

interface StreamFlags {
  readonly input: string;
  readonly endpoint?: string;
  readonly model?: string;
  readonly environment: string;
  readonly fps?: number;
  readonly reconnectSeconds?: number;
  readonly picture?: readonly string[];
}

export const registerStream: Register = (program, bind) => {
  program
    .command('stream')
    .summary('a video to a model, in real time')
    .description(
      'Plays a video file, a camera or an RTSP address through ffmpeg and asks a model about its frames as they come. Prints a JSON line for each answer, and the counts at the end. Frames that cannot be asked about in time are dropped, the oldest first, and counted.',
    )
    .requiredOption('--input <video>', 'a file, a device such as /dev/video0, or rtsp://…')
    .option('--endpoint <address>', 'a data plane, such as http://127.0.0.1:7080 (default: that of the environment)')
    .option('--model <name>', 'the model’s name, or the endpoint’s (default: the environment’s endpoint)')
    .option('--environment <name>', 'the environment', 'production')
    .option(
      '--reconnect-seconds <n>',
      'open a camera or address that drops again, until it gives no frame for so long (default: 60; 0: never)',
      seconds,
    )
    .option('--fps <n>', 'frames a second (default: as many as the video has)', framesPerSecond)
    .option('--picture <name=value...>', pictureHelp)
    .addHelpText(
      'after',
      examples(
        'gyre stream --input park.mp4',
        'gyre stream --input rtsp://camera/1 --fps 5',
        'gyre stream --input /dev/video0 --endpoint http://127.0.0.1:7080 --model pets',
        'gyre stream --input park.mp4 --endpoint http://127.0.0.1:7080 --model net --picture scale=1/255 mean=0.485,0.456,0.406 std=0.229,0.224,0.225 labels=imagenet.txt softmax=yes',
      ),
    )
    .action(
      bind<StreamFlags>(async (cli, options) => {
        const source = await videoSource(options.input, cli.host.folder);
        const picture = options.picture === undefined ? {} : { picture: await toldPicture(options.picture, cli.host.folder) };
        await atPlace(cli, options, (place) => play(cli, { ...place, ...picture }, source, options));
      }),
    );
};

function framesPerSecond(text: string): number {
  const fps = Number(text);
  if (fps > 0 && fps <= 1000) return fps;
  throw new GyreError('INVALID_ARGUMENT', `--fps is "${text}": a number above 0, at most 1000, is right`);
}

function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 86_400 * 365) return value;
  throw new GyreError('INVALID_ARGUMENT', `--reconnect-seconds is "${text}": a number of seconds from 0 on is right`);
}

async function play(cli: Cli, place: ModelPlace, source: VideoSource, { fps, reconnectSeconds }: StreamFlags): Promise<void> {
  await using stream = await openVideoStream({
    ...place,
    source,
    ...(fps === undefined ? {} : { fps }),
    ...(reconnectSeconds === undefined ? {} : { reconnectForMs: 1000 * reconnectSeconds }),
    onReconnect: (why) => cli.output.note(`${source.name} dropped and is opened again: ${why}`),
    elapsed: () => performance.now(),
    signal: cli.host.signal,
  });
  try {
    for await (const { said } of stream.frames()) cli.host.stdout.write(`${JSON.stringify(said)}\n`);
  } finally {
    const counts = stream.counts();
    cli.host.stdout.write(`${JSON.stringify(counts)}\n`);
    cli.output.note(wordsOf(counts));
  }
}

/** Works with the data plane that was named, or with that of an environment: a platform that is opened for this verb stays open meanwhile. */
async function atPlace(cli: Cli, asked: StreamFlags, work: (place: ModelPlace) => Promise<void>): Promise<void> {
  const { endpoint, model, environment: name } = asked;
  if (endpoint !== undefined) {
    const address = planeAddress(endpoint);
    if (model === undefined) throw new GyreError('INVALID_ARGUMENT', 'name the model that is asked: --model NAME');
    return work({ address, model, ...tokenFor(address, cli.host.environment['GYRE_TOKEN']) });
  }
  return cli.withClient(async (client) => {
    const { items } = await client.get<Page<EnvironmentState>>('environments');
    const environment = items.find((one) => one.name === name);
    if (environment === undefined)
      throw new GyreError('NOT_FOUND', `there is no environment "${name}"; there are ${items.map((one) => one.name).join(', ')}`);
    const { address, agents } = environment;
    if (agents !== undefined)
      throw new GyreError('FAILED_PRECONDITION', `agents serve "${name}": name the address of a data plane there (--endpoint URL)`);
    if (address === undefined)
      throw new GyreError('FAILED_PRECONDITION', `nothing is served in "${name}": a version has to be rolled out there first`);
    await work({ address, model: model ?? environment.endpoint, ...tokenFor(address, client.options.token) });
  });
}

function wordsOf({
  frames,
  answered,
  dropped,
  failed,
  reconnects,
  labels,
  seconds: took,
  framesPerSecond: rate,
  latencyP99Ms,
}: VideoCounts): string {
  const said = Object.entries(labels).map(([label, count]) => `${label} ${count}`).join(', '); // prettier-ignore
  const again = reconnects === 0 ? '' : `, ${reconnects} times opened again`;
  const late = latencyP99Ms === null ? '' : `, p99 ${latencyP99Ms.toFixed(0)} ms`;
  return `${frames} frames in ${took.toFixed(1)} s: ${answered} answered (${rate.toFixed(1)}/s${late}), ${dropped} dropped, ${failed} failed${again}${said === '' ? '' : `; ${said}`}`;
}
