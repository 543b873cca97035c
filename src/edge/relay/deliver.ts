import type { Readable } from 'node:stream';
import { parsedJson } from '#core';
import type { ArtifactMove, Creation, Entry, Facts, Renaming } from './entries.ts';
import { factsOf, listOf, textOf } from './entries.ts';
import type { Names } from './names.ts';
import { proxiedPath } from './names.ts';
import { relayTag } from './routes.ts';
import type { ReadAnswer, Upstream } from './upstream.ts';
import { isAway } from './upstream.ts';
import { heldBy } from './view.ts';

/** What became of an entry. */
export type Outcome =
  | { readonly kind: 'delivered'; readonly renaming?: Renaming; readonly move?: ArtifactMove; readonly keptId?: boolean }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'later'; readonly why: 'away' | 'credentials' | 'failure'; readonly message: string };

export interface Delivery {
  readonly upstream: Upstream;
  readonly names: Names;
}

/** The header by which a server of Gyre is asked to give a new run or model the id that the relay chose. */
const idHeader = 'gyre-id';

/** Headers of a request that makes something. */
export function creationHeaders(creation: Creation | undefined): Readonly<Record<string, string>> {
  return creation === undefined || creation.what === 'experiment' ? {} : { [idHeader]: creation.id };
}

/** Gives the server one entry. @throws GyreError UNAVAILABLE when it does not answer */
export async function deliver(
  { upstream, names }: Delivery,
  entry: Entry,
  { path, body }: { readonly path: string; readonly body: Uint8Array | { readonly stream: Readable; readonly size: number } },
): Promise<Outcome> {
  const answer = await upstream.ask({
    method: entry.method,
    path,
    headers: { ...entry.headers, ...creationHeaders(entry.creates) },
    body,
  });
  if (answer.status < 300) return entry.creates === undefined ? { kind: 'delivered' } : created(entry.creates, parsedJson(answer.text));
  const problem = problemOf(answer);
  if (isAway(answer.status)) return { kind: 'later', why: 'away', message: problem };
  if (answer.status === 401) return { kind: 'later', why: 'credentials', message: `the server does not accept the token: ${problem}` };
  if (answer.status >= 500) return { kind: 'later', why: 'failure', message: problem };
  const code = textOf(factsOf(parsedJson(answer.text))['error_code']);
  if (entry.creates?.what === 'experiment' && code === 'RESOURCE_ALREADY_EXISTS') {
    const existing = await resolveCreation({ upstream, names }, entry, entry.creates);
    if (existing !== undefined) return existing;
  }
  // A tag that is gone is what was asked for: the first attempt took it away.
  if (entry.path.includes('/runs/delete-tag') && code === 'RESOURCE_DOES_NOT_EXIST') return { kind: 'delivered' };
  return { kind: 'refused', message: problem };
}

/**
 * Looks whether the server already has what an entry makes: an earlier attempt may have reached it without its answer coming back.
 * @returns undefined when it has not
 */
export async function resolveCreation({ upstream, names }: Delivery, { headers }: Entry, creation: Creation): Promise<Outcome | undefined> {
  const ask = async (method: string, path: string, body?: Facts): Promise<Facts | Later | undefined> => {
    const answer = await upstream.ask({
      method,
      path,
      headers,
      ...(body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) }),
    });
    if (answer.status < 300) return factsOf(parsedJson(answer.text));
    if (answer.status === 401) return new Later('credentials', problemOf(answer));
    return isAway(answer.status) || answer.status >= 500 ? new Later('away', problemOf(answer)) : undefined;
  };
  const experiment = names.outward(creation.within);
  const filter = `tags.\`${relayTag}\` = '${creation.id}'`;
  const questions: Readonly<Record<Creation['what'], readonly (() => ReturnType<typeof ask>)[]>> = {
    experiment: [() => ask('GET', `/api/2.0/mlflow/experiments/get-by-name?experiment_name=${encodeURIComponent(creation.within)}`)],
    run: [
      () => ask('GET', `/api/2.0/mlflow/runs/get?run_id=${creation.id}`),
      () => ask('POST', '/api/2.0/mlflow/runs/search', { experiment_ids: [experiment], filter, max_results: 1, run_view_type: 'ALL' }),
    ],
    model: [
      () => ask('GET', `/api/2.0/mlflow/logged-models/${creation.id}`),
      () => ask('POST', '/api/2.0/mlflow/logged-models/search', { experiment_ids: [experiment], filter, max_results: 1 }),
    ],
  };
  for (const question of questions[creation.what]) {
    const answer = await question();
    if (answer === undefined) continue;
    if (answer instanceof Later) return { kind: 'later', why: answer.why, message: answer.message };
    const thing = thingIn(creation, answer);
    if (thing !== undefined) return created(creation, thing);
  }
  return undefined;
}

/** The server could not say now. */
class Later {
  readonly why: 'away' | 'credentials';
  readonly message: string;

  constructor(why: Later['why'], message: string) {
    this.why = why;
    this.message = message;
  }
}

function thingIn({ what }: Creation, answer: Facts): Facts | undefined {
  if (what === 'experiment') return heldBy(answer, 'experiment');
  const [first] = listOf(answer[`${what}s`]);
  if (heldBy(answer, what) !== undefined) return answer;
  return first === undefined ? undefined : { [what]: first };
}

/** What the server's answer says about the id and the artifacts of something new. */
export function created({ what, id, artifacts }: Creation, answer: unknown): Extract<Outcome, { kind: 'delivered' }> {
  const info = what === 'experiment' ? factsOf(answer) : factsOf(factsOf(factsOf(answer)[what])['info']);
  const named = textOf(info[`${what}_id`]);
  const renaming = named === undefined || named === id ? {} : { renaming: { from: id, to: named } };
  if (what === 'experiment') return { kind: 'delivered', ...renaming };
  const place = textOf(info['artifact_uri']);
  const to = proxiedPath(place);
  const move =
    artifacts === undefined || place === undefined || to === artifacts
      ? {}
      : { move: { from: artifacts, ...(to === undefined ? {} : { to }) } };
  return { kind: 'delivered', ...renaming, ...move, keptId: named === id };
}

function problemOf({ status, text }: ReadAnswer): string {
  const { error_code: code, message } = factsOf(parsedJson(text));
  const said = textOf(message) ?? text.slice(0, 300);
  return `${status} ${textOf(code) ?? ''} ${said}`.replaceAll(/\s+/g, ' ').trim();
}
