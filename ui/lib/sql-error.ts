/** Where in a query an error lies, as the engine's words tell: characters from the query's beginning. */
export interface ErrorPlace {
  readonly offset: number;
  readonly line: number;
  readonly column: number;
}

/**
 * The engine names the line, quotes a piece of it (cut with "..." where it is long) and puts a caret under the place.
 * @returns undefined where it names none
 */
export function placeOfError(message: string, sql: string): ErrorPlace | undefined {
  const found = /^LINE (\d+): (.*)\n( *)\^/m.exec(message);
  if (found === null) return undefined;
  const [, lineText, quoted, indent] = found;
  if (lineText === undefined || quoted === undefined || indent === undefined) return undefined;
  const line = Number(lineText);
  const text = sql.split('\n')[line - 1];
  if (text === undefined) return undefined;
  const isCut = quoted.startsWith('...');
  const piece = quoted.replace(/^\.\.\./, '').replace(/\.\.\.$/, '');
  const start = isCut ? text.indexOf(piece) : 0;
  const column = start + indent.length - `LINE ${line}: `.length - (isCut ? 3 : 0);
  if (start < 0 || column < 0 || column > text.length) return undefined;
  const before = sql.split('\n').slice(0, line - 1);
  return { offset: before.reduce((sum, each) => sum + each.length + 1, 0) + column, line, column: column + 1 };
}
