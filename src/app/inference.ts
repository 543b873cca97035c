import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { allowedHosts } from '#blobs';
import type { AllowedHosts } from '#blobs';
import type { ReleaseManifest } from '#contract';
import { GyreError, messageOf, systemClock, threadCpuMs, uuidV7 } from '#core';
import { describeError, oipMethods, oipRoutes } from '#oip';
import { scoringRoutes } from '#scoring';
import {
  Admission,
  blobSource,
  explainRoute,
  Explanations,
  Outliers,
  isLoopback,
  localModels,
  metricsRoute,
  PayloadEvents,
  openShadowLog,
  Plane,
  removeLeftFolders,
  removeUnused,
  predictRoute,
  readManifest,
  readLocalRoute,
  readPublicKey,
  RequestObserver,
  serveControl,
  serveHttp,
  serveRpc,
  Spool,
  spoolMetrics,
} from '#serving';
import type { InferenceServer, PackageSource, PythonSettings, SwapAnswer } from '#serving';
import { AccessLog, createLogger, createMetrics, SpanExporter, tracingFrom, watchProcess } from '#telemetry';
import type { AccessLogOptions, Logger, LogLevel } from '#telemetry';
import { pooledRandomBytes } from './random.ts';
import { executionOf } from './execution-flags.ts';
import type { ExecutionFlags } from './execution-flags.ts';
import { openBlobs } from './blobs.ts';
import { containerOf } from './container.ts';
import { requireNoPolicy, withPolicy } from './policy-flags.ts';
import type { PolicyFlags } from './policy-flags.ts';
import { pythonSettings } from './python-settings.ts';
import type { PythonFlags } from './python-settings.ts';
import type { OpenedBlobs } from './blobs.ts';
import gyre from '../../package.json' with { type: 'json' };

/** What `gyre serve` is told. Either `manifest` with `blobs`, or `model`. */
export interface InferenceOptions extends ExecutionFlags, PolicyFlags {
  /** A signed manifest. */
  readonly manifest?: string;
  /** The blobs that hold the files of the manifest's packages: a folder, or `s3://bucket/prefix`. */
  readonly blobs?: string;
  /** Folder for copies of what is in a bucket. */
  readonly blobCache?: string;
  readonly s3Endpoint?: string;
  readonly s3Region?: string;
  /** Package folders and ONNX files to serve as they lie there, unsigned: `FOLDER`, `FILE.onnx` or `NAME=` one of them. */
  readonly model?: readonly string[];
  /** JSON file that says how requests find their model among those. */
  readonly route?: string;
  /** PEM of the Ed25519 key that manifests must be signed with. */
  readonly publicKey?: string;
  /** Serve the manifest whoever wrote it; said explicitly, instead of `publicKey`. */
  readonly unsigned?: boolean;
  /** A platform that runs this as a container by a contract of its own: `sagemaker` or `vertex`; default: what GYRE_CONTAINER says, or none. */
  readonly container?: string;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 7080; 0: any free one. */
  readonly port?: number;
  /** Where gRPC is answered; default: the port after `port`, any free one where that is 0. */
  readonly grpcPort?: number | 'off';
  /** Folder of the prediction log; left out: predictions are not logged. */
  readonly spool?: string;
  /** Where requests and responses are told of, whatever the manifest says; its host is allowed by being named here. */
  readonly logEvents?: string;
  readonly logEventsMode?: 'all' | 'request' | 'response';
  /** Hosts that a manifest may have events sent to, as `allowedHosts` reads them; default: those of the public internet. */
  readonly eventHosts?: string;
  /** A file of lines for each request, or `-` for standard output; `off` or left out: none. */
  readonly accessLog?: string;
  /** Take commands from standard input and answer on standard output, one JSON object a line. */
  readonly control?: boolean;
  /** Keep serving when the control pipe closes; otherwise that drains and ends the process. */
  readonly detachedOk?: boolean;
  /** Whoever may infer may also unload models and load them again. */
  readonly modelControl?: boolean;
  /** What models that execute code on load are run by; default: they are refused. */
  readonly python?: PythonFlags;
  /** How long an explanation may take where the manifest says nothing; default 5000. */
  readonly explainTimeoutMs?: number;
  /** Certificate and key (PEM files) for HTTPS. */
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  /** Plain HTTP beyond this machine: somebody else encrypts, or nobody needs to. */
  readonly insecureHttp?: boolean;
  /** Names that the Host header may say beside localhost and IP addresses. */
  readonly allowedHosts?: readonly string[];
  readonly logLevel?: LogLevel;
}

