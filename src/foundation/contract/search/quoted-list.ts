/** A list of quoted texts, or why it is none. */
export type QuotedList =
  | { readonly ok: true; readonly values: readonly string[] }
  | { readonly ok: false; readonly message: string; readonly at: number };

const space = /[ \t\f\r\n]*/y;
const simpleEscapes: Readonly<Record<string, string>> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};
const numericEscape = /x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{1,3})/y;

const illFormed = 'While parsing a list in the query, expected a non-empty list of string values, but got ill-formed list.';
const empty = 'While parsing a list in the query, expected a non-empty list of string values, but got empty list';
const notText = 'While parsing a list in the query, expected string value, punctuation, or whitespace, but got different type in list';

/**
 * Reads `('a', "b")` as Python reads a tuple of texts, which is how MLflow reads the list of an IN: single or double quotes, backslash
 * escapes, neighbours without a comma are one text, and a comma may end the list.
 * @param source the list with its parentheses
 * @returns `at` counts within the source
 */
export function quotedList(source: string): QuotedList {
  const values: string[] = [];
  let at = skipSpace(source, 1);
  if (source[at] === ')') return { ok: false, message: empty, at };
  for (;;) {
    let value: string | undefined;
    while (source[at] === "'" || source[at] === '"') {
      const part = quotedText(source, at);
      if (part === undefined) return { ok: false, message: illFormed, at };
      value = (value ?? '') + part.value;
      at = skipSpace(source, part.end);
    }
    if (value === undefined) return { ok: false, message: notText, at };
    values.push(value);
    if (source[at] === ',') {
      at = skipSpace(source, at + 1);
      if (source[at] !== ')') continue;
    }
    return source[at] === ')' && at === source.length - 1 ? { ok: true, values } : { ok: false, message: illFormed, at };
  }
}

function skipSpace(source: string, at: number): number {
  space.lastIndex = at;
  space.test(source);
  return space.lastIndex;
}

function quotedText(source: string, start: number): { readonly value: string; readonly end: number } | undefined {
  const quote = source[start];
  let value = '';
  for (let at = start + 1; at < source.length; at += 1) {
    const char = source.charAt(at);
    if (char === quote) return { value, end: at + 1 };
    if (char === '\n') return undefined;
    if (char !== '\\') value += char;
    else {
      const escape = escapeAt(source, at + 1);
      if (escape === undefined) return undefined;
      value += escape.value;
      at = escape.end - 1;
    }
  }
  return undefined;
}

/** What follows a backslash; an unknown escape stays as it is written, one that is begun and not ended is none. */
function escapeAt(source: string, at: number): { readonly value: string; readonly end: number } | undefined {
  const char = source.charAt(at);
  const simple = simpleEscapes[char];
  if (simple !== undefined) return { value: simple, end: at + 1 };
  numericEscape.lastIndex = at;
  const [all = '', ...digits] = numericEscape.exec(source) ?? [];
  const [hex, octal] = [digits.slice(0, 3).find(Boolean), digits[3]];
  if (hex !== undefined || octal !== undefined) {
    const code = hex === undefined ? Number.parseInt(octal ?? '', 8) : Number.parseInt(hex, 16);
    return code > 0x10ffff ? undefined : { value: String.fromCodePoint(code), end: at + all.length };
  }
  return 'xuUN'.includes(char) ? undefined : { value: `\\${char}`, end: at + 1 };
}
