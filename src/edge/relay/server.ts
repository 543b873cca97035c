import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import http from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GyreError, hasCode, isGyreError, messageOf, parsedJson } from '#core';
import type { Clock } from '#core';
import { created, creationHeaders } from './deliver.ts';
import type { Creation, Facts } from './entries.ts';
import { isFacts, listOf } from './entries.ts';
import { artifactsPath } from './names.ts';
import type { Relay } from './relay.ts';
import { learnt, relayTag, routeOf } from './routes.ts';
import type { Answer, Ids, Route } from './routes.ts';
import { statusPage } from './status.ts';
import { isAway } from './upstream.ts';
import type { Outgoing } from './upstream.ts';

/** The largest body that is not an artifact. */
const mostBodyBytes = 64 * 1024 * 1024;

/** So long a call that only the server can answer waits for the journal to be delivered. */
const mostWaitMs = 30_000;

export interface RelayServerOptions {
  readonly relay: Relay;
  readonly clock: Clock;
  readonly ids: Ids;
  /** 0 takes a free one. */
  readonly port: number;
  readonly say: (line: string) => void;
}

export interface RelayServer extends AsyncDisposable {
  readonly address: string;
}

/**
 * Answers MLflow clients on this machine: from the server while it is there, else by keeping what they say. It binds to loopback alone.
 * @throws GyreError ALREADY_EXISTS when the port is taken
 */
export async function serveRelay(options: RelayServerOptions): Promise<RelayServer> {
  const server = http.createServer({ noDelay: true, requestTimeout: 0 }, (request, response) => {
    answer(options, request, response).catch((error: unknown) => fail(options, response, error));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new GyreError('ALREADY_EXISTS', `port ${options.port} is taken; --port names another one`, { port: options.port })
          : error,
      ),
    );
    server.listen(options.port, '127.0.0.1', resolve);
  });
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : options.port;
  return {
    address: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      const force = setTimeout(() => server.closeAllConnections(), 5_000);
      await closed;
      clearTimeout(force);
    },
  };
}

async function answer(options: RelayServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  requireOwnHost(request);
  const { relay, clock } = options;
  const { method = 'GET', url = '/' } = request;
  const { pathname, searchParams } = new URL(url, 'http://relay');
  if (method === 'GET' && pathname === '/health') return send(response, 200, 'text/plain', 'OK');
  if (method === 'GET' && pathname === '/relay/status')
    return send(response, 200, 'application/json', JSON.stringify({ ...relay.status, now: clock.now() }));
  if (method === 'GET' && pathname === '/relay')
    return send(response, 200, 'text/html; charset=utf-8', statusPage(relay.status, clock.now()));
  if (pathname.includes('/mlflow-artifacts/mpu/') || pathname.includes('/mlflow-artifacts/presigned/'))
    throw new GyreError('UNIMPLEMENTED', 'the relay takes artifacts whole: clients upload and download them as one body');
  if (method === 'PUT' && pathname.includes(artifactsPath)) return artifact(options, request, response);
  const found = routeOf(method, pathname);
  if (found === undefined) return handOn(options, request, response);
  const { route, id } = found;
  const bytes = await bodyOf(request);
  const body = bytes.length === 0 ? {} : parsedJson(bytes.toString('utf8'));
  if (!isFacts(body)) throw new GyreError('INVALID_ARGUMENT', `the body of ${method} ${pathname} is no JSON object`);
  const now = clock.now();
  const prepared = route.prepare?.(body, relay.view, options.ids, now);
  const outgoing =
    prepared === undefined
      ? bytes
      : Buffer.from(JSON.stringify(prepared.creation.what === 'experiment' ? body : tagged(prepared.body, relay)));
  const asked: Asked = {
    route,
    headers: headersOf(request),
    path: url,
    bytes: outgoing,
    ...(prepared === undefined ? {} : { creation: prepared.creation }),
  };
  const local = (): Answer | undefined =>
    route.local({
      view: relay.view,
      body: prepared?.body ?? body,
      query: searchParams,
      id,
      now,
      ...(prepared === undefined ? {} : { creation: prepared.creation }),
    });
  if (route.isWrite) await write(options, asked, local, response);
  else await read(options, asked, local, response);
}

interface Asked {
  readonly route: Route;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Buffer;
  readonly creation?: Creation;
}

