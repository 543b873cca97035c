/** Which routes of MLflow's protocol there are, and which of them a server answers. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProtocolRoute } from '#mlflow';
import { repository } from '../harness/gyre-fixture.ts';
import { runPython } from './python.ts';

/** Every route that the installed MLflow knows. */
export async function knownRoutes(): Promise<readonly ProtocolRoute[]> {
  const rows = await runPython<readonly (readonly [ProtocolRoute['method'], string, string, string])[]>('mlflow_routes_peer.py', {});
  return rows.map(([method, path, name, since]) => ({ method, path, name, since }));
}

/** What a server says to a route: it answers, whatever it answers; it says in the protocol's words that it does not yet; or else. */
export type Standing = 'answered' | 'later' | 'neither';

/** Where a route stands on a server: its path, and the twin that clients in a browser use. */
export function addressesOf({ path }: Pick<ProtocolRoute, 'path'>): readonly string[] {
  return path.startsWith('/api/') ? [path, `/ajax${path.replace('/api/', '-api/')}`] : [path];
}

/** Calls a route with nothing in it. */
export async function standingOf(
  server: { readonly address: string; readonly token: string },
  method: string,
  path: string,
): Promise<Standing> {
  const response = await fetch(server.address + path.replaceAll(/\{\w+\*?\}/g, 'x'), {
    method,
    headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/json' },
    ...(method === 'GET' || method === 'DELETE' ? {} : { body: '{}' }),
  });
  const body = await response.text();
  const code = /"error_code":"(\w+)"/.exec(body)?.[1];
  if (response.status === 501) return code === 'NOT_IMPLEMENTED' ? 'later' : 'neither';
  if (response.status === 404) return code === 'RESOURCE_DOES_NOT_EXIST' ? 'answered' : 'neither';
  return response.status < 500 ? 'answered' : 'neither';
}

const start = '<!-- routes: written by tools/document-mlflow-routes.ts -->\n';
const end = '<!-- /routes -->';
export const documentation = join(repository, 'docs/mlflow.md');

/** The part of docs/mlflow.md that lists routes. @throws when its marks are not there */
export async function documented(): Promise<{ readonly before: string; readonly table: string; readonly after: string }> {
  const text = await readFile(documentation, 'utf8');
  const [from, to] = [text.indexOf(start) + start.length, text.indexOf(end)];
  if (from < start.length || to < from) throw new Error(`${documentation} has no part between ${start.trim()} and ${end}`);
  return { before: text.slice(0, from), table: text.slice(from, to), after: text.slice(to) };
}

/** The lists for docs/mlflow.md. */
export function tableOf(standings: ReadonlyMap<ProtocolRoute, Standing>): string {
  const list = (title: string, wanted: Standing): string => {
    const rows = [...standings].flatMap(([{ method, path, since }, standing]) =>
      standing === wanted ? [`| ${method} | \`${path}\` | ${since} |`] : [],
    );
    return `### ${title}: ${rows.length} of ${standings.size}\n\n| method | path | since |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
  };
  return `${list('Answered', 'answered')}\n${list('Not yet, with 501', 'later')}`;
}
