/** A figure as sentences say it: three digits after the point, more where it is tiny, none where it is large. */
export function figure(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return 'not measurable';
  const size = Math.abs(value);
  if (size !== 0 && size < 0.001) return value.toExponential(1);
  return size >= 1000 ? value.toFixed(0) : value.toFixed(3);
}

/** 0.123 as `12 %`. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(share !== 0 && Math.abs(share) < 0.01 ? 1 : 0)} %`;
}

/** Whole numbers with a comma every three digits, the same on every machine. */
export function count(value: number): string {
  return String(Math.round(value)).replaceAll(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** Texts in quotes, at most so many of them. */
export function quoted(texts: readonly string[], most = 10): string {
  const shown = texts.slice(0, most).map((text) => `"${text}"`);
  return texts.length > most ? `${shown.join(', ')} and ${texts.length - most} more` : shown.join(', ');
}
