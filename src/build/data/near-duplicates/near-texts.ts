/** A text as it is compared: small letters, blanks as one, in Unicode's composed form. */
export function plainText(text: string): string {
  return text.normalize('NFC').toLowerCase().replaceAll(/\s+/gu, ' ').trim();
}

/** The digits of a text. Another digit is another number or date, and no slip of the pen. */
export function digitsOf(text: string): string {
  return text.replaceAll(/\D+/g, ' ').trim();
}

/** A text in the forms that are compared. */
export interface ComparedText {
  readonly plain: string;
  readonly digits: string;
}

export const comparedText = (text: string): ComparedText => ({ plain: plainText(text), digits: digitsOf(text) });

/** How many characters two plain texts may differ in to be alike. @param alike the least share that agrees, of the longer one's length */
export function mostEdits(left: number, right: number, alike: number): number {
  return Math.floor(Math.max(left, right) * (1 - alike) + 1e-9);
}

/** Whether the Levenshtein distance (1966) of two texts is at most `most`. Only the cells near the diagonal are worked out (Ukkonen 1985). */
export function isWithin(left: string, right: string, most: number): boolean {
  if (Math.abs(left.length - right.length) > most) return false;
  if (left === right) return true;
  const far = most + 1;
  let before = Int32Array.from({ length: right.length + 1 }, (_, at) => Math.min(at, far));
  let row = new Int32Array(right.length + 1);
  for (let i = 1; i <= left.length; i++) {
    row.fill(far);
    if (i <= most) row[0] = i;
    let least = row[0];
    for (let j = Math.max(1, i - most); j <= Math.min(right.length, i + most); j++) {
      const change = before[j - 1] + (left[i - 1] === right[j - 1] ? 0 : 1);
      row[j] = Math.min(far, change, before[j] + 1, row[j - 1] + 1);
      least = Math.min(least, row[j]);
    }
    if (least > most) return false;
    [before, row] = [row, before];
  }
  return before[right.length] <= most;
}

/** Whether two texts are alike: their digits agree, and their plain forms are within `mostEdits`. */
export function areAlike(left: ComparedText, right: ComparedText, alike: number): boolean {
  return left.digits === right.digits && isWithin(left.plain, right.plain, mostEdits(left.plain.length, right.plain.length, alike));
}

/** How many pairs may still be compared. */
export interface Budget {
  pairs: number;
}

/** So few texts are compared one with each other. */
const fewTexts = 24;

/**
 * The pairs of texts that are alike (see `areAlike`).
 *
 * Not every pair is looked at, and none is missed: two texts within k edits share one of the qk+1 rarest of their runs of q letters, since an edit
 * changes q of them (prefix filter of q-grams; Gravano and others 2001, Xiao, Wang and Lin 2008).
 * @param alike from 0.8 on @param budget when it is used up, what was found until then is given @returns pairs of positions, the lower first
 */
export function alikeTexts(texts: readonly ComparedText[], alike: number, budget: Budget = { pairs: Infinity }): [number, number][] {
  const found: [number, number][] = [];
  const compare = (left: number, right: number): void => {
    // a letter takes about as long as a pair of numbers
    budget.pairs -= 1 + texts[left].plain.length;
    if (budget.pairs > 0 && areAlike(texts[left], texts[right], alike)) found.push([left, right]);
  };
  if (texts.length <= fewTexts) {
    for (let right = 1; right < texts.length; right++) for (let left = 0; left < right; left++) compare(left, right);
    return found;
  }
  // the longer the runs, the rarer; of three letters, every text has enough of them where alike ones differ in few
  const q = alike >= 0.85 ? 3 : 2;
  const grams = texts.map(({ plain }) => gramsOf(plain, q));
  const counts = new Map<string, number>();
  for (const own of grams) for (const gram of own) counts.set(gram, (counts.get(gram) ?? 0) + 1);
  const holders = new Map<string, number[]>();
  const seen = new Int32Array(texts.length).fill(-1);
  for (const [right, own] of grams.entries()) {
    own.sort((one, other) => (counts.get(one) ?? 0) - (counts.get(other) ?? 0) || (one < other ? -1 : 1));
    // the longer one of a pair may be longer than this by the edits themselves
    const edits = mostEdits(0, Math.floor(texts[right].plain.length / alike), alike);
    for (const gram of own.slice(0, q * edits + 1)) {
      const others = holders.get(gram);
      if (others === undefined) {
        holders.set(gram, [right]);
        continue;
      }
      for (const left of others) {
        if (seen[left] === right) continue;
        seen[left] = right;
        compare(left, right);
      }
      others.push(right);
    }
  }
  return found;
}

/** Runs of q letters, each with the number of its occurrence; of a shorter text, the text itself. */
function gramsOf(text: string, q: number): string[] {
  if (text.length < q) return [`=${text}`];
  const times = new Map<string, number>();
  return Array.from({ length: text.length - q + 1 }, (_, at) => {
    const gram = text.slice(at, at + q);
    const nth = (times.get(gram) ?? 0) + 1;
    times.set(gram, nth);
    return nth === 1 ? gram : `${gram}${nth}`;
  });
}
