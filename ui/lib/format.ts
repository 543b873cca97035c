/** Between groups of three digits: a narrow space that does not break. */
const thin = '\u202f';
const minus = '\u2212';

/** Decimals with which a number shows two significant digits of its uncertainty: 0.0103 → 3. */
export function decimalsFor(uncertainty: number): number {
  if (!(uncertainty > 0) || !Number.isFinite(uncertainty)) return 3;
  return Math.min(6, Math.max(0, 1 - Math.floor(Math.log10(uncertainty))));
}

/**
 * A number as a person reads it: thousands apart by a thin space, a true minus sign.
 * @param decimals default: as many as show three to four significant digits
 */
export function number(value: number, decimals?: number): string {
  if (Number.isNaN(value)) return 'not a number';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : `${minus}∞`;
  const places = decimals ?? naturalDecimals(value);
  const size = Math.abs(value);
  if (size !== 0 && size < 1e-4 && decimals === undefined) return scientific(value);
  const [whole = '0', fraction] = size.toFixed(places).split('.');
  const grouped = whole.length > 4 ? whole.replace(/\B(?=(\d{3})+$)/g, thin) : whole;
  const text = fraction === undefined ? grouped : `${grouped}.${fraction}`;
  return value < 0 && /[1-9]/.test(text) ? `${minus}${text}` : text;
}

/** A number that somebody chose, without zeros that say nothing: 0.1 rather than 0.100. */
export function chosen(value: number): string {
  const text = number(value);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

function naturalDecimals(value: number): number {
  if (Number.isInteger(value)) return 0;
  const size = Math.abs(value);
  if (size >= 1000) return 0;
  if (size >= 100) return 1;
  if (size >= 10) return 2;
  if (size >= 0.01) return 3;
  return 5;
}

function scientific(value: number): string {
  const [mantissa = '0', exponent = '0'] = value.toExponential(1).split('e');
  const raised = Array.from(String(Number(exponent)), (sign) => (sign === '-' ? '⁻' : ('⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(sign)] ?? sign))).join('');
  return `${mantissa.replace('-', minus)}×10${raised}`;
}

export interface WithInterval {
  readonly low: number;
  readonly high: number;
  readonly level: number;
}

/** `0.842 ± 0.010` where the interval is even, `0.842 (0.81–0.86)` where it is not; digits fit the uncertainty. */
export function measured(value: number | null | undefined, interval?: WithInterval): string {
  if (value === null || value === undefined) return 'not measured';
  if (interval === undefined) return number(value);
  const below = value - interval.low;
  const above = interval.high - value;
  const half = (interval.high - interval.low) / 2;
  const decimals = decimalsFor(half);
  if (half > 0 && Math.abs(above - below) <= 0.25 * half) return `${number(value, decimals)} ± ${number(half, decimals)}`;
  return `${number(value, decimals)} (${number(interval.low, decimals)}–${number(interval.high, decimals)})`;
}

/** A difference always says its sign. */
export function signed(value: number, decimals?: number): string {
  const text = number(value, decimals);
  return value > 0 ? `+${text}` : text;
}

/** 0.2654 → `26.5 %`. */
export function percent(share: number | null | undefined, decimals = 1): string {
  if (share === null || share === undefined) return 'not measured';
  const places = share !== 0 && Math.abs(share) < 0.001 ? 2 : share === 1 || share === 0 ? 0 : decimals;
  return `${number(share * 100, places)}${thin}%`;
}

/** `1 row`, `7 043 rows`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${number(count, 0)} ${count === 1 ? one : many}`;
}

const byteUnits = ['B', 'kB', 'MB', 'GB', 'TB'];
/** Bytes in steps of 1000: `1.4 MB`. */
export function bytes(size: number): string {
  let value = size;
  let unit = 0;
  while (value >= 1000 && unit < byteUnits.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${number(value, unit === 0 || value >= 100 ? 0 : 1)} ${byteUnits[unit] ?? 'B'}`;
}

/** A length of time in its two largest units: `840 ms`, `2.4 s`, `3 min 20 s`, `2 d 4 h`. */
export function duration(ms: number): string {
  if (ms < 1) return `${number(ms, 2)} ms`;
  if (ms < 1000) return `${number(ms, ms < 10 ? 1 : 0)} ms`;
  if (ms < 60_000) return `${number(ms / 1000, ms < 10_000 ? 1 : 0)} s`;
  const seconds = Math.round(ms / 1000);
  const parts: readonly (readonly [number, string])[] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  return parts
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount} ${unit}`)
    .join(' ');
}

/** `now`, `4 min ago`, `in 2 d`; far away instants show their day. */
export function relativeTime(iso: string, nowMs: number): string {
  const delta = nowMs - Date.parse(iso);
  if (Number.isNaN(delta)) return iso;
  const size = Math.abs(delta);
  if (size < 5000) return 'now';
  if (size > 60 * 86_400_000) return day(iso);
  const coarse = coarseDuration(size);
  return delta > 0 ? `${coarse} ago` : `in ${coarse}`;
}

function coarseDuration(ms: number): string {
  if (ms < 60_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 2 * 86_400_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} d`;
}

/** `21 Nov 2026`, in UTC as all records are. */
export function day(iso: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? iso : `${date.getUTCDate()} ${months[date.getUTCMonth()] ?? ''} ${date.getUTCFullYear()}`;
}
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `21 Nov 2026, 11:15:27 UTC`. */
export function absoluteTime(iso: string): string {
  return Number.isNaN(Date.parse(iso)) ? iso : `${day(iso)}, ${new Date(iso).toISOString().slice(11, 19)} UTC`;
}

/** The first twelve digits of a digest, enough to tell it apart and to search for it. */
export function shortDigest(digest: string): string {
  return digest.slice(0, 12);
}

/** The last digits of a time-ordered id differ most. */
export function shortId(id: string): string {
  return id.length <= 14 ? id : `…${id.slice(-8)}`;
}

/** The first letter large, the rest as it is. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Any JSON value on one line. */
export function plain(value: unknown): string {
  if (value === null || value === undefined) return '—';
  if (typeof value === 'number') return number(value);
  if (typeof value === 'string') return value;
  return JSON.stringify(value);
}
