import type { PlacedSeries } from './table-port.ts';
import type { Stretches } from './stretches.ts';

export interface Places {
  /** Inclusive, on the axis: what lies beyond is left out. */
  readonly from: number;
  readonly to: number;
  /** Where the first place begins, at `from` or before it. */
  readonly origin: number;
  /** Of a place. */
  readonly width: number;
}

interface Filled {
  readonly run: string;
  readonly count: Float64Array;
  readonly sum: Float64Array;
  readonly min: Float64Array;
  readonly max: Float64Array;
}

/** Places of an axis that all runs share. */
export class Grid {
  readonly #places: Places;
  readonly #count: number;
  readonly #x: Float64Array;
  readonly #filled: Filled[] = [];

  constructor(places: Places) {
    this.#places = places;
    this.#count = Math.floor((places.to - places.origin) / places.width) + 1;
    this.#x = new Float64Array(this.#count).fill(Infinity);
  }

  /** What is added from now on is of this run. */
  begin(run: string): void {
    const count = this.#count;
    this.#filled.push({
      run,
      count: new Float64Array(count),
      sum: new Float64Array(count),
      min: new Float64Array(count).fill(Infinity),
      max: new Float64Array(count).fill(-Infinity),
    });
  }

  /** @param axis where each stretch stands, before `shift` is taken off it */
  add(axis: Float64Array, shift: number, stretches: Stretches): void {
    const { from, to, origin, width } = this.#places;
    const filled = this.#filled.at(-1);
    if (filled === undefined) return;
    for (let index = 0; index < stretches.length; index++) {
      const x = axis[index] - shift;
      if (x < from || x > to) continue;
      const at = Math.floor((x - origin) / width);
      if (x < this.#x[at]) this.#x[at] = x;
      filled.count[at] += stretches.count[index];
      filled.sum[at] += stretches.sum[index];
      if (stretches.min[index] < filled.min[at]) filled.min[at] = stretches.min[index];
      if (stretches.max[index] > filled.max[at]) filled.max[at] = stretches.max[index];
    }
  }

  /** The places that hold anything, and the runs in the order in which they began. */
  answer(): { readonly x: readonly number[]; readonly series: readonly PlacedSeries[] } {
    const used = [...this.#x.keys()].filter((at) => Number.isFinite(this.#x[at]));
    return {
      x: used.map((at) => this.#x[at]),
      series: this.#filled.map(({ run, count, sum, min, max }) => {
        const at: number[] = [];
        used.forEach((place, index) => {
          if (count[place] > 0) at.push(index);
        });
        const of = (value: (place: number) => number): number[] => at.map((index) => shortened(value(used[index])));
        const isExact = at.every((index) => count[used[index]] === 1);
        return {
          run,
          at,
          mean: of((place) => sum[place] / count[place]),
          ...(isExact ? {} : { min: of((place) => min[place]), max: of((place) => max[place]) }),
        };
      }),
    };
  }
}

/** Nine digits: more than a figure shows, fewer than a double has, so half as many bytes. */
function shortened(value: number): number {
  if (value === 0) return 0;
  const power = 8 - Math.floor(Math.log10(Math.abs(value)));
  // Powers of ten up to here are exact, so that the quotient is the double with the fewest digits.
  if (power > 22 || power < -22) return Number(value.toPrecision(9));
  return power < 0 ? Math.round(value / 10 ** -power) * 10 ** -power : Math.round(value * 10 ** power) / 10 ** power;
}
