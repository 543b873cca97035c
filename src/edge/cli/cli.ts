import { resolve } from 'node:path';
import type { AppDoor, Flags } from './app-door.ts';
import type { Client } from './client.ts';
import type { RunningServer } from './connect.ts';
import type { Output, Sink } from './output.ts';
import { Output as OutputTo } from './output.ts';

/** What the process gives: tests hand in their own. */
export interface CliHost {
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Absolute. */
  readonly folder: string;
  /** Today, YYYY-MM-DD. */
  readonly today: () => string;
  /** Reads standard input to its end. */
  readonly readStdin: () => Promise<string>;
  /** Imported when a verb needs it. */
  readonly app: () => Promise<AppDoor>;
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
  readonly version: string;
}

/** Options that every verb takes. */
export interface GlobalOptions {
  readonly json?: boolean;
  readonly debug?: boolean;
  readonly project?: string;
  readonly data?: string;
  readonly server?: string;
}

/** What a verb works with. */
export interface Cli {
  readonly host: CliHost;
  readonly output: Output;
  readonly options: GlobalOptions;
  /** The project's folder, absolute. */
  readonly projectFolder: string;
  /** The flags that are settings of the platform. */
  readonly flags: Flags;
  /** Talks to the platform: a remote one, the one that holds the data folder, or one opened for this verb. */
  withClient<T>(work: (client: Client) => Promise<T>): Promise<T>;
  /** The platform that runs on its own, for verbs that need it to go on after them; undefined when there is none. */
  server(): Promise<RunningServer | undefined>;
}

/** Makes a verb's surroundings from the options that were given. */
export function cliFor(host: CliHost, options: GlobalOptions, flags: Flags = {}): Cli {
  const output = new OutputTo(host.stdout, host.stderr, { json: options.json === true, environment: host.environment });
  const projectFolder = resolve(host.folder, options.project ?? '.');
  const settings: Flags = options.data === undefined ? flags : { ...flags, data: resolve(host.folder, options.data) };
  const where = { projectFolder, flags: settings, ...(options.server === undefined ? {} : { server: options.server }) };
  return {
    host,
    output,
    options,
    projectFolder,
    flags: settings,
    withClient: async (work) => {
      const { connect } = await import('./connect.ts');
      await using connection = await connect(host, where);
      return await work(connection.client);
    },
    server: async () => (await import('./connect.ts')).runningServer(host, where),
  };
}
