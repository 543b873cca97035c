import type { Batches } from './batches.ts';
import type { Finding } from './limits.ts';
import type { Frame, OpenTables } from '#tables';

/** Looks at the rows batch by batch and says in the end what it found. */
export interface Collector {
  /** The columns that it looks at. */
  readonly reads: readonly string[];
  take(batch: Frame, firstRow: number): void;
  /** Finds the same by asking the engine that holds the table, without a look at the rows. */
  readonly ask?: (tables: OpenTables) => Promise<void>;
  findings(): readonly Finding[];
}

/**
 * Shows the rows to all collectors. Where an engine holds the table, those that can ask it do so instead, all at once, so that it sees
 * what they want to know together.
 */
export async function collect(batches: Batches, collectors: readonly Collector[]): Promise<void> {
  const { ask } = batches;
  const asking = ask ? collectors.filter((collector) => collector.ask !== undefined) : [];
  const askAll = async (tables: OpenTables): Promise<void> => {
    const ends = await Promise.allSettled(asking.map(async (collector) => collector.ask?.(tables)));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
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
  const reads = [...new Set(collectors.flatMap(({ reads: own }) => own))];
  if (reads.length === 0) return;
  await batches.each(reads, (batch, firstRow) => {
    for (const collector of collectors) collector.take(batch, firstRow);
  });
}

/** Shows a frame to collectors. */
export function collectFrame(frame: Frame, collectors: readonly Collector[]): Finding[] {
  for (const collector of collectors) collector.take(frame, 0);
  return collectors.flatMap((collector) => collector.findings());
}

/** Findings that need no look at the rows. */
export function known(...findings: readonly Finding[]): Collector {
  return { reads: [], take: () => undefined, findings: () => findings };
}
