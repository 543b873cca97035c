/** What a filter or an order is made of: words, quoted names and values, numbers, marks. White space only separates. */
export interface FilterToken {
  readonly kind: TokenKind;
  /** Offsets in the text, `end` exclusive. */
  readonly start: number;
  readonly end: number;
}

/**
 * `word`: letters and digits; `name`: quoted by backticks or brackets; `symbol`: in double quotes; `text`: in single quotes; `joint`: what
 * joins the parts of a name; `cast`: `::`, which joins as well; `index`: brackets behind a name;
 * `operator`: arithmetic, a part of names of logged models only; `other`: what no filter may contain.
 */
export type TokenKind =
  | 'word'
  | 'name'
  | 'symbol'
  | 'text'
  | 'number'
  | 'joint'
  | 'cast'
  | 'index'
  | 'operator'
  | 'comparator'
  | 'open'
  | 'close'
  | 'comma'
  | 'other';

/** SQL words that stay words of SQL even behind a dot, so that a key of this name has to be quoted. */
const reservedBehindDot = /(?:case|in|values|using|from|as)(?![\p{L}\p{N}_])/iuy;

type Rule = readonly [kind: TokenKind, pattern: RegExp];

/** Behind a dot a word may begin with one digit, not with two, nor as a number in scientific notation does. */
const behindDot: readonly Rule[] = [
  ['other', reservedBehindDot],
  ['word', /(?!\d+e-?\d|0x[\da-f])(?:[a-zÀ-Ü][\p{L}\p{N}_]*|\d[_a-zÀ-Ü][$#\p{L}\p{N}_]*|(?!\d)[\p{L}\p{N}_][$#\p{L}\p{N}_]*)/iuy],
];

const anywhere: readonly Rule[] = [
  ['number', /-?\d+(?:\.\d+)?e-?\d+/iy],
  ['number', /-?(?:\d+\.\d*|\.\d+)(?![_a-zÀ-Ü])/iuy],
  ['number', /-?\d+(?![_a-zÀ-Ü])/iuy],
  ['word', /(?:@|##|#)[a-zÀ-Ü][\p{L}\p{N}_]+/iuy],
  ['word', /[a-zÀ-Ü][\p{L}\p{N}_]*(?=\.(?!\d))/iuy],
  ['word', /[\p{L}\p{N}_][$#\p{L}\p{N}_]*/uy],
  ['cast', /::/y],
  ['joint', /\.|->>?/y],
  ['comparator', /[<>=~!]+/y],
  ['operator', /-(?!-)|\/(?!\*)|[+*@%^&|]/y],
  ['open', /\(/y],
  ['close', /\)/y],
  ['comma', /,/y],
];

const bracketedName: Rule = ['name', /(?<![\p{L}\p{N}_\])])\[[^\][]+\]/uy];
const index: Rule = ['index', /(?<=[\p{L}\p{N}_\])`"])\[[^\][]*\]/uy];
const usualRules: readonly Rule[] = [bracketedName, index, ...anywhere];
const rulesBehindDot: readonly Rule[] = [...behindDot, ...usualRules];
const space = /[\s\u0085]+/y;

const quotes: Readonly<Record<string, TokenKind>> = { "'": 'text', '"': 'symbol', '`': 'name' };

/**
 * Cuts a text into tokens, by the rules of the SQL scanner that MLflow's servers read filters with.
 * @param text any text; what cannot be part of a filter becomes tokens of the kind `other`
 */
export function filterTokens(text: string): readonly FilterToken[] {
  const tokens: FilterToken[] = [];
  let at = 0;
  while (at < text.length) {
    const blank = endOf(space, text, at);
    if (blank !== undefined) {
      at = blank;
      continue;
    }
    const token = tokenAt(text, at);
    tokens.push(token);
    at = token.end;
  }
  return tokens;
}

function tokenAt(text: string, start: number): FilterToken {
  const quote = text.charAt(start);
  const kind = quotes[quote];
  if (kind !== undefined) {
    const end = endOfQuoted(text, start, quote);
    return end === undefined ? { kind: 'other', start, end: start + 1 } : { kind, start, end };
  }
  for (const [each, pattern] of text[start - 1] === '.' ? rulesBehindDot : usualRules) {
    const end = endOf(pattern, text, start);
    if (end !== undefined) return { kind: each, start, end };
  }
  return { kind: 'other', start, end: start + 1 };
}

function endOf(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

/**
 * Where a quoted part ends. A quote inside of it is doubled, or (not between backticks) behind a backslash; where the part would then never
 * end, the last such quote ends it, so that `'C:\'` is a text.
 */
function endOfQuoted(text: string, start: number, quote: string): number | undefined {
  let fallback: number | undefined;
  for (let at = start + 1; at < text.length; at += 1) {
    const escaped = quote !== '`' && text[at] === '\\' && text[at + 1] === quote;
    if (escaped) {
      fallback = at + 2;
      at += 1;
    } else if (text[at] === quote) {
      if (text[at + 1] !== quote) return at + 1;
      fallback = at + 1;
      at += 1;
    }
  }
  return fallback;
}
