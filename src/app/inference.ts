import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReleaseManifest } from '#contract';
import { GyreError, systemClock } from '#core';
import { isLoopback, ledgerMemory, openShadowLog, PayloadEvents, removeLeftFolders, removeUnused, serveControl } from '#serving';
import type { Plane, PythonSettings, SwapAnswer } from '#serving';
import { createLogger, createMetrics, watchProcess } from '#telemetry';
import type { Logger } from '#telemetry';
import { openAnswering } from './answering.ts';
import type { Tls } from './answering.ts';
import { AnsweringThreads, threadsOf } from './answering-threads.ts';
import { containerOf } from './container.ts';
import type { ContainedOptions, InferenceOptions } from './inference-options.ts';
import { pythonSettings } from './python-settings.ts';
import { eventHostsOf, openManifest, withEvents } from './served-manifest.ts';

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
  const options: ContainedOptions = {
    ...asked,
    ...contained?.flags,
    isFronted: contained !== undefined,
    ...(contained === undefined ? {} : { platform: contained.container }),
  };
  const { port = 7080, answeringThreads = 'auto' } = options;
  const { least, most } = threadsOf(answeringThreads);
  const log = createLogger({
    level: options.logLevel ?? 'info',
    destination: process.stderr,
    bindings: { role: 'inference', pid: process.pid },
  });
  const tls = await readTls(options);
  const python = await allowedPython(options, log);
  const metrics = createMetrics();
  const events = new PayloadEvents({ hosts: eventHostsOf(options), clock: systemClock, chance: Math.random, metrics, log });
  const { source, readAgain, first, opened } = await openManifest(options, (manifest) => {
    const told = withEvents(options, manifest);
    if (told.log.events !== undefined) events.require(told.log.events);
    return told;
  });
  const watch = watchProcess(metrics);
  if (options.spool === undefined && options.model === undefined) log.warn('predictions are not logged: no spool folder was given');
  const shadowLog =
    options.spool === undefined
      ? undefined
      : await openShadowLog(options.spool, shadowLogBytes, (error) => log.warn({ err: error }, 'what shadows say cannot be logged'));
  const ledger = ledgerMemory();
  const leading = await openAnswering({
    options,
    ports: {
      http: port,
      grpc: options.grpcPort ?? (port === 0 ? 0 : port + 1),
      ...(most > 1 ? { sharing: 'first' } : {}),
    },
    served: { manifest: first, unloaded: [], planes: least },
    source,
    events,
    metrics,
    log,
    ledger,
    aheadMs: 0,
    ...(tls === undefined ? {} : { tls }),
    ...(python === undefined ? {} : { python }),
    ...(shadowLog === undefined ? {} : { shadowLog: shadowLog.write }),
  });
  if (leading.recovered !== undefined && leading.recovered.segments > 0)
    log.warn(leading.recovered, 'a process that died had left its prediction log open: it is finished, what was not answered is cut off');
  const { plane, servers } = leading;
  const threads = new AnsweringThreads({
    options,
    ledger,
    leading,
    log,
    ...(tls === undefined ? {} : { tls }),
    ...(shadowLog === undefined ? {} : { logShadow: shadowLog.write }),
  });
  const close = async (): Promise<void> => {
    await Promise.all([leading.closeServers(), threads.closeServers()]);
    // What is being loaded is loaded by all of them: none may end before the others have it, or have let go of it.
    await plane.settled();
    await threads.close();
    await leading.close();
    await shadowLog?.[Symbol.asyncDispose]();
    await opened?.[Symbol.asyncDispose]();
    watch[Symbol.dispose]();
  };
  try {
    for (let count = 1; count < least; count++) await threads.add();
  } catch (error) {
    await close();
    throw error;
  }
  if (most > least) threads.grow(most);
  const [{ address }, grpc] = servers;
  const addresses = { address, ...(grpc === undefined ? {} : { grpcAddress: grpc.address }) };

  const ended = Promise.withResolvers<void>();
  let draining = false;
  const drain = (): Promise<void> => {
    if (!draining) {
      draining = true;
      plane.drain();
      const end = async (): Promise<void> => {
        await threads.drain();
        // Requests that are on their way when it is said are still taken in; a listener that closes at once would reset them.
        await sleep(lingerMs);
        await close();
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

async function readTls({ tlsCert, tlsKey, insecureHttp, host = '127.0.0.1' }: InferenceOptions): Promise<Tls | undefined> {
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
