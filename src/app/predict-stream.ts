import { hostname } from 'node:os';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import type { PredictStreamFlags } from '#cli';
import { GyreError, messageOf, systemClock, uuidV7 } from '#core';
import { readInferRequest, writeInferResponse } from '#oip';
import { localModels, removeLeftFolders } from '#serving';
import type { PythonSettings } from '#serving';
import {
  groupOf,
  noBrokers,
  openEndpointModel,
  openStreamModel,
  openTopics,
  readBrokers,
  runStream,
  streamMetrics,
  streamTopics,
  usualChoices,
} from '#streams';
import type { BrokerBook, RunningStream, TensorCodec } from '#streams';
import { createMetrics, metricsContentType, watchProcess } from '#telemetry';
import type { Metrics } from '#telemetry';
import { resolveReferences } from '#project';
import { predictWorkers } from './predict-table.ts';
import { pythonSettings } from './python-settings.ts';
import type { PythonFlags } from './python-settings.ts';
import { pooledRandomBytes } from './random.ts';
import { settleSettings } from './settings.ts';
import type { PlatformSettings } from './settings.ts';

/** Inference requests of the Open Inference Protocol, for streams. */
export const streamTensors: TensorCodec = { decode: readInferRequest, encodeAll: writeInferResponse };

/** The brokers that a setting names. @throws GyreError when the file is wrong */
export async function brokersOf(
  { brokers }: Pick<PlatformSettings, 'brokers'>,
  projectFolder: string,
  environment: PredictStreamFlags['environment'],
): Promise<BrokerBook> {
  return brokers === '' ? noBrokers : readBrokers(resolve(projectFolder, brokers), environment);
}

/** A name that no other member of a group has. */
export const memberName = (): string =>
  `${hostname()
    .replaceAll(/[^A-Za-z0-9_-]/g, '-')
    .slice(0, 60)}-${randomBytes(6).toString('hex')}`;

/** Answers a topic by a model on this disk or by an endpoint, until the signal aborts: no project, no control plane, no record. */
export async function predictStream(flags: PredictStreamFlags): Promise<ReturnType<RunningStream['figures']>> {
  const { model: answerer, projectFolder, environment, choices, signal, say } = flags;
  const { values } = settleSettings(projectFolder, { flags: flags.flags, environment });
  const book = await brokersOf(values, projectFolder, environment);
  const asked = { ...usualChoices, ...choices };
  const { input, output, deadLetters } = flags.places;
  const topics = streamTopics({
    input: resolveReferences(input, environment),
    output: resolveReferences(output, environment),
    ...(deadLetters === undefined ? {} : { deadLetters: resolveReferences(deadLetters, environment) }),
  });
  const metrics = createMetrics();
  await using opened = new AsyncDisposableStack();
  opened.use(watchProcess(metrics));
  const elapsed = (): number => performance.now();
  const model = opened.use(
    'address' in answerer
      ? await openEndpointModel({ ...answerer, ...asked, elapsed })
      : await openStreamModel(await localModels([answerer.place], systemClock), {
          clock: systemClock,
          newId: uuidV7(systemClock, pooledRandomBytes()),
          chance: Math.random,
          elapsed,
          metrics,
          tensors: streamTensors,
          workers: predictWorkers(),
          inFlight: asked.inFlight,
          ...(await pythonAllowed(answerer, environment, say)),
        }),
  );
  const group = groupOf(choices.group, model.name);
  const member = memberName();
  const stream = opened.use(
    runStream({
      name: group,
      ...(await openTopics(topics, book, false, { ...asked, group, member, say, elapsed })),
      ...asked,
      group,
      model,
      clock: systemClock,
      metrics: streamMetrics(metrics),
      signal,
      say,
    }),
  );
  if (flags.metricsPort !== undefined) {
    const server = await serveFigures(flags.metricsPort, metrics, stream);
    opened.defer(() => server.close().closeAllConnections());
    const address = server.address();
    if (typeof address === 'object' && address !== null) say(`metrics at http://127.0.0.1:${address.port}/metrics`);
  }
  flags.ready({ group, model: model.title });
  await stream.ended;
  return stream.figures();
}

/** What the command line allows of models in Python. */
async function pythonAllowed(
  flags: PythonFlags,
  environment: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<{ readonly python?: PythonSettings }> {
  const settings = pythonSettings(flags, environment);
  if (settings === undefined) return {};
  await removeLeftFolders(settings.cacheFolder);
  return { python: { ...settings, log: (facts, message) => say(`${message}: ${Object.values(facts).join(': ')}`) } };
}

/** `/metrics` for Prometheus and `/status` as JSON, on loopback. @throws GyreError UNAVAILABLE when the port is taken */
async function serveFigures(port: number, metrics: Metrics, stream: RunningStream): Promise<Server> {
  const server = createServer((request, response) => {
    const [type, text] =
      request.url === '/metrics'
        ? [metricsContentType, metrics.expose()]
        : request.url === '/status'
          ? ['application/json', JSON.stringify(stream.figures())]
          : ['text/plain', undefined];
    const { host = '' } = request.headers;
    // A page of somebody else's that a browser shows must not read it by a name that leads here.
    const isHere = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(host);
    if (text === undefined || request.method !== 'GET' || !isHere) response.writeHead(isHere ? 404 : 403).end();
    else response.writeHead(200, { 'content-type': type }).end(text);
  });
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch (error) {
    throw new GyreError(
      'UNAVAILABLE',
      `nothing can be answered at port ${port} of this machine: ${messageOf(error)}`,
      { port },
      { cause: error },
    );
  }
  return server;
}
