import type { Approval, Certification } from '#contract';
import type { Tx } from '#store';

interface Tables {
  certifications: { id: string; model_version: string; certified_at: number; record: Certification };
  approvals: { id: string; record: Approval };
}

/*
 * What whoever can write to the database could do to decisions: for tests.
 */

export async function alterApproval(tx: Tx, { id, record }: { id: string; record: Approval }): Promise<void> {
  await tx.tables<Tables>().updateTable('approvals').set({ record }).where('id', '=', id).execute();
}

export async function alterCertification(tx: Tx, record: Certification): Promise<void> {
  await tx.tables<Tables>().updateTable('certifications').set({ record }).where('id', '=', record.id).execute();
}

/** Files a certification under another version than it speaks of, or under the same. */
export async function plantCertification(tx: Tx, { record, under }: { record: Certification; under: string }): Promise<void> {
  const values = { id: record.id, model_version: under, certified_at: Date.parse(record.certifiedAt), record };
  await tx.tables<Tables>().insertInto('certifications').values(values).execute();
}
