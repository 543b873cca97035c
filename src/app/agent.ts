import { mkdirSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { availableParallelism, hostname, totalmem } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { agentFolder, checkAgentMachine, requireEnrolment, runAgent } from '#agent';
import type { AgentPlane } from '#agent';
import { openFsBlobs } from '#blobs';
import type { AgentFlags, AgentPlace } from '#cli';
import type { AgentReport, Check, Enrolment } from '#contract';
import { GyreError, systemClock } from '#core';
import { thisMachine } from '#machine';
import { listSegments } from '#serving';
import { createLogger } from '#telemetry';
import { openLock } from './data-folder.ts';
import { faultsFromEnvironment } from './faults.ts';
import { startPlane } from './plane-process.ts';
import { passedOn } from './planes.ts';
import { replaceFile } from './replace-file.ts';
import { SupervisedPlane } from './supervised-plane.ts';
import { gyreVersion } from './version.ts';

/** Before a data plane that keeps dying is started again. */
const retryMs = 500;
const entry = fileURLToPath(new URL('./inference-main.ts', import.meta.url));

/**
 * Runs an agent until the signal aborts. What it has stays in its folder for the next start.
 * @throws GyreError ALREADY_EXISTS when another agent has the folder; NOT_FOUND, INVALID_ARGUMENT for an enrolment that cannot be used
 */
export async function agent(flags: AgentFlags): Promise<void> {
  mkdirSync(flags.folder, { recursive: true, mode: 0o700 });
  // SQLite's lock on a small file: the kernel lets go of it however the process ends.
  using _lock = holdFolder(flags.folder);
  const faults = faultsFromEnvironment();
  const replace = (path: string, text: string): void => replaceFile(path, text, 0o600, faults);
  const folder = agentFolder(flags.folder, replace);
  const enrolment = await enrolmentOf(flags, folder.enrolment);
  await believe(flags.ca);
  await keepEnrolment(folder.enrolment, enrolment, replace);
  const machine = thisMachine(flags.environment);
  const longestPauseMs = flags.longestPause * 1000;
  await runAgent({
    enrolment,
    folder: flags.folder,
    blobs: await openFsBlobs({ dir: folder.blobs, faults }),
    openPlane: (onSegments) =>
      new AgentDataPlane({ flags, enrolment, folder: folder.plane, blobs: folder.blobs, key: folder.key, onSegments }),
    machine,
    host: await describeHost((await machine.onnxruntime()) ?? 'none'),
    clock: systemClock,
    chance: Math.random,
    replaceFile: replace,
    times: {
      waitMs: 30_000,
      reportMs: flags.reportEvery * 1000,
      shipMs: 5_000,
      pauseMs: Math.min(1_000, longestPauseMs),
      longestPauseMs,
      refusedMs: 60_000,
      lastTryMs: 5_000,
    },
    say: flags.say,
    serving: flags.serving,
    signal: flags.signal,
  });
}

/** Looks whether this machine can serve what its environment is to serve, beside an agent that may run on the folder. */
export async function agentCheck(
  flags: AgentPlace,
): Promise<{ readonly generation: number; readonly checks: readonly Check[] } | undefined> {
  const folder = agentFolder(flags.folder, (path, text) => replaceFile(path, text, 0o600, faultsFromEnvironment()));
  const isRunning = isHeld(flags.folder);
  await believe(flags.ca);
  const found = await checkAgentMachine({
    enrolment: await enrolmentOf(flags, folder.enrolment),
    folder: flags.folder,
    agentFolder: folder,
    blobs: await openFsBlobs({ dir: folder.blobs, readOnly: true }),
    machine: thisMachine(flags.environment),
    host: flags.host,
    ports: isRunning ? [] : [flags.port, flags.grpcPort],
    signal: flags.signal,
  });
  return found === undefined ? undefined : { generation: found.manifest.generation, checks: found.checks };
}

/** The platform's certificate may be one that nobody else has signed. @throws GyreError NOT_FOUND */
async function believe(file: string | undefined): Promise<void> {
  if (file === undefined) return;
  const certificate = await readFile(file, 'utf8').catch(() => undefined);
  if (certificate === undefined) throw new GyreError('NOT_FOUND', `${file} cannot be read: it is to hold a certificate in PEM`);
  setDefaultCACertificates([...getCACertificates(), certificate]);
}

async function describeHost(onnxruntime: string): Promise<AgentReport['host']> {
  return {
    name: hostname(),
    platform: `${process.platform}-${process.arch}`,
    cpus: availableParallelism(),
    memoryMiB: Math.floor((process.constrainedMemory() > 0 ? Math.min(process.constrainedMemory(), totalmem()) : totalmem()) / 2 ** 20),
    gyre: gyreVersion,
    onnxruntime,
  };
}

async function enrolmentOf({ enrolment, server }: AgentPlace, kept: string): Promise<Enrolment> {
  const place = enrolment ?? kept;
  const text = await readFile(place, 'utf8').catch(() => undefined);
  if (text === undefined)
    throw new GyreError(
      'NOT_FOUND',
      enrolment === undefined
        ? `this folder has no enrolment yet: give the file that gyre agent enrol wrote (--enrolment FILE)`
        : `${enrolment} cannot be read`,
    );
  const read = requireEnrolment(text, place);
  return server === undefined ? read : { ...read, server };
}

/**
 * Keeps an enrolment in the folder. One of another installation begins anew: what the old one has said counts no longer.
 * @throws GyreError FAILED_PRECONDITION when the folder is of another environment
 */
async function keepEnrolment(kept: string, enrolment: Enrolment, replace: (path: string, text: string) => void): Promise<void> {
  const text = await readFile(kept, 'utf8').catch(() => undefined);
  const before = text === undefined ? undefined : requireEnrolment(text, kept);
  if (before !== undefined && before.environment !== enrolment.environment)
    throw new GyreError(
      'FAILED_PRECONDITION',
      `this folder is of an agent of "${before.environment}", and the enrolment is for "${enrolment.environment}": give another with --folder`,
    );
  if (before !== undefined && before.key !== enrolment.key) await rm(join(kept, '..', 'state.json'), { force: true });
  replace(kept, JSON.stringify(enrolment));
}

function holdFolder(folder: string): Disposable {
  try {
    const lock = openLock(folder, 0);
    return { [Symbol.dispose]: () => lock.close() };
  } catch (error) {
    throw new GyreError(
      'ALREADY_EXISTS',
      `another agent has ${folder}: stop it, or give another folder with --folder`,
      {},
      { cause: error },
    );
  }
}

function isHeld(folder: string): boolean {
  try {
    openLock(folder, 0).close();
    return false;
  } catch {
    return true;
  }
}

interface DataPlaneOptions {
  readonly flags: AgentFlags;
  readonly enrolment: Enrolment;
  readonly folder: string;
  readonly blobs: string;
  readonly key: string;
  readonly onSegments: (paths: readonly string[]) => Promise<void>;
}

/** The agent's data plane: a child process that is started again when it dies, and that ends with the agent. */
class AgentDataPlane implements AgentPlane {
  readonly #options: DataPlaneOptions;
  #plane: SupervisedPlane | undefined;

  constructor(options: DataPlaneOptions) {
    this.#options = options;
  }

  get address(): string | undefined {
    return this.#plane?.address;
  }

  get host(): string {
    return this.#options.flags.host;
  }

  get ports(): readonly number[] {
    const { port, grpcPort } = this.#options.flags;
    return [port, grpcPort];
  }

  apply(...[manifest]: Parameters<AgentPlane['apply']>): ReturnType<AgentPlane['apply']> {
    this.#plane ??= this.#supervised();
    return this.#plane.apply(manifest);
  }

  async stop(): Promise<void> {
    const plane = this.#plane;
    this.#plane = undefined;
    await plane?.[Symbol.asyncDispose]();
  }

  async figures(): ReturnType<AgentPlane['figures']> {
    return this.#plane?.figures();
  }

  async ship(): Promise<void> {
    if (this.#plane !== undefined) return this.#plane.ship();
    const left = await listSegments(join(this.#options.folder, 'spool'));
    if (left.length > 0) await this.#options.onSegments(left);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #supervised(): SupervisedPlane {
    const { flags, enrolment, folder, blobs, key, onSegments } = this.#options;
    const log = createLogger({ level: 'warn', destination: process.stderr, bindings: { role: 'agent' } });
    return new SupervisedPlane({
      environment: enrolment.environment,
      folder,
      host: flags.host,
      ports: () => ({ rest: flags.port, grpc: flags.grpcPort }),
      retryMs,
      log,
      faults: faultsFromEnvironment(),
      onSegments,
      start: ({ manifest, spool, ports, onExit }) =>
        startPlane({
          command: process.execPath,
          args: [
            ...process.execArgv,
            entry,
            ...wordsOf({ '--manifest': manifest, '--blobs': blobs, '--spool': spool, '--public-key': key }),
            ...wordsOf({ '--host': flags.host, '--port': String(ports.rest), '--grpc-port': String(ports.grpc) }),
            '--control',
            ...(flags.tlsCert === undefined ? [] : ['--tls-cert', flags.tlsCert]),
            ...(flags.tlsKey === undefined ? [] : ['--tls-key', flags.tlsKey]),
            ...(flags.insecureHttp === true ? ['--insecure-http'] : []),
            ...(flags.allowedHost ?? []).flatMap((name) => ['--allowed-host', name]),
          ],
          env: Object.fromEntries(
            [...passedOn, 'GYRE_ANSWERING_THREADS'].flatMap((name) =>
              flags.environment[name] === undefined ? [] : [[name, flags.environment[name]]],
            ),
          ),
          onLog: (line) => log.info({ plane: line }, 'data plane'),
          onExit,
        }),
    });
  }
}

function wordsOf(flags: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(flags).flat();
}
