/** A large artifact up and down through the server's proxy, streamed. */
import { randomFillSync } from 'node:crypto';
import { request } from 'node:http';
import { performance } from 'node:perf_hooks';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { forgetPeak, peakMib, type Server } from './servers.ts';

export interface ArtifactFigures {
  readonly upMs: number;
  readonly downMs: number;
  /** What the server's main process needed at most beyond what it had before. */
  readonly grownMib: number;
}

/** @param path where it is kept, below the artifacts' root */
export async function artifactRound(server: Server, path: string, bytes: number): Promise<ArtifactFigures> {
  const chunk = randomFillSync(Buffer.alloc(1 << 20));
  const url = `${server.address}/api/2.0/mlflow-artifacts/artifacts/${path}`;
  const headers = server.token === undefined ? {} : { authorization: `Bearer ${server.token}` };
  forgetPeak(server.pid);
  const before = peakMib(server.pid);
  const startedMs = performance.now();
  await new Promise<void>((done, failed) => {
    const outgoing = request(url, { method: 'PUT', headers: { ...headers, 'content-length': String(bytes) } }, (incoming) => {
      incoming.resume();
      incoming.on('end', () => (incoming.statusCode === 200 ? done() : failed(new Error(`PUT answered ${String(incoming.statusCode)}`))));
    });
    outgoing.on('error', failed);
    pipeline(Readable.from(chunks(chunk, bytes)), outgoing).catch(failed);
  });
  const upMs = performance.now() - startedMs;
  const received = await new Promise<number>((done, failed) => {
    const outgoing = request(url, { headers }, (incoming) => {
      let size = 0;
      incoming.on('data', (part: Buffer) => (size += part.byteLength));
      incoming.on('end', () => done(size));
      incoming.on('error', failed);
    });
    outgoing.on('error', failed);
    outgoing.end();
  });
  if (received !== bytes) throw new Error(`${server.name} gave ${received} of ${bytes} bytes`);
  return { upMs, downMs: performance.now() - startedMs - upMs, grownMib: peakMib(server.pid) - before };
}

function* chunks(chunk: Buffer, bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= chunk.byteLength) yield left < chunk.byteLength ? chunk.subarray(0, left) : chunk;
}
