/** What `:name` parts of a pattern matched. */
export type RouteParameters = Readonly<Record<string, string>>;

export interface Route<Page> {
  /** Such as `/models/:name/:version`; a part ending in `*` takes the rest of the path. */
  readonly pattern: string;
  readonly page: Page;
}

export interface RouteMatch<Page> {
  readonly page: Page;
  readonly parameters: RouteParameters;
}

/** The first route whose pattern fits the whole path; parts come decoded. */
export function matchRoute<Page>(routes: readonly Route<Page>[], path: string): RouteMatch<Page> | undefined {
  const parts = split(path);
  for (const { pattern, page } of routes) {
    const parameters = matchParts(split(pattern), parts);
    if (parameters !== undefined) return { page, parameters };
  }
  return undefined;
}

function split(path: string): readonly string[] {
  return path.split('/').filter((part) => part !== '');
}

function matchParts(pattern: readonly string[], parts: readonly string[]): RouteParameters | undefined {
  const parameters: Record<string, string> = {};
  for (const [index, wanted] of pattern.entries()) {
    if (wanted.startsWith(':') && wanted.endsWith('*')) {
      parameters[wanted.slice(1, -1)] = parts.slice(index).map(decoded).join('/');
      return parameters;
    }
    const part = parts[index];
    if (part === undefined) return undefined;
    if (wanted.startsWith(':')) parameters[wanted.slice(1)] = decoded(part);
    else if (wanted !== part) return undefined;
  }
  return parts.length === pattern.length ? parameters : undefined;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** A query with some members changed; an empty value or undefined takes the member away. */
export function changedQuery(search: string, changes: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams(search);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === '') query.delete(name);
    else query.set(name, value);
  }
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}
