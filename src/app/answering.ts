import { availableParallelism } from 'node:os';
import { GyreError, messageOf, systemClock, threadCpuMs, uuidV7 } from '#core';
import { describeError, oipMethods, oipRoutes } from '#oip';
import { scoringRoutes } from '#scoring';
import {
  Admission,
  AdmissionLedger,
  explainRoute,
  Explanations,
  metricsRoute,
  Outliers,
  Plane,
  predictRoute,
  RequestObserver,
  serveHttp,
  serveRpc,
  Spool,
  spoolMetrics,
} from '#serving';
import type {
  InferenceServer,
  LedgerMemory,
  PackageSource,
  PayloadEvents,
  PlaneChange,
  PlaneDeps,
  PlaneLeader,
  PortSharing,
  PythonSettings,
  SpoolFigures,
} from '#serving';
import { AccessLog, SpanExporter, tracingFrom } from '#telemetry';
import type { AccessLogOptions, Logger, Metrics } from '#telemetry';
import { executionOf } from './execution-flags.ts';
import type { ContainedOptions, InferenceOptions } from './inference-options.ts';
import { pooledRandomBytes } from './random.ts';
import gyre from '../../package.json' with { type: 'json' };

/** Certificate and key, as PEM. */
export interface Tls {
  readonly cert: string;
  readonly key: string;
}

/** Where requests are taken. */
export interface AnsweringPorts {
  readonly http: number;
  readonly grpc: number | 'off';
  readonly sharing?: PortSharing;
}

export interface AnsweringDeps {
  readonly options: ContainedOptions;
  readonly ports: AnsweringPorts;
  readonly served: PlaneChange;
  readonly source: PackageSource;
  readonly events: PayloadEvents;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Shared by all threads that answer. */
  readonly ledger: LedgerMemory;
  /** How far the leading thread's clock of elapsed time is ahead of this one's; 0 there. */
  readonly aheadMs: number;
  readonly tls?: Tls;
  readonly python?: PythonSettings;
  readonly shadowLog?: (line: string) => void;
  readonly leader?: PlaneLeader;
}

/** A thread that answers requests: its plane, with servers for both transports. */
export interface Answering {
  readonly plane: Plane;
  /** HTTP's, then gRPC's unless it is off. */
  readonly servers: readonly InferenceServer[];
  /** What the start found of the log. */
  readonly recovered?: SpoolFigures['recovered'];
  /** Takes no more requests, and answers what is under way. */
  closeServers(): Promise<void>;
  /** Unloads the models and closes the log, when the servers are closed. */
  close(): Promise<void>;
}

/** @throws GyreError with the reason when models, log or ports cannot be used */
export async function openAnswering(deps: AnsweringDeps): Promise<Answering> {
  const { options, ports, source, events, metrics, log, tls, python, shadowLog, leader } = deps;
  const elapsed = (): number => performance.now();
  const randomBytes = pooledRandomBytes();
  const newId = uuidV7(systemClock, randomBytes);
  const access = openAccessLog(options, { clock: systemClock, metrics, log });
  const tracing = tracingFrom(process.env, { 'service.name': 'gyre-serve', 'service.version': gyre.version });
  const spans = tracing === undefined ? undefined : new SpanExporter(tracing, { metrics, log });
  const spool =
    options.spool === undefined ? undefined : await Spool.open({ dir: options.spool, newId, isShared: ports.sharing !== undefined });
  if (spool !== undefined) spoolMetrics(metrics, spool);
  const planeDeps: PlaneDeps = {
    source,
    workers: availableParallelism(),
    execution: executionOf(options),
    elapsed,
    computed: threadCpuMs,
    clock: systemClock,
    newId,
    chance: Math.random,
    metrics,
    events,
    ...(spool === undefined ? {} : { spool }),
    ...(shadowLog === undefined ? {} : { shadowLog }),
    ...(options.modelControl === undefined ? {} : { modelControl: options.modelControl }),
    ...(python === undefined ? {} : { python }),
    ...(leader === undefined ? {} : { leader }),
  };
  const plane = await Plane.follow(deps.served, planeDeps);
  const explanations = new Explanations({
    plane,
    source,
    ...(options.explainTimeoutMs === undefined ? {} : { timeoutMs: options.explainTimeoutMs }),
  });
  const outliers = new Outliers(source);
  const servers: InferenceServer[] = [];
  const closeServers = async (graceMs?: number): Promise<void> => {
    await Promise.all(servers.map((server) => server.close(graceMs)));
  };
  const close = async (): Promise<void> => {
    await Promise.all([explanations[Symbol.asyncDispose](), outliers[Symbol.asyncDispose]()]);
    await plane[Symbol.asyncDispose]();
    await Promise.all([events, access, spans].map(async (one) => one?.[Symbol.asyncDispose]()));
  };
  const oip = { plane, version: gyre.version, explanations, outliers };
  const shared = {
    plane,
    isFronted: options.isFronted,
    host: options.host ?? '127.0.0.1',
    log,
    admission: new Admission(plane, new AdmissionLedger(deps.ledger, deps.aheadMs)),
    observer: new RequestObserver({
      elapsed,
      clock: systemClock,
      randomBytes,
      ...(access === undefined ? {} : { access }),
      ...(spans === undefined ? {} : { spans }),
    }),
    ...(tls === undefined ? {} : { tls }),
    ...(options.allowedHosts === undefined ? {} : { allowedHosts: options.allowedHosts }),
    ...(ports.sharing === undefined ? {} : { sharing: ports.sharing }),
  };
  try {
    const routes = [
      predictRoute(plane, outliers),
      explainRoute(plane, explanations),
      ...oipRoutes(oip),
      ...scoringRoutes({ ...oip, ...(options.platform === undefined ? {} : { container: options.platform }) }),
      metricsRoute(plane),
    ];
    servers.push(await serveHttp({ ...shared, port: ports.http, routes, describe: describeError }));
    if (ports.grpc !== 'off') servers.push(await serveRpc({ ...shared, port: ports.grpc, methods: oipMethods(oip) }));
  } catch (error) {
    await closeServers(0);
    await close();
    throw error;
  }
  return {
    plane,
    servers,
    ...(spool === undefined ? {} : { recovered: spool.figures.recovered }),
    closeServers: () => closeServers(),
    close,
  };
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