/** A write goes to the server when nothing waits before it; else, and when the server is away, it is kept. */
async function write(
  { relay, clock }: RelayServerOptions,
  asked: Asked,
  local: () => Answer | undefined,
  response: ServerResponse,
): Promise<void> {
  let uncertain = false;
  if (relay.isCaughtUp) {
    if (await answeredByServer(relay, asked, response)) return;
    uncertain = true;
  }
  const { route, path, headers, bytes, creation } = asked;
  await relay.keep(
    { method: route.method, path, headers, at: clock.now(), ...(creation === undefined ? {} : { creates: creation }) },
    bytes,
    uncertain,
  );
  const said = local() ?? { status: 200, body: {} };
  send(response, said.status, 'application/json', JSON.stringify(said.body));
}

async function read({ relay }: RelayServerOptions, asked: Asked, local: () => Answer | undefined, response: ServerResponse): Promise<void> {
  const caughtUp = await relay.caughtUp(2_000);
  // What the server would say now lacks what waits here.
  const own = caughtUp ? undefined : local();
  if (own?.status === 200) return send(response, 200, 'application/json', JSON.stringify(own.body));
  if (await answeredByServer(relay, asked, response)) return;
  const said = local();
  if (said === undefined) throw away(relay);
  send(response, said.status, 'application/json', JSON.stringify(said.body));
}

/** Asks the server, and hands its answer on. @returns false when it is away */
async function answeredByServer(
  relay: Relay,
  { route, path, headers, bytes, creation }: Asked,
  response: ServerResponse,
): Promise<boolean> {
  const { names } = relay;
  const outgoing: Outgoing = {
    method: route.method,
    path: names.address(path) ?? path,
    headers: { ...headers, ...creationHeaders(creation) },
    ...(route.method === 'GET' ? {} : { body: names.isEmpty ? bytes : Buffer.from(names.outward(bytes.toString('utf8'))) }),
  };
  try {
    const said = await relay.upstream.ask(outgoing);
    if (isAway(said.status)) {
      relay.saw('away', `${relay.status.to} says ${said.status}`);
      return false;
    }
    relay.saw('up');
    const text = names.inward(said.text);
    if (said.status < 300) {
      const facts = parsedJson(text);
      const news = learnt(route, facts);
      if (news !== undefined) await relay.learn(news.kind, news.value);
      if (creation !== undefined && creation.what !== 'experiment') relay.keepsIds = created(creation, facts).keptId;
    }
    send(response, said.status, said.headers['content-type'] ?? 'application/json', text);
    return true;
  } catch (error) {
    if (!hasCode(error, 'UNAVAILABLE')) throw error;
    relay.saw('away', error.message);
    return false;
  }
}

/** An artifact is on this disk before anybody is told that it was taken; then it goes to the server, now or later. */
async function artifact({ relay, clock, ids }: RelayServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const announced = Number(request.headers['content-length'] ?? 0);
  relay.requireRoom(announced);
  const file = ids.hex();
  const spooled = join(relay.spoolFolder, file);
  const entry = { method: 'PUT', path: request.url ?? '/', headers: headersOf(request), at: clock.now() };
  let kept = false;
  try {
    const size = await spool(request, spooled, relay);
    if (relay.isCaughtUp) {
      const path = relay.names.address(entry.path);
      if (path === undefined)
        throw new GyreError('FAILED_PRECONDITION', 'the server keeps the artifacts of this run where they are not reached through it');
      const said = await relay.upstream
        .ask({ method: 'PUT', path, headers: entry.headers, body: { stream: createReadStream(spooled), size } })
        .catch((error: unknown) => {
          if (!hasCode(error, 'UNAVAILABLE')) throw error;
          relay.saw('away', error.message);
          return undefined;
        });
      if (said !== undefined && !isAway(said.status)) {
        relay.saw('up');
        return send(response, said.status, said.headers['content-type'] ?? 'application/json', said.text);
      }
    }
    await relay.keep({ ...entry, spooled: { file, size } }, new Uint8Array(), true);
    kept = true;
    send(response, 200, 'application/json', '{}');
  } finally {
    if (!kept) await rm(spooled, { force: true });
  }
}

async function spool(request: IncomingMessage, path: string, relay: Relay): Promise<number> {
  const handle = await open(path, 'wx', 0o600);
  let size = 0;
  try {
    await pipeline(request, async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        size += chunk.length;
        relay.requireRoom(size);
        await handle.write(chunk);
      }
    });
    await handle.datasync();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC')
      throw new GyreError('RESOURCE_EXHAUSTED', 'the disk that the relay keeps artifacts on is full', {}, { cause: error });
    throw error;
  } finally {
    await handle.close();
  }
  return size;
}

