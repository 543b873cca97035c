import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { GyreError, messageOf } from '#core';
import type { RelayStatus } from '#relay';
import type { Register } from '../verb.ts';
import { examples, whole } from '../verb.ts';

const usualPort = 7071;

export const registerRelay: Register = (program, bind) => {
  const relay = program
    .command('relay')
    .summary('keep logging while the server is away')
    .description(
      'Stands between trainings on this machine and a tracking server, and speaks the same API. What the server cannot take now is acknowledged once it is on this disk, and delivered in order when the server is back. It needs no platform.',
    )
    .option('--to <url>', 'the tracking server')
    .option('--port <n>', `the port on 127.0.0.1; 0 takes a free one (default: ${usualPort})`, whole)
    .option('--journal <folder>', 'where it keeps what waits (default: in ~/.local/state/gyre/relay, by server)')
    .option('--limit <megabytes>', 'the most that may wait', whole, 20_000)
    .addHelpText(
      'after',
      examples(
        'gyre relay --to https://gyre.example:7070',
        'MLFLOW_TRACKING_URI=http://127.0.0.1:7071 python train.py',
        'gyre relay status',
      ),
    )
    .action(
      bind<{ to?: string; port?: number; journal?: string; limit: number }>(async ({ host, output }, options) => {
        const to = options.to ?? host.environment['MLFLOW_TRACKING_URI'];
        if (to === undefined) throw new GyreError('INVALID_ARGUMENT', 'name the server that it relays to: --to https://gyre.example:7070');
        const app = await host.app();
        await app.relay({
          to,
          port: options.port ?? usualPort,
          journal: options.journal === undefined ? usualFolder(host.environment, to) : resolve(host.folder, options.journal),
          limitBytes: options.limit * 1_000_000,
          environment: host.environment,
          say: (line) => output.note(line),
          ready: ({ address, waiting }) => {
            output.line(`relay at ${address}, to ${to}${waiting === 0 ? '' : `; ${waiting} requests wait to be delivered`}`);
            output.line(output.style('dim', `export MLFLOW_TRACKING_URI=${address}   (its state: ${address}/relay)`));
          },
          signal: host.signal,
        });
      }),
    );

  relay
    .command('status')
    .summary('how a relay stands')
    .description(
      'Shows whether the server is there, what waits for it, and what it refused. The exit code is 1 while something waits or was refused.',
    )
    .option('--at <url>', 'the relay', `http://127.0.0.1:${usualPort}`)
    .action(
      bind<{ at: string }>(async ({ output }, { at }) => {
        const { now, ...status } = await statusOf(at);
        const { statusPairs } = await import('#relay');
        output.facts(status, () => output.pairs(statusPairs(status, now)));
        return status.waiting > 0 || status.refused > 0 ? 1 : 0;
      }),
    );
};

async function statusOf(address: string): Promise<RelayStatus & { readonly now: number }> {
  try {
    const response = await fetch(`${address.replace(/\/+$/, '')}/relay/status`);
    if (!response.ok) throw new Error(`it answers ${response.status}`);
    return (await response.json()) as RelayStatus & { readonly now: number };
  } catch (error) {
    throw new GyreError(
      'FAILED_PRECONDITION',
      `no relay answers at ${address} (--at names another place): ${messageOf(error)}`,
      {},
      { cause: error },
    );
  }
}

/** Each server has a journal of its own: what waits for one never goes to another. */
function usualFolder(environment: Readonly<Record<string, string | undefined>>, to: string): string {
  const state = environment['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state');
  return join(state, 'gyre', 'relay', to.replaceAll(/[^A-Za-z0-9.-]+/g, '_'));
}
