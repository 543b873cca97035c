import { request as requestHttp } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { buffer } from 'node:stream/consumers';

/** Sends a text and waits for the answer as long as it takes: `fetch` gives up after five minutes, and an ingestion may take longer. */
export async function patientRequest(
  url: string,
  init: { readonly method: string; readonly headers: Headers; readonly body: string; readonly signal: AbortSignal },
): Promise<Response> {
  const { method, body, signal } = init;
  const headers = { ...Object.fromEntries(init.headers), 'content-length': String(Buffer.byteLength(body)) };
  const sent = (url.startsWith('https:') ? requestHttps : requestHttp)(url, { method, headers, signal });
  sent.end(body);
  const answer = await new Promise<IncomingMessage>((done, fail) => sent.once('response', done).once('error', fail));
  const type = answer.headers['content-type'];
  const bytes = await buffer(answer);
  return new Response(bytes.length === 0 ? null : Uint8Array.from(bytes), {
    status: answer.statusCode ?? 500,
    headers: new Headers(type === undefined ? {} : { 'content-type': type }),
  });
}
