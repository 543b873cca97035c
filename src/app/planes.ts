import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { dirname, join } from 'node:path';
import { s3Variables, sealingVariable } from '#blobs';
import type { Check, SignedManifest } from '#contract';
import { type Faults, GyreError } from '#core';
import { checkMachine, requireFit } from '#machine';
import type { Machine } from '#machine';
import type { DataPlanes } from '#release';
import { otelVariables } from '#telemetry';
import type { Logger } from '#telemetry';
import { type BlobsPlace, isBucket } from './blobs.ts';
import { startPlane } from './plane-process.ts';
import type { PlaneProcess } from './plane-process.ts';
import { keptManifest, packagesOf } from './kept-manifest.ts';
import { startScratchPlane } from './scratch-plane.ts';
import { SupervisedPlane } from './supervised-plane.ts';
import type { PlaneLaunch, PlanePorts } from './supervised-plane.ts';

export interface LocalPlanesOptions {
  /** Folder with one folder for each environment: its manifest and its spool. */
  readonly folder: string;
  readonly blobs: BlobsPlace;
  /** PEM file of the key that manifests are checked against. */
  readonly publicKeyFile: string;
  readonly host: string;
  /** The ports that an environment asks for; 0 takes a free one. */
  readonly portsOf: (environment: string) => PlanePorts;
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Names by which callers may reach a plane beside localhost and addresses. */
  readonly hostNames?: readonly string[];
  /** Plain HTTP beyond this machine, as was said explicitly. */
  readonly insecureHttp?: boolean;
  /** Hosts that events of requests and responses may go to. */
  readonly eventHosts?: string;
  /** Whether a plane writes a line for each request into its folder. */
  readonly accessLog?: boolean;
  /** By which words a plane is started so that it may load models in Python, as the project says now. */
  readonly pythonWords?: () => readonly string[];
  /** Where they run: looked at before a manifest is served that was not served before. */
  readonly machine?: Machine;
  readonly log: Logger;
  /** Finished segments of an environment's prediction log, oldest first. */
  readonly onSegments: (environment: string, paths: readonly string[]) => Promise<void>;
  /** First wait before a plane that keeps dying is started again. Default 500. */
  readonly retryMs?: number;
  readonly faults?: Faults;
}

/** Data planes as child processes of this one, one for each environment. */
export interface LocalPlanes extends DataPlanes, AsyncDisposable {
  /**
   * Ships what was predicted until now: the log's open segments are finished and handed over.
   * @throws GyreError UNAVAILABLE when a plane ends meanwhile; the others are shipped
   */
  flush(environment?: string): Promise<void>;
  /** The folder of an environment's prediction log. */
  spoolOf(environment: string): string;
  /** The process of an environment's plane while it runs. */
  pid(environment: string): number | undefined;
}

/** An environment may have to be installed before a model in Python is loaded. */
const pythonPatienceMs = 15 * 60_000;
/** What an installer of Python packages is told of the registry, where planes may install. */
const installerVariables = /^((PIP|UV)_[A-Z_]+|(https?|no)_proxy|(HTTPS?|NO)_PROXY|SSL_CERT_FILE|XDG_CACHE_HOME)$/;
/** The variables that a plane gets: no credential of ours, but those that it reads blobs with. */
export const passedOn = ['PATH', 'HOME', 'TMPDIR', 'NODE_COMPILE_CACHE', 'GYRE_LOG_LEVEL', sealingVariable, ...otelVariables] as const;

function blobFlags({ address, cache, s3Endpoint, s3Region }: BlobsPlace): readonly string[] {
  if (!isBucket(address)) return ['--blobs', address];
  const flags = { '--blobs': address, '--blob-cache': cache, '--s3-endpoint': s3Endpoint, '--s3-region': s3Region };
  return Object.entries(flags).flatMap(([flag, value]) => (value === undefined ? [] : [flag, value]));
}

