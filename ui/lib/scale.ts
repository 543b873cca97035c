export interface Scale {
  (value: number): number;
  readonly domain: readonly [number, number];
}

/** A straight line from a domain of values to a range of pixels; an empty domain maps to the middle. */
export function linear(domain: readonly [number, number], range: readonly [number, number]): Scale {
  const [low, high] = domain;
  const [from, to] = range;
  const span = high - low;
  const scale = (value: number): number => (span === 0 ? (from + to) / 2 : from + ((value - low) / span) * (to - from));
  return Object.assign(scale, { domain });
}

/** Least and greatest finite value; undefined when there is none. */
export function extent(values: Iterable<number | null | undefined>): readonly [number, number] | undefined {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value === null || value === undefined || !Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : undefined;
}

/** A domain with some air on both sides, so that no mark sits on the frame. */
export function padded([low, high]: readonly [number, number], share = 0.08): readonly [number, number] {
  const span = high - low;
  const air = span === 0 ? Math.max(Math.abs(low) * share, 1e-6) : span * share;
  return [low - air, high + air];
}

/** Round values inside a domain at steps of 1, 2 or 5 times a power of ten; about `count` of them. */
export function ticks([low, high]: readonly [number, number], count = 5): readonly number[] {
  if (!(high > low)) return [low];
  const raw = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= raw * 0.999) ?? 10) * power;
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  const found: number[] = [];
  for (let tick = Math.ceil(low / step - 1e-9); tick * step <= high + step * 1e-9; tick += 1)
    found.push(Number((tick * step).toFixed(digits)));
  return found;
}

/** An SVG path through points; a missing value breaks the line. */
export function linePath(points: Iterable<readonly [number, number | null]>): string {
  let path = '';
  let drawing = false;
  for (const [x, y] of points) {
    if (y === null || !Number.isFinite(y)) {
      drawing = false;
      continue;
    }
    path += `${drawing ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`;
    drawing = true;
  }
  return path;
}

/**
 * At most `most` points of a line that keep its shape: in each stretch the least and the greatest value stay, in their order.
 * @returns positions to keep, rising
 */
export function thinned(values: readonly (number | null)[], most: number): readonly number[] {
  if (values.length <= most) return values.map((_, index) => index);
  const buckets = Math.max(1, Math.floor(most / 2));
  const size = values.length / buckets;
  const kept: number[] = [];
  for (let bucket = 0; bucket < buckets; bucket += 1) {
    const start = Math.floor(bucket * size);
    const end = Math.min(values.length, Math.floor((bucket + 1) * size));
    let least = start;
    let greatest = start;
    for (let index = start; index < end; index += 1) {
      if ((values[index] ?? Infinity) < (values[least] ?? Infinity)) least = index;
      if ((values[index] ?? -Infinity) > (values[greatest] ?? -Infinity)) greatest = index;
    }
    kept.push(Math.min(least, greatest));
    if (least !== greatest) kept.push(Math.max(least, greatest));
  }
  return kept;
}

/** Ticks with as many decimals as their steps need: 0, 0.5, 1 rather than 0, 0.500, 1. */
export function tickDecimals(values: readonly number[]): number {
  const places = values.map((value) =>
    Number.isInteger(value) ? 0 : (/\.(\d+)/.exec(value.toFixed(6).replace(/0+$/, ''))?.[1]?.length ?? 0),
  );
  return Math.max(0, ...places);
}