/** The options with what a platform's contract says in their place. */
interface Contained extends InferenceOptions {
  /** Whether a platform in front lets callers in. */
  readonly isFronted: boolean;
}

export interface RunningInference {
  readonly address: string;
  /** Where gRPC is answered. */
  readonly grpcAddress?: string;
  readonly plane: Plane;
  /** From the start of the process to the first request that could be answered, in milliseconds. */
  readonly startMs: number;
  /** Settles when it has drained. */
  readonly ended: Promise<void>;
  /** Says not ready, answers what is under way, closes the log. Calling it again waits for the same end. */
  drain(): Promise<void>;
  /** Reads the manifest again from where it was, and serves it where it may be; else what is served stays. */
  reload(): Promise<SwapAnswer>;
}

/**
 * Opens a data plane as the options say, and answers HTTP.
 * @throws GyreError with the reason when manifest, models, log or port cannot be used
 */
export async function runInference(asked: InferenceOptions): Promise<RunningInference> {
  const contained = await containerOf(asked, process.env);
  const options: Contained = { ...asked, ...contained?.flags, isFronted: contained !== undefined };
  const { host = '127.0.0.1', port = 7080 } = options;
  const log = createLogger({
    level: options.logLevel ?? 'info',
    destination: process.stderr,
    bindings: { role: 'inference', pid: process.pid },
  });
  const tls = await readTls(options);
  const newId = uuidV7(systemClock, pooledRandomBytes());
  const python = await allowedPython(options, log);
  const metrics = createMetrics();
  const events = new PayloadEvents({ hosts: eventHostsOf(options), clock: systemClock, chance: Math.random, metrics, log });
  const randomBytes = pooledRandomBytes();
  const access = openAccessLog(options, { clock: systemClock, metrics, log });
  const tracing = tracingFrom(process.env, { 'service.name': 'gyre-serve', 'service.version': gyre.version });
  const spans = tracing === undefined ? undefined : new SpanExporter(tracing, { metrics, log });
  const { source, readAgain, first, opened } = await openManifest(options, (manifest) => {
    const told = withEvents(options, manifest);
    if (told.log.events !== undefined) events.require(told.log.events);
    return told;
  });
  const watch = watchProcess(metrics);
  const spool = options.spool === undefined ? undefined : await Spool.open({ dir: options.spool, newId });
  if (spool !== undefined) {
    spoolMetrics(metrics, spool);
    const { recovered } = spool.figures;
    if (recovered.segments > 0)
      log.warn(recovered, 'a process that died had left its prediction log open: it is finished, what was not answered is cut off');
  }
  if (spool === undefined && options.model === undefined) log.warn('predictions are not logged: no spool folder was given');
  const shadowLog =
    options.spool === undefined
      ? undefined
      : await openShadowLog(options.spool, shadowLogBytes, (error) => log.warn({ err: error }, 'what shadows say cannot be logged'));
  const plane = await Plane.open(first, {
    source,
    workers: availableParallelism(),
    execution: executionOf(options),
    elapsed: () => performance.now(),
    computed: threadCpuMs,
    clock: systemClock,
    newId,
    chance: Math.random,
    metrics,
    events,
    ...(spool === undefined ? {} : { spool }),
    ...(shadowLog === undefined ? {} : { shadowLog: shadowLog.write }),
    ...(options.modelControl === undefined ? {} : { modelControl: options.modelControl }),
    ...(python === undefined ? {} : { python }),
  });
  const shared = {
    plane,
    isFronted: options.isFronted,
    host,
    log,
    admission: new Admission(plane),
    observer: new RequestObserver({
      elapsed: () => plane.elapsed(),
      clock: systemClock,
      randomBytes,
      ...(access === undefined ? {} : { access }),
      ...(spans === undefined ? {} : { spans }),
    }),
    ...(tls === undefined ? {} : { tls }),
    ...(options.allowedHosts === undefined ? {} : { allowedHosts: options.allowedHosts }),
  };
  const explanations = new Explanations({
    plane,
    source,
    ...(options.explainTimeoutMs === undefined ? {} : { timeoutMs: options.explainTimeoutMs }),
  });
  const outliers = new Outliers(source);
  const oip = { plane, version: gyre.version, explanations, outliers };
  const servers: InferenceServer[] = [];
  try {
    const routes = [
      predictRoute(plane, outliers),
      explainRoute(plane, explanations),
      ...oipRoutes(oip),
      ...scoringRoutes({ ...oip, ...(contained === undefined ? {} : { container: contained.container }) }),
      metricsRoute(plane),
    ];
    servers.push(await serveHttp({ ...shared, port, routes, describe: describeError }));
    const grpcPort = options.grpcPort ?? (port === 0 ? 0 : port + 1);
    if (grpcPort !== 'off') servers.push(await serveRpc({ ...shared, port: grpcPort, methods: oipMethods(oip) }));
  } catch (error) {
    await Promise.all(servers.map((server) => server.close(0)));
    await Promise.all([explanations[Symbol.asyncDispose](), outliers[Symbol.asyncDispose]()]);
    await plane[Symbol.asyncDispose]();
    throw error;
  }
  const [{ address }, grpc] = servers;
  const addresses = { address, ...(grpc === undefined ? {} : { grpcAddress: grpc.address }) };

  const ended = Promise.withResolvers<void>();
  let draining = false;
  const drain = (): Promise<void> => {
    if (!draining) {
      draining = true;
      plane.drain();
      const end = async (): Promise<void> => {
        // Requests that are on their way when it is said are still taken in; a listener that closes at once would reset them.
        await sleep(lingerMs);
        await Promise.all(servers.map((server) => server.close()));
        await Promise.all([explanations[Symbol.asyncDispose](), outliers[Symbol.asyncDispose]()]);
        await plane[Symbol.asyncDispose]();
        await shadowLog?.[Symbol.asyncDispose]();
        await Promise.all([events, access, spans].map(async (one) => one?.[Symbol.asyncDispose]()));
        await opened?.[Symbol.asyncDispose]();
        watch[Symbol.dispose]();
      };
      end().then(ended.resolve, ended.reject);
    }
    return ended.promise;
  };
  const startMs = performance.now();
  if (options.control === true) control({ plane, readAgain, drain, log, detachedOk: options.detachedOk === true, addresses, startMs });
  const reload = async (): Promise<SwapAnswer> => {
    const swapped = await plane.swap(() => readAgain(undefined));
    if (swapped.loaded) log.info({ generation: swapped.generation }, 'the manifest was read again and is served');
    else log.error({ reason: swapped.refused }, 'the manifest was read again and is refused; the old one stays');
    return swapped;
  };
  return { ...addresses, plane, startMs, ended: ended.promise, drain, reload };
}