/** Opens the supervisor. A plane that dies is started again with its manifest. */
export function openLocalPlanes(options: LocalPlanesOptions): LocalPlanes {
  const { folder, log } = options;
  const planes = new Map<string, SupervisedPlane>();
  let closed = false;
  const scratchFolder = join(folder, '.scratch');
  // What a killed process left of planes that it had started beside.
  rmSync(scratchFolder, { recursive: true, force: true });

  /** @throws GyreError FAILED_PRECONDITION when the machine does not fit; @returns undefined for what was served before: a start brings it back */
  const fitFor = async (signed: SignedManifest): Promise<readonly Check[] | undefined> => {
    const { environment } = signed.manifest;
    const kept = await keptManifest(join(folder, environment));
    if (options.machine === undefined || kept?.signature === signed.signature) return undefined;
    const running = planes.get(environment);
    const isRunning = running?.address !== undefined;
    const { rest, grpc } = options.portsOf(environment);
    const ports = [rest, grpc];
    const checks = await checkMachine(options.machine, {
      manifest: signed.manifest,
      folder,
      bytesToFetch: 0,
      loaded: new Set(isRunning ? packagesOf(kept) : []),
      ports: isRunning ? [] : ports,
      ownPorts: isRunning ? ports : [],
      host: options.host,
    });
    requireFit(checks);
    return checks;
  };

  const launched = (environment: string, { manifest, spool, ports, onExit }: PlaneLaunch): Promise<PlaneProcess> =>
    startPlane({
      command: process.execPath,
      args: [...process.execArgv, entry, ...argumentsOf({ manifest, spool, ports })],
      env: Object.fromEntries(
        [...passedOn, ...(isBucket(options.blobs.address) ? s3Variables : []), ...installing()].flatMap((name) =>
          process.env[name] === undefined ? [] : [[name, process.env[name]]],
        ),
      ),
      onLog: (line) => log.info({ environment, plane: line }, 'data plane'),
      onExit,
      ...(options.pythonWords === undefined || options.pythonWords().length === 0
        ? {}
        : { startTimeoutMs: pythonPatienceMs, answerTimeoutMs: pythonPatienceMs }),
    });

  const planeOf = (environment: string): SupervisedPlane => {
    const known = planes.get(environment);
    if (known !== undefined) return known;
    const plane = new SupervisedPlane({
      environment,
      folder: join(folder, environment),
      host: options.host,
      ports: () => options.portsOf(environment),
      allows: () => options.pythonWords?.().join(' ') ?? '',
      retryMs: options.retryMs ?? 500,
      log,
      ...(options.faults === undefined ? {} : { faults: options.faults }),
      onSegments: (paths) => options.onSegments(environment, paths),
      start: (launch) => launched(environment, launch),
    });
    planes.set(environment, plane);
    return plane;
  };

  const installing = (): readonly string[] =>
    options.pythonWords?.().includes('--python-env') === true
      ? Object.keys(process.env).filter((name) => installerVariables.test(name))
      : [];

  const argumentsOf = ({ manifest, spool, ports }: { manifest: string; spool: string; ports: PlanePorts }): readonly string[] => [
    '--manifest',
    manifest,
    ...blobFlags(options.blobs),
    '--spool',
    spool,
    '--public-key',
    options.publicKeyFile,
    '--host',
    options.host,
    '--port',
    String(ports.rest),
    '--grpc-port',
    String(ports.grpc),
    '--control',
    ...(options.eventHosts === undefined ? [] : ['--event-hosts', options.eventHosts]),
    ...(options.accessLog === true ? ['--access-log', join(dirname(manifest), 'access.log')] : []),
    ...(options.pythonWords?.() ?? []),
    ...(options.hostNames ?? []).flatMap((name) => ['--allowed-host', name]),
    ...(options.insecureHttp === true ? ['--insecure-http'] : []),
    ...(options.tls === undefined ? [] : ['--tls-cert', options.tls.cert, '--tls-key', options.tls.key]),
  ];

  return {
    spoolOf: (environment) => join(folder, environment, 'spool'),
    address: (environment) => planes.get(environment)?.address,
    grpcAddress: (environment) => planes.get(environment)?.grpcAddress,
    figures: async (environment) => planes.get(environment)?.figures(),
    pid: (environment) => planes.get(environment)?.pid,
    scratch: async (signed) => {
      if (closed) throw new GyreError('UNAVAILABLE', 'the data planes are being closed');
      const { environment } = signed.manifest;
      return startScratchPlane({ folder: scratchFolder, start: (launch) => launched(`${environment} (scratch)`, launch) }, signed);
    },
    apply: async (manifest, { keep = false } = {}) => {
      if (closed) throw new GyreError('UNAVAILABLE', 'the data planes are being closed');
      const checks = keep ? undefined : await fitFor(manifest);
      const { address } = await planeOf(manifest.manifest.environment).apply(manifest);
      return { address, ...(checks === undefined ? {} : { checks }) };
    },
    flush: async (environment) => {
      const asked = environment === undefined ? [...planes.values()] : [planes.get(environment)].filter((plane) => plane !== undefined);
      const shipped = await Promise.allSettled(asked.map((plane) => plane.ship()));
      const failed = shipped.find((result) => result.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    },
    [Symbol.asyncDispose]: async () => {
      closed = true;
      await Promise.all([...planes.values()].map((plane) => plane[Symbol.asyncDispose]()));
      planes.clear();
    },
  };
}

const entry = fileURLToPath(new URL('./inference-main.ts', import.meta.url));