/** What only the server can answer waits for the journal, and is streamed. */
async function handOn({ relay }: RelayServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = 'GET', url = '/' } = request;
  await relay.caughtUp(mostWaitMs);
  // A read may be behind; a write that stands on what waits must not overtake it.
  if (!relay.isCaughtUp && method !== 'GET' && !url.includes('/search')) throw away(relay);
  const hasBody = method !== 'GET' && method !== 'HEAD';
  const bytes = hasBody ? await bodyOf(request) : undefined;
  const said = await relay.upstream
    .send({
      method,
      path: relay.names.address(url) ?? url,
      headers: headersOf(request),
      ...(bytes === undefined ? {} : { body: relay.names.isEmpty ? bytes : Buffer.from(relay.names.outward(bytes.toString('utf8'))) }),
    })
    .catch((error: unknown) => {
      if (hasCode(error, 'UNAVAILABLE')) relay.saw('away', error.message);
      throw error;
    });
  if (!isAway(said.statusCode)) relay.saw('up');
  const type = said.headers['content-type'] ?? 'application/octet-stream';
  if (type.startsWith('application/json') && !relay.names.isEmpty && !url.includes(artifactsPath)) {
    const text = Buffer.concat(await Readable.from(said).toArray()).toString('utf8');
    return send(response, said.statusCode, type, relay.names.inward(text));
  }
  const { connection: _connection, 'keep-alive': _keep, 'transfer-encoding': _encoding, ...headers } = said.headers;
  response.writeHead(said.statusCode, headers);
  await pipeline(said, response);
}

/** A server that keeps the relay's ids needs no tag to find its runs and models again. */
function tagged(body: Facts, { keepsIds }: Relay): Facts {
  return keepsIds === true ? { ...body, tags: listOf(body['tags']).filter(({ key }) => key !== relayTag) } : body;
}

function away(relay: Relay): GyreError {
  const { to, trouble } = relay.status;
  return new GyreError('UNAVAILABLE', `only the server can answer this, and ${to} is away${trouble === undefined ? '' : `: ${trouble}`}`);
}

/** Neither a page of somebody else's nor a name that was pointed to this machine may use what this machine's programs may. */
function requireOwnHost({ headers: { host = '', origin } }: IncomingMessage): void {
  const name = (/^\[([^\]]*)\]/.exec(host)?.[1] ?? host.replace(/:\d*$/, '')).toLowerCase();
  if (isIP(name) === 0 && name !== 'localhost')
    throw new GyreError('PERMISSION_DENIED', `the relay does not answer to the name "${name.slice(0, 100)}"`);
  if (origin !== undefined) throw new GyreError('PERMISSION_DENIED', 'web pages may not use the relay');
}

function headersOf({ headers }: IncomingMessage): Readonly<Record<string, string>> {
  const sent = ['authorization', 'content-type', 'user-agent', 'accept', 'range', 'x-mlflow-workspace'];
  return Object.fromEntries(sent.flatMap((name) => (typeof headers[name] === 'string' ? [[name, headers[name]]] : [])));
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > mostBodyBytes) throw new GyreError('INVALID_ARGUMENT', `a body of more than ${mostBodyBytes} bytes is not taken`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const statuses: Readonly<Record<string, readonly [number, string]>> = {
  INVALID_ARGUMENT: [400, 'INVALID_PARAMETER_VALUE'],
  PERMISSION_DENIED: [403, 'PERMISSION_DENIED'],
  FAILED_PRECONDITION: [400, 'INVALID_STATE'],
  UNIMPLEMENTED: [501, 'NOT_IMPLEMENTED'],
  UNAVAILABLE: [503, 'TEMPORARILY_UNAVAILABLE'],
  // Clients try again for some minutes; by then the server may have taken some of it.
  RESOURCE_EXHAUSTED: [503, 'RESOURCE_EXHAUSTED'],
};

function fail({ say }: RelayServerOptions, response: ServerResponse, error: unknown): void {
  const [status, code] = (isGyreError(error) ? statuses[error.code] : undefined) ?? [500, 'INTERNAL_ERROR'];
  if (status === 500) say(`a request failed: ${messageOf(error)}`);
  if (response.headersSent) response.destroy();
  else send(response, status, 'application/json', JSON.stringify({ error_code: code, message: messageOf(error) }));
}

function send(response: ServerResponse, status: number, type: string, text: string): void {
  const bytes = Buffer.from(text);
  response.writeHead(status, {
    'content-type': type,
    'content-length': bytes.length,
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  });
  response.end(bytes);
}