/** How long a data plane that drains still takes requests in, while it says that it is not ready. */
const lingerMs = 250;
/** Of each of the two files that hold what shadows said. */
const shadowLogBytes = 8 * 1024 * 1024;

/** What the operator allows of models in Python, with what killed data planes left of them cleared away. */
async function allowedPython(options: InferenceOptions, log: Logger): Promise<PythonSettings | undefined> {
  const settings = options.python === undefined ? undefined : pythonSettings(options.python, process.env);
  if (settings === undefined) return undefined;
  await removeLeftFolders(settings.cacheFolder);
  const removed = await removeUnused(settings.cacheFolder, systemClock.now());
  if (removed > 0)
    log.info({ removed, cacheFolder: settings.cacheFolder }, 'copies of packages and environments that nobody used were removed');
  return { ...settings, log: (facts, message) => log.info(facts, message) };
}

interface Control {
  readonly plane: Plane;
  readonly readAgain: (file: string | undefined) => Promise<ReleaseManifest>;
  readonly drain: () => Promise<void>;
  readonly log: Logger;
  readonly detachedOk: boolean;
  readonly addresses: Pick<RunningInference, 'address' | 'grpcAddress'>;
  readonly startMs: number;
}

function control({ plane, readAgain, drain, log, detachedOk, addresses, startMs }: Control): void {
  const { say } = serveControl({
    plane,
    input: process.stdin,
    output: process.stdout,
    readManifest: readAgain,
    drain,
    onClosed: () => {
      if (detachedOk) log.warn('the control pipe is closed; serving goes on with the manifest that is loaded');
      else void drain();
    },
  });
  const { environment, endpoint, generation } = plane.manifest;
  say({ event: 'ready', ...addresses, environment, endpoint, generation, pid: process.pid, startMs });
}

