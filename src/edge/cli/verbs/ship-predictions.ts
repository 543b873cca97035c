import { rm } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Prediction } from '#contract';
import { GyreError, hasCode, messageOf } from '#core';
import type { Cli } from '../cli.ts';
import type { Client } from '../client.ts';
import type { Bind } from '../verb.ts';
import { examples, whole } from '../verb.ts';

interface ShipFlags {
  readonly follow?: boolean;
  readonly every: number;
}

interface Shipped {
  segments: number;
  /** Those that were not on record. */
  rows: number;
}

const partRows = 5000;
const longestPauseS = 60;

/** The verb that brings home what a data plane logged that ran alone. */
export function registerShip(prediction: Command, bind: Bind): void {
  prediction
    .command('ship')
    .description(
      'Brings the prediction log of a data plane that runs without the platform (gyre serve --manifest … --spool FOLDER) to the platform, each prediction once, and removes what is filed there. While the platform is away nothing is lost: with --follow it is tried again.',
    )
    .argument('<folder>', 'the folder of the log')
    .option('--follow', 'go on until it is stopped, with what is logged from now on')
    .option('--every <seconds>', 'with --follow: how often', whole, 30)
    .addHelpText(
      'after',
      examples('gyre prediction ship log/ --server https://gyre.example.org:7070', 'gyre prediction ship log/ --follow --every 60'),
    )
    .action(
      bind<ShipFlags>(async (cli, { follow = false, every }, folder = '') => {
        const place = resolve(cli.host.folder, folder);
        const shipped: Shipped = { segments: 0, rows: 0 };
        if (!follow) await shipOnce(cli, place, shipped);
        for (let failures = 0; follow && !cli.host.signal.aborted;) {
          try {
            await shipOnce(cli, place, shipped);
            if (failures > 0) cli.output.note('the platform answers again');
            failures = 0;
          } catch (error) {
            if (!hasCode(error, 'UNAVAILABLE') && !hasCode(error, 'DEADLINE_EXCEEDED')) throw error;
            if (failures === 0) cli.output.note(`${messageOf(error)}; it is waited for`);
            failures += 1;
          }
          const pauseS = failures === 0 ? every : Math.min(longestPauseS, 2 ** Math.min(failures, 6));
          await sleep(pauseS * 1000, undefined, { signal: cli.host.signal }).catch(() => undefined);
        }
        cli.output.facts(shipped, () =>
          cli.output.line(`${shipped.segments} segments are filed; ${shipped.rows} predictions of them were not on record`),
        );
      }),
    );
}

function shipOnce(cli: Cli, folder: string, shipped: Shipped): Promise<void> {
  return cli.withClient(async (client) => {
    const { listSegments } = await import('#serving');
    for (const path of await listSegments(folder)) {
      if (cli.host.signal.aborted) return;
      shipped.rows += await shipSegment(client, path);
      shipped.segments += 1;
    }
  });
}

async function shipSegment(client: Client, path: string): Promise<number> {
  const { readSegment } = await import('#serving');
  const { predictions, dropped } = await readSegment(path).catch((error: unknown) => {
    // A log that is full gave way to newer segments: those say what is missing.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { predictions: [], dropped: { requests: 0 } };
    throw error;
  });
  let rows = 0;
  for (const [environment, all] of Map.groupBy(predictions, (one) => one.environment)) {
    if (environment === 'local')
      throw new GyreError('FAILED_PRECONDITION', `${path} is of models by their place (gyre serve --model), which no environment has`, {
        path,
      });
    rows += await shipPredictions(client, { environment, name: basename(path), dropped: dropped.requests }, all);
  }
  await rm(path, { force: true });
  return rows;
}

/** In parts that are the same whenever the segment is sent again. */
async function shipPredictions(
  client: Client,
  { environment, name, dropped }: { readonly environment: string; readonly name: string; readonly dropped: number },
  predictions: readonly Prediction[],
): Promise<number> {
  let rows = 0;
  for (let at = 0; at < predictions.length; at += partRows) {
    const filed = await client.post<{ readonly rows: number }>('predictions', {
      environment,
      segment: at === 0 ? name : `${name}.${at / partRows}`,
      predictions: predictions.slice(at, at + partRows),
      ...(at === 0 && dropped > 0 ? { dropped } : {}),
    });
    rows += filed.rows;
  }
  return rows;
}
