/** Values that all have one form are told by it; more pieces than this are a text. */
const mostPieces = 12;

interface Piece {
  readonly kind: 'digits' | 'upper' | 'lower' | 'sign';
  readonly text: string;
}

const pieceForm = /[0-9]+|[A-Z]+|[a-z]+|[^0-9A-Za-z]/gu;

function piecesOf(value: string): Piece[] {
  return (value.match(pieceForm) ?? []).map((text): Piece => {
    const kind = /^[0-9]/.test(text) ? 'digits' : /^[A-Z]/.test(text) ? 'upper' : /^[a-z]/.test(text) ? 'lower' : 'sign';
    return { kind, text };
  });
}

/**
 * The pattern of codes such as `7590-VHVEG` or `ORD-17`: the same runs of digits, capitals, small letters and signs in every value, letters of
 * one length, with digits among them. What is no such code (names, sentences, plain words) has none.
 * @returns a regular expression for the whole value
 */
export function formOf(values: readonly string[]): string | undefined {
  const [first] = values;
  if (first === undefined || first.length > 64) return undefined;
  const model = piecesOf(first);
  const lengths = model.map(({ text }) => new Set([text.length]));
  if (model.length > mostPieces || !model.some(({ kind }) => kind === 'digits')) return undefined;
  for (const value of values) {
    const pieces = value.length > 64 ? [] : piecesOf(value);
    if (pieces.length !== model.length) return undefined;
    for (const [at, { kind, text }] of pieces.entries()) {
      if (kind !== model[at].kind || (kind === 'sign' && text !== model[at].text)) return undefined;
      lengths[at].add(text.length);
      if (kind !== 'digits' && lengths[at].size > 1) return undefined;
    }
  }
  return model.map(({ kind, text }, at) => patternOf(kind, text, lengths[at].size === 1)).join('');
}

const sets = { digits: '[0-9]', upper: '[A-Z]', lower: '[a-z]' } as const;

function patternOf(kind: Piece['kind'], text: string, isFixed: boolean): string {
  if (kind === 'sign') return /[\\^$.*+?()[\]{}|/]/.test(text) ? `\\${text}` : text;
  return sets[kind] + (isFixed ? (text.length === 1 ? '' : `{${text.length}}`) : '+');
}