interface OpenedManifest {
  readonly source: PackageSource;
  readonly first: ReleaseManifest;
  readonly readAgain: (file: string | undefined) => Promise<ReleaseManifest>;
  readonly opened?: OpenedBlobs;
}

/** @throws GyreError INVALID_ARGUMENT, PERMISSION_DENIED */
function openAccessLog({ accessLog, control }: InferenceOptions, deps: Omit<AccessLogOptions, 'to'>): AccessLog | undefined {
  if (accessLog === undefined || accessLog === 'off') return undefined;
  if (accessLog === '-' && control === true)
    throw new GyreError('INVALID_ARGUMENT', 'standard output belongs to the control pipe: give --access-log a file');
  try {
    return new AccessLog({ ...deps, to: accessLog });
  } catch (error) {
    throw new GyreError('PERMISSION_DENIED', `the access log ${accessLog} cannot be written: ${messageOf(error)}`, {}, { cause: error });
  }
}

/** Where events may go: an operator who names an address allows its host. */
function eventHostsOf({ logEvents, eventHosts = 'public' }: InferenceOptions): AllowedHosts {
  const named = logEvents === undefined ? null : URL.parse(logEvents);
  return allowedHosts(named === null ? eventHosts : named.host, '--event-hosts (GYRE_EVENT_HOSTS)', 'events may go there');
}

function withEvents({ logEvents, logEventsMode }: InferenceOptions, manifest: ReleaseManifest): ReleaseManifest {
  if (logEvents === undefined) return manifest;
  const { events, ...log } = manifest.log;
  const mode = logEventsMode === undefined ? {} : { mode: logEventsMode };
  return { ...manifest, log: { ...log, events: { ...events, url: logEvents, ...mode } } };
}

