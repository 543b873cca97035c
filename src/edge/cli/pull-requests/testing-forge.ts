import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface ForgeComment {
  readonly id: number;
  body: string;
  /** Another's: it cannot be changed. */
  readonly foreign?: boolean;
}

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

/** A service that hosts code, as far as its comments go: GitHub's "Issue comments" and GitLab's "Notes", as their documentation has them. */
export interface Forge extends AsyncDisposable {
  readonly address: string;
  readonly comments: ForgeComment[];
  readonly asked: Asked[];
  /** Statuses that the next requests get instead of an answer, whose body says the token that came; 0: this one is answered. */
  readonly refusals: number[];
}

export async function openForge(): Promise<Forge> {
  const comments: ForgeComment[] = [];
  const asked: Asked[] = [];
  const refusals: number[] = [];
  const server = createServer((request, response) => {
    const answer = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json', ...(status === 429 ? { 'retry-after': '0' } : {}) });
      response.end(JSON.stringify(body));
    };
    void text(request).then((content) => {
      const { pathname, searchParams } = new URL(request.url ?? '', 'http://forge');
      const { method = '' } = request;
      asked.push({ method, path: pathname, headers: request.headers });
      const refusal = refusals.shift();
      if (refusal !== undefined && refusal !== 0)
        return answer(refusal, { message: `no, ${request.headers.authorization ?? String(request.headers['private-token'])}` });
      const token = request.headers.authorization ?? request.headers['private-token'];
      if (token !== 'Bearer s3cret-of-github' && token !== 's3cret-of-gitlab') return answer(401, { message: 'Bad credentials' });
      const list = /^\/repos\/team\/shop\/issues\/7\/comments$|^\/api\/v4\/projects\/42\/merge_requests\/7\/notes$/.test(pathname);
      const one = /^\/repos\/team\/shop\/issues\/comments\/(\d+)$|^\/api\/v4\/projects\/42\/merge_requests\/7\/notes\/(\d+)$/.exec(
        pathname,
      );
      const shown = ({ id, body }: ForgeComment): object => ({ id, body, html_url: `https://forge.example/7#${id}` });
      if (list && method === 'GET') {
        const [page, size] = [Number(searchParams.get('page')), Number(searchParams.get('per_page'))];
        return answer(200, comments.slice((page - 1) * size, page * size).map(shown));
      }
      const body = content === '' ? '' : (JSON.parse(content) as { body: string }).body;
      if (list && method === 'POST') {
        const comment = { id: 100 + comments.length, body };
        comments.push(comment);
        return answer(201, shown(comment));
      }
      const found = comments.find(({ id }) => id === Number(one?.[1] ?? one?.[2]));
      if (found === undefined || (method !== 'PATCH' && method !== 'PUT')) return answer(404, { message: 'Not Found' });
      if (found.foreign === true) return answer(403, { message: 'Forbidden' });
      found.body = body;
      return answer(200, shown(found));
    });
  });
  await new Promise<void>((settle) => server.listen(0, '127.0.0.1', settle));
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${port}`,
    comments,
    asked,
    refusals,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((settle) => server.close(settle));
    },
  };
}
