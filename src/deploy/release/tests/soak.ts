import type { Check, SoakFinding } from '#contract';
import type { LoadMeasured } from '../load/open-loop.ts';
import type { ReleaseSettings } from '../port.ts';

export interface SoakPlan {
  readonly offer: (load: {
    readonly ratePerSecond: number;
    readonly durationMs: number;
    readonly arrivals: 'poisson';
  }) => Promise<LoadMeasured>;
  readonly ratePerSecond: number;
  readonly durationMs: number;
  /** Resident memory now; undefined where it cannot be told. */
  readonly residentBytes: () => Promise<number | undefined>;
  readonly sleep: (ms: number) => Promise<void>;
  readonly monotonicMs: () => number;
}

const samples = 60;
const shortestMs = 100;
/** In the second half, whose line is the growth. */
const leastSamples = 4;
const mebibyte = 1024 * 1024;

/** Offers a load for a while, as independent clients come, and looks at the plane's memory meanwhile. */
export async function soakFinding(plan: SoakPlan): Promise<SoakFinding> {
  const memory: { atMs: number; residentMiB: number }[] = [];
  const startMs = plan.monotonicMs();
  let running = true;
  const watch = async (): Promise<void> => {
    while (running) {
      const bytes = await plan.residentBytes();
      if (bytes === undefined) return;
      memory.push({ atMs: plan.monotonicMs() - startMs, residentMiB: bytes / mebibyte });
      await plan.sleep(Math.max(shortestMs, plan.durationMs / samples));
    }
  };
  const watching = watch();
  try {
    const { requests, errors, p99Ms, ratePerSecond, durationMs } = await plan.offer({
      ratePerSecond: plan.ratePerSecond,
      durationMs: plan.durationMs,
      arrivals: 'poisson',
    });
    running = false;
    await watching;
    const growth = memoryGrowth(memory);
    return { durationMs, ratePerSecond, requests, errors, p99Ms, memory, ...growth };
  } finally {
    running = false;
  }
}

/**
 * How memory grows, by least squares over the second half of what was seen: the first half warms up caches and compilers.
 * @returns nothing of fewer than seven values, of which the second half is four
 */
export function memoryGrowth(memory: SoakFinding['memory']): Pick<SoakFinding, 'growthMiBPerHour' | 'grewMiB'> {
  const half = memory.slice(Math.floor(memory.length / 2));
  if (half.length < leastSamples) return {};
  const mean = (of: (point: (typeof half)[number]) => number): number => half.reduce((sum, point) => sum + of(point), 0) / half.length;
  const [atMs, resident] = [mean((point) => point.atMs), mean((point) => point.residentMiB)];
  const over = half.reduce((sum, point) => sum + (point.atMs - atMs) ** 2, 0);
  if (over === 0) return {};
  const slope = half.reduce((sum, point) => sum + (point.atMs - atMs) * (point.residentMiB - resident), 0) / over;
  return { growthMiBPerHour: slope * 3_600_000, grewMiB: slope * (half[half.length - 1].atMs - half[0].atMs) };
}

/** What a soak is held to: every request answered, in time, and memory that grows no more than the project allows. */
export function soakChecks(soak: SoakFinding, settings: Pick<ReleaseSettings, 'latencyP99Ms' | 'soak'>): readonly Check[] {
  const { requests, errors, p99Ms, grewMiB, durationMs } = soak;
  const seconds = Math.round(durationMs / 1000);
  const limit = settings.soak?.growthMiB;
  const within = p99Ms <= settings.latencyP99Ms;
  return [
    {
      name: 'soak: errors',
      passed: errors === 0,
      observed: errors,
      wanted: '0',
      message: `${errors} of ${requests} requests in ${seconds} s failed`,
    },
    {
      name: 'soak: latency',
      passed: within,
      observed: p99Ms,
      wanted: `<= ${settings.latencyP99Ms} ms`,
      message: `p99 ${p99Ms.toFixed(1)} ms over ${seconds} s`,
    },
    ...(limit === undefined
      ? []
      : [
          {
            name: 'soak: memory',
            passed: grewMiB !== undefined && grewMiB <= limit,
            observed: grewMiB ?? null,
            wanted: `<= ${limit} MiB`,
            message: grewMiB === undefined ? unknownGrowth(soak) : `memory grew by ${grewMiB.toFixed(1)} MiB while it was measured`,
          },
        ]),
  ];
}

function unknownGrowth({ memory, durationMs }: SoakFinding): string {
  if (memory.length === 0) return 'memory cannot be measured on this system';
  return `memory was looked at ${memory.length} times in ${Math.round(durationMs)} ms, too few to tell its growth; a longer soak tells it`;
}
