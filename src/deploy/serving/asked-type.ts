import type { Exchange } from './http-exchange.ts';

const form = /^application\/x-www-form-urlencoded\b/i;

/**
 * Whether a body comes as `curl -d '{…}'` sends it: as JSON that is called a form. A web page may post a form to any address without asking, so
 * that what a browser sends from a page of another origin is none of these, and stays refused by its type.
 */
export function isCurled({ headers }: Pick<Exchange, 'headers'>): boolean {
  const { 'content-type': type, origin, host, 'sec-fetch-site': site } = headers;
  if (type === undefined || !form.test(type)) return false;
  const isOwnPage = origin === undefined || origin.replace(/^https?:\/\//, '') === host;
  return isOwnPage && (site === undefined || site === 'same-origin');
}

/** The content type of a request that may come from curl; empty, as of a request that names none, where it says that its JSON is a form. */
export function askedType(exchange: Pick<Exchange, 'headers'>): string {
  return isCurled(exchange) ? '' : (exchange.headers['content-type'] ?? '');
}
