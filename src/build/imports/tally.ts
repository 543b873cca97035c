import type { ImportCount, ImportedRecord } from '#contract';
import type { Complaint } from './source.ts';

const mostRefusals = 200;

/** Counts what an import meets. */
export class Tally {
  readonly #counts = new Map<ImportedRecord, { read: number; imported: number; present: number; refused: number }>();
  readonly #refusals: Complaint[] = [];
  readonly #met = new Set<string>();

  /** @returns whether a record is met for the first time: a source that is watched gives it each time that it grew */
  meets(what: ImportedRecord, id: string): boolean {
    const key = `${what} ${id}`;
    if (this.#met.has(key)) return false;
    this.#met.add(key);
    this.read(what);
    return true;
  }

  read(what: ImportedRecord, count = 1): void {
    this.#of(what).read += count;
  }

  imported(what: ImportedRecord, count = 1): void {
    this.#of(what).imported += count;
  }

  present(what: ImportedRecord, count = 1): void {
    this.#of(what).present += count;
  }

  refused(what: ImportedRecord, complaint: Complaint, count = 1): void {
    this.#of(what).refused += count;
    this.complain(complaint);
  }

  /** Something that could not even be read as a record. */
  readonly complain = (complaint: Complaint): void => {
    if (this.#refusals.length < mostRefusals) this.#refusals.push({ what: complaint.what.slice(0, 500), why: complaint.why.slice(0, 500) });
  };

  get counts(): Readonly<Record<string, ImportCount>> {
    return Object.fromEntries([...this.#counts].map(([what, count]) => [what, { ...count }]));
  }

  get refusals(): readonly Complaint[] {
    return [...this.#refusals];
  }

  #of(what: ImportedRecord): { read: number; imported: number; present: number; refused: number } {
    const count = this.#counts.get(what) ?? { read: 0, imported: 0, present: 0, refused: 0 };
    this.#counts.set(what, count);
    return count;
  }
}