/** @param judged what is served of a manifest @throws GyreError when it may not be served here */
async function openManifest(options: Contained, judged: (manifest: ReleaseManifest) => ReleaseManifest): Promise<OpenedManifest> {
  const { manifest, blobs, model, publicKey, unsigned, blobCache, s3Endpoint, s3Region } = options;
  if (model !== undefined) {
    if (manifest !== undefined)
      throw new GyreError('INVALID_ARGUMENT', 'a manifest and models by their place cannot both be served: give one of them');
    const readAgain = (): Promise<never> =>
      Promise.reject(
        new GyreError('FAILED_PRECONDITION', 'models by their place are served as they were at the start; serve a manifest to swap'),
      );
    const { manifest: own, source } = await localModels(
      model,
      systemClock,
      options.route === undefined ? undefined : await readLocalRoute(options.route),
    );
    return { source, first: judged(requireTokens(options, withPolicy(options, own))), readAgain };
  }
  if (manifest === undefined || blobs === undefined) {
    throw new GyreError(
      'INVALID_ARGUMENT',
      'nothing to serve: give --manifest FILE with --blobs FOLDER (or s3://…), or --model FOLDER|FILE.onnx',
    );
  }
  requireNoPolicy(options);
  if (publicKey === undefined && unsigned !== true) {
    throw new GyreError(
      'INVALID_ARGUMENT',
      'a manifest is served only when its signature is checked: give --public-key FILE (or --unsigned, for one that nobody signed)',
    );
  }
  const trust = publicKey === undefined ? ({ unsigned: true } as const) : { publicKey: await readPublicKey(publicKey) };
  const read = async (file = manifest): Promise<ReleaseManifest> => judged(requireTokens(options, await readManifest(file, trust)));
  const first = await read();
  const place = {
    address: blobs,
    ...(blobCache === undefined ? {} : { cache: blobCache }),
    ...(s3Endpoint === undefined ? {} : { s3Endpoint }),
    ...(s3Region === undefined ? {} : { s3Region }),
  };
  const opened = await openBlobs(place, { environment: process.env, clock: systemClock, readOnly: true });
  return { source: blobSource(opened.blobs), first, readAgain: read, opened };
}

/** Beyond this machine nobody infers without a token. */
function requireTokens({ host = '127.0.0.1', isFronted }: Contained, manifest: ReleaseManifest): ReleaseManifest {
  if (manifest.tokenHashes.length === 0 && !isLoopback(host) && !isFronted) {
    throw new GyreError(
      'FAILED_PRECONDITION',
      `the manifest names no tokens, so it is served to this machine only; ${host} is reached from others: release it with tokens`,
    );
  }
  return manifest;
}

async function readTls({
  tlsCert,
  tlsKey,
  insecureHttp,
  host = '127.0.0.1',
}: InferenceOptions): Promise<{ cert: string; key: string } | undefined> {
  if (tlsCert !== undefined && tlsKey !== undefined) return { cert: await readFile(tlsCert, 'utf8'), key: await readFile(tlsKey, 'utf8') };
  if (tlsCert !== undefined || tlsKey !== undefined) throw new GyreError('INVALID_ARGUMENT', 'HTTPS needs both --tls-cert and --tls-key');
  if (!isLoopback(host) && insecureHttp !== true) {
    throw new GyreError(
      'FAILED_PRECONDITION',
      `${host} is reached from other machines, and plain HTTP shows them tokens and data: give --tls-cert and --tls-key, or say --insecure-http`,
    );
  }
  return undefined;
}

/**
 * Runs a data plane as this process: SIGTERM and SIGINT drain it, SIGHUP has it read its manifest again. Says where it answers, for people or (with `control`) for the parent.
 * @returns the exit code: 0 after a drain, 1 when it could not start, 2 when the options make no sense
 */
export async function inferenceProcess(options: InferenceOptions): Promise<number> {
  let running: RunningInference;
  try {
    running = await runInference(options);
  } catch (error) {
    if (!(error instanceof GyreError)) throw error;
    if (options.control === true) process.stdout.write(`${JSON.stringify({ event: 'failed', code: error.code, reason: error.message })}\n`);
    process.stderr.write(`gyre serve: ${error.message}\n`);
    return error.code === 'INVALID_ARGUMENT' ? 2 : 1;
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void running.drain());
  // Who started it by hand ends it with the terminal.
  if (options.manifest !== undefined && options.control !== true && !process.stdin.isTTY) process.on('SIGHUP', () => void running.reload());
  if (options.control !== true) {
    const { endpoint, generation, models } = running.plane.manifest;
    const served = models.map(({ name, version }) => `${name} ${version}`).join(', ');
    process.stdout.write(
      `serving ${served} as "${endpoint}" (generation ${generation}) at ${[running.address, running.grpcAddress].filter(Boolean).join(' and ')}\n`,
    );
  }
  await running.ended;
  return 0;
}
