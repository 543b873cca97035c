import type { Batches } from './batches.ts';
import type { Finding } from './limits.ts';
import type { Frame, OpenTables } from '#tables';

/** Looks at the rows batch by batch and says in the end what it found. */
export interface Collector {
  /** The columns that it looks at. */
  readonly reads: readonly string[];
  /** How often it has to see all rows; 1 without it. What remembers rows takes another share of them in each round, to bound its memory. */
  readonly rounds?: number;
  take(batch: Frame, firstRow: number, round: number): void;
  /** Finds the same by asking the engine that holds the table, without a look at the rows. */
  readonly ask?: (tables: OpenTables) => Promise<void>;
  findings(): readonly Finding[];
}

/**
 * Shows the rows to all collectors: in the first round together, later only to those that ask for more. Where an engine holds the table,
 * those that can ask it do so instead, meanwhile.
 */
export async function collect(batches: Batches, collectors: readonly Collector[]): Promise<void> {
  const { ask } = batches;
  const asking = ask ? collectors.filter((collector) => collector.ask !== undefined) : [];
  const askAll = async (tables: OpenTables): Promise<void> => {
    for (const collector of asking) await collector.ask?.(tables);
  };
  const ends = await Promise.allSettled([
    asking.length > 0 ? ask?.(askAll) : undefined,
    showAll(
      batches,
      collectors.filter((collector) => !asking.includes(collector)),
    ),
  ]);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

async function showAll(batches: Batches, collectors: readonly Collector[]): Promise<void> {
  const rounds = Math.max(1, ...collectors.map(({ rounds: own = 1 }) => own));
  for (let round = 0; round < rounds; round++) {
    const waiting = collectors.filter(({ rounds: own = 1 }) => own > round);
    const reads = [...new Set(waiting.flatMap(({ reads: own }) => own))];
    if (reads.length === 0) continue;
    await batches.each(reads, (batch, firstRow) => {
      for (const collector of waiting) collector.take(batch, firstRow, round);
    });
  }
}

/** Shows a frame to collectors. */
export function collectFrame(frame: Frame, collectors: readonly Collector[]): Finding[] {
  for (const collector of collectors) {
    for (let round = 0; round < (collector.rounds ?? 1); round++) collector.take(frame, 0, round);
  }
  return collectors.flatMap((collector) => collector.findings());
}

/** Findings that need no look at the rows. */
export function known(...findings: readonly Finding[]): Collector {
  return { reads: [], take: () => undefined, findings: () => findings };
}
