import { placeOf } from './hash-split.ts';

/** Of more keys of a class than these only the places near the share are kept. */
const mostKept = 100_000;
/** How near, at first: 12 standard deviations of the share among 100,000. */
const nearest = 0.02;

/** Shows the rows that may be taken: each one's class as text (empty where it has none) and its key. */
export type ClassStream = (take: (name: string, key: string) => void) => Promise<void>;

/**
 * Draws for each class the border below which its keys are taken, so that of these very rows the share of each class is exact (rounded
 * to whole rows). A later row is taken by the same border, so that it moves no other; of many the share then holds in expectation.
 * @param stream is asked again where a border is not near the share @param most for the tests, which have no large tables
 * @returns class → border in [0, 1]
 */
export async function classBorders(stream: ClassStream, share: number, salt: string, most = mostKept): Promise<Record<string, number>> {
  for (let width = nearest; ; width *= 3) {
    const places = new Map<string, NearPlaces>();
    await stream((name, key) => {
      let near = places.get(name);
      if (near === undefined) places.set(name, (near = nearPlaces(share - width, share + width, most)));
      near.add(placeOf(key, salt));
    });
    const sorted = [...places].sort(([left], [right]) => (left < right ? -1 : 1));
    const borders = sorted.map(([name, near]) => [name, borderBetween(near, share)] as const);
    if (borders.every(([, border]) => border !== undefined))
      return Object.fromEntries(borders.map(([name, border]) => [name, border ?? share]));
  }
}

interface NearPlaces {
  add(place: number): void;
  /** How many there are, and how many of them lie below those that were kept. */
  readonly count: number;
  readonly below: number;
  readonly kept: number[];
}

function nearPlaces(low: number, high: number, most: number): NearPlaces {
  let [count, below] = [0, 0];
  let kept: number[] = [];
  let prunes = false;
  return {
    get count() {
      return count;
    },
    get below() {
      return below;
    },
    get kept() {
      return kept;
    },
    add: (place) => {
      count++;
      if (prunes && place < low) below++;
      if (prunes && (place < low || place > high)) return;
      kept.push(place);
      if (prunes || kept.length <= most) return;
      prunes = true;
      below = kept.reduce((sum, each) => sum + (each < low ? 1 : 0), 0);
      kept = kept.filter((each) => each >= low && each <= high);
    },
  };
}

/** As near to the share as a border can be that has the right number of places below it; undefined where those beside it were not kept. */
function borderBetween({ count, below, kept }: NearPlaces, share: number): number | undefined {
  const ordered = kept.toSorted((left, right) => left - right);
  const taken = Math.round(share * count);
  const last = taken === 0 ? 0 : ordered[taken - 1 - below];
  const next = taken === count ? 1 : ordered[taken - below];
  if (last === undefined || next === undefined) return undefined;
  return share > last && share <= next ? share : share <= last ? (last + next) / 2 : next;
}
