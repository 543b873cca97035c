import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { GyreError } from '#core';
import type { Flags } from './app-door.ts';
import type { CliHost } from './cli.ts';
import { openClient } from './client.ts';
import type { Client } from './client.ts';
import { fileSettings } from './file-settings.ts';

export interface Connection extends AsyncDisposable {
  readonly client: Client;
}

export interface ConnectOptions {
  readonly projectFolder: string;
  readonly flags: Flags;
  readonly server?: string;
}

/** A platform that runs on its own, and who calls it. */
export interface RunningServer {
  readonly address: string;
  readonly token?: string;
}

/**
 * Finds the platform: the one that `--server` or GYRE_SERVER names, else the process that holds the data folder, else one that is opened
 * in this process until the verb is done. GYRE_TOKEN is who calls; without it, on this machine, the owner whose token the folder keeps.
 * @throws GyreError INVALID_ARGUMENT for an address that is none
 */
export async function connect(host: CliHost, options: ConnectOptions): Promise<Connection> {
  const { environment, signal } = host;
  const running = await runningServer(host, options);
  if (running !== undefined) return lasting(openClient({ ...running, signal }));
  const app = await host.app();
  const opened = await app.openForVerb({ projectFolder: options.projectFolder, flags: options.flags, environment });
  return {
    client: openClient({ address: opened.address, token: givenToken(host) ?? opened.token, signal }),
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

/** The platform that `connect` would find running; undefined when it would open one. @throws GyreError INVALID_ARGUMENT */
export async function runningServer(host: CliHost, options: ConnectOptions): Promise<RunningServer | undefined> {
  const { environment } = host;
  const token = givenToken(host);
  const server = options.server ?? environment['GYRE_SERVER'];
  if (server !== undefined && server !== '') return { address: addressOf(server), ...(token === undefined ? {} : { token }) };
  const app = await host.app();
  const { inputs } = await fileSettings(host, options.projectFolder);
  const { dataFolder } = app.settleSettings(options.projectFolder, { flags: options.flags, environment, ...inputs });
  const holder = app.readServerInfo(dataFolder);
  if (holder === undefined) return undefined;
  if (holder.certificate !== undefined) await trust(holder.certificate);
  const secret = token ?? (await ownerToken(dataFolder));
  return { address: holder.address, ...(secret === undefined ? {} : { token: secret }) };
}

function givenToken({ environment }: CliHost): string | undefined {
  const given = environment['GYRE_TOKEN'];
  return given === undefined || given === '' ? undefined : given;
}

function lasting(client: Client): Connection {
  return { client, [Symbol.asyncDispose]: () => Promise.resolve() };
}

/** The certificate of the platform on this machine, which its own data folder names, may be one that nobody else has signed. */
async function trust(file: string): Promise<void> {
  const certificate = await readFile(file, 'utf8').catch(() => undefined);
  if (certificate !== undefined) setDefaultCACertificates([...getCACertificates(), certificate]);
}

function addressOf(server: string): string {
  const address = /^https?:\/\//.test(server) ? server : `http://${server}`;
  if (!URL.canParse(address)) throw new GyreError('INVALID_ARGUMENT', `"${server}" is no address of a server: http://host:port is needed`);
  return address.replace(/\/+$/, '');
}

async function ownerToken(dataFolder: string): Promise<string | undefined> {
  return readFile(join(dataFolder, 'secrets', 'owner-token'), 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );
}
