import { GyreError } from '#core';

/** A message of a protocol buffer written as text: field → its values in order. Enumerations and truths are words. */
export interface TextMessage {
  readonly [field: string]: readonly TextValue[];
}
export interface Word {
  readonly word: string;
}
export type TextValue = string | number | Word | { readonly message: TextMessage };

interface Token {
  readonly kind: 'name' | 'number' | 'string' | 'sign' | 'end';
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

const tokenForm =
  /(?<space>[ \t\r\n\f\v]+|#[^\n]*)|(?<string>"(?:[^"\\\n]|\\[^])*"|'(?:[^'\\\n]|\\[^])*')|(?<number>[-]?(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fF]?|(?:inf|infinity|nan)\b))|(?<name>[A-Za-z_][A-Za-z0-9_]*)|(?<sign>[^])/giy;

/** More messages in one another than any schema has. */
const deepest = 100;

/**
 * Reads a protocol buffer's text format (as `text_format` of the protobuf library writes it).
 * @throws GyreError INVALID_ARGUMENT with line and column
 */
export function parseTextProto(text: string): TextMessage {
  const tokens = tokensOf(text);
  let at = 0;
  const peek = (): Token => tokens[at];
  const next = (): Token => tokens[at++];
  const isSign = (sign: string): boolean => peek().kind === 'sign' && peek().text === sign;

  const message = (until: string | undefined, depth: number): TextMessage => {
    if (depth > deepest) throw problem(peek(), `messages stand in one another more than ${deepest} deep`);
    const fields: Record<string, TextValue[]> = {};
    for (;;) {
      if (until === undefined ? peek().kind === 'end' : isSign(until)) break;
      if (peek().kind === 'end') throw problem(peek(), `the text ends where "${until}" is needed`);
      const name = fieldName();
      const values = Object.hasOwn(fields, name) ? fields[name] : (fields[name] = []);
      values.push(...fieldValues(depth));
      if (isSign(',') || isSign(';')) next();
    }
    next();
    return fields;
  };
  const fieldName = (): string => {
    const token = next();
    if (token.kind === 'name') return token.text;
    if (token.kind !== 'sign' || token.text !== '[') throw problem(token, `"${token.text}" is no name of a field`);
    let name = '';
    while (!isSign(']')) {
      if (peek().kind === 'end') throw problem(peek(), 'the text ends within the name of an extension');
      name += next().text;
    }
    next();
    return `[${name}]`;
  };
  const fieldValues = (depth: number): TextValue[] => {
    const hasColon = isSign(':');
    if (hasColon) next();
    if (isSign('{') || isSign('<')) return [opened(depth)];
    if (!hasColon) throw problem(peek(), `":" or "{" is needed before "${peek().text}"`);
    if (!isSign('[')) return [scalar()];
    next();
    const values: TextValue[] = [];
    while (!isSign(']')) {
      values.push(isSign('{') || isSign('<') ? opened(depth) : scalar());
      if (isSign(',')) next();
      else if (!isSign(']')) throw problem(peek(), '"," or "]" is needed');
    }
    next();
    return values;
  };
  const opened = (depth: number): TextValue => ({ message: message(next().text === '{' ? '}' : '>', depth + 1) });
  const scalar = (): TextValue => {
    const token = next();
    if (token.kind === 'name') return { word: token.text };
    if (token.kind === 'number') return numberOf(token);
    if (token.kind !== 'string') throw problem(token, `"${token.text}" is no value`);
    let bytes = unescaped(token);
    while (peek().kind === 'string') bytes = Buffer.concat([bytes, unescaped(next())]);
    return bytes.toString('utf8');
  };
  return message(undefined, 0);
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  let [line, start] = [1, 0];
  for (const match of text.matchAll(tokenForm)) {
    const { space, ...kinds } = match.groups ?? {};
    const column = match.index - start + 1;
    const kind = (['string', 'number', 'name', 'sign'] as const).find((each) => kinds[each] !== undefined);
    if (space === undefined && kind !== undefined) tokens.push({ kind, text: match[0], line, column });
    for (let at = match[0].indexOf('\n'); at >= 0; at = match[0].indexOf('\n', at + 1)) {
      line++;
      start = match.index + at + 1;
    }
  }
  return [...tokens, { kind: 'end', text: 'the end', line, column: text.length - start + 1 }];
}

function numberOf({ text }: Token): number {
  const isNegative = text.startsWith('-');
  const bare = (isNegative ? text.slice(1) : text).toLowerCase();
  const value = bare.startsWith('inf')
    ? Infinity
    : bare === 'nan'
      ? NaN
      : bare.startsWith('0x')
        ? Number(bare)
        : /^0[0-7]+$/.test(bare)
          ? Number.parseInt(bare, 8)
          : Number(bare.replace(/f$/, ''));
  return isNegative ? -value : value;
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', a: '\x07', b: '\b', f: '\f', v: '\v' };

/** The bytes of a quoted text: escapes name bytes, so that texts of several bytes a character come apart and together again. */
function unescaped(token: Token): Buffer {
  const parts: Buffer[] = [];
  const body = token.text.slice(1, -1);
  const form = /\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([^]))|[^\\]+/g;
  for (const [piece, hex, octal, short, long, sign] of body.matchAll(form)) {
    const byte = hex === undefined ? (octal === undefined ? undefined : Number.parseInt(octal, 8) & 255) : Number.parseInt(hex, 16);
    const point = Number.parseInt(short ?? long ?? '', 16);
    if (byte !== undefined) parts.push(Buffer.from([byte]));
    else if (point > 0x10ffff) throw problem(token, `\\U${long} is no character`);
    else if (!Number.isNaN(point)) parts.push(Buffer.from(String.fromCodePoint(point)));
    else parts.push(Buffer.from(sign === undefined ? piece : (escapes[sign] ?? sign)));
  }
  return Buffer.concat(parts);
}

function problem({ line, column }: Token, what: string): GyreError {
  return new GyreError('INVALID_ARGUMENT', `line ${line}, column ${column}: ${what}`, { line, column });
}
