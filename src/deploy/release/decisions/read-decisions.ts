import type { Actor, Approval, Attestation, Certification, Decision, DecisionKind, ModelVersion, Revocation } from '#contract';
import type { Db } from '#store';
import { selectAttestations } from '../policy/policies-store.ts';
import { selectApprovals, selectCertifications } from '../release-store.ts';
import { selectRevocation, selectUnsigned } from './decisions-store.ts';
import type { DecisionSigner, Signable } from './signature.ts';

/** A yes that does not count. */
export interface Unaccepted {
  readonly kind: DecisionKind;
  readonly id: string;
  /** Whose word it says it is. */
  readonly by: Actor;
  readonly why: string;
  /** Its signature does not hold: nothing that was let through on it comes back. Otherwise it counts no longer for what is new. */
  readonly isBroken: boolean;
}

/** What people have decided about a version, the newest first. What speaks for it counts with a valid signature only, what speaks against it always. */
export interface Decisions {
  readonly certifications: readonly Certification[];
  readonly approvals: readonly Approval[];
  readonly revocation?: Revocation;
  readonly unaccepted: readonly Unaccepted[];
}

export async function readDecisions(db: Db, signer: DecisionSigner, version: ModelVersion): Promise<Decisions> {
  const found = await selectAll(db, signer, version);
  const unaccepted: Unaccepted[] = [];
  const accepted = <D extends Certification | Approval>(kind: DecisionKind, decisions: readonly D[], by: (decision: D) => Actor): D[] =>
    decisions.filter((decision) => {
      const why = found.objection(kind, decision);
      if (why === undefined || decision.verdict === 'refused') return true;
      unaccepted.push({ kind, id: decision.id, by: by(decision), why, isBroken: true });
      return false;
    });
  return {
    certifications: accepted('certification', found.certifications, ({ certifiedBy }) => certifiedBy),
    approvals: accepted('approval', found.approvals, ({ approvedBy }) => approvedBy),
    ...(found.revocation === undefined ? {} : { revocation: found.revocation }),
    unaccepted,
  };
}

/** What people have attested of a version's package for policies, as far as the signature holds; the newest first. */
export async function readAttestations(db: Db, signer: DecisionSigner, version: ModelVersion): Promise<readonly Attestation[]> {
  const found = await selectAttestations(db, version.id);
  return found.filter((one) => one.modelVersion === version.id && signer.objection('attestation', one) === undefined);
}

/** Every decision about a version, the newest first, with what its signature is worth. */
export async function listDecisions(db: Db, signer: DecisionSigner, version: ModelVersion): Promise<readonly Decision[]> {
  const { certifications, approvals, revocation, objection } = await selectAll(db, signer, version);
  const signatureOf = (kind: DecisionKind, decision: Signable & { readonly id: string; readonly modelVersion: string }) => {
    const why = objection(kind, decision);
    const isUnsigned = why === undefined && decision.signature === undefined;
    return {
      signature: why !== undefined ? ('invalid' as const) : isUnsigned ? ('unsigned' as const) : ('valid' as const),
      ...(decision.signature === undefined ? {} : { keyId: decision.signature.keyId }),
      ...(why === undefined ? {} : { invalid: why }),
    };
  };
  const decisions: Decision[] = [
    ...certifications.map((one): Decision => ({
      kind: 'certification',
      ...common(one),
      verdict: one.verdict,
      report: one.report,
      reportDigest: one.reportDigest,
      ...(one.policies === undefined ? {} : { policies: one.policies }),
      by: one.certifiedBy,
      at: one.certifiedAt,
      ...signatureOf('certification', one),
    })),
    ...approvals.map((one): Decision => ({
      kind: 'approval',
      ...common(one),
      verdict: one.verdict,
      environment: one.environment,
      ...(one.policy === undefined ? {} : { policies: [one.policy] }),
      by: one.approvedBy,
      at: one.approvedAt,
      ...signatureOf('approval', one),
    })),
    ...(revocation === undefined
      ? []
      : [
          {
            kind: 'revocation' as const,
            ...common({ ...revocation, statement: revocation.reason }),
            verdict: 'revoked' as const,
            by: revocation.revokedBy,
            at: revocation.revokedAt,
            ...signatureOf('revocation', revocation),
          },
        ]),
  ];
  return decisions.sort((left, right) => Date.parse(right.at) - Date.parse(left.at));
}

function common({
  id,
  modelVersion,
  package: digest,
  statement,
}: Omit<Certification, 'report' | 'reportDigest' | 'verdict' | 'certifiedBy' | 'certifiedAt'>) {
  return { id, modelVersion, package: digest, statement };
}

/** All rows about a version, and why one of them is not to be believed. */
async function selectAll(db: Db, signer: DecisionSigner, version: ModelVersion) {
  const certifications = await selectCertifications(db, version.id);
  const approvals = await selectApprovals(db, version.id);
  const revocation = version.package === undefined ? undefined : await selectRevocation(db, version.package);
  const bare = [...certifications, ...approvals].filter(({ signature }) => signature === undefined).map(({ id }) => id);
  const unsigned = await selectUnsigned(db, bare);
  const objection = (kind: DecisionKind, decision: Signable & { readonly id: string; readonly modelVersion: string }) => {
    // A package may have several versions, and its revocation speaks of all of them.
    if (kind !== 'revocation' && decision.modelVersion !== version.id) return `it speaks of model version ${decision.modelVersion}`;
    if (decision.signature === undefined && unsigned.has(decision.id)) return undefined;
    return signer.objection(kind, decision);
  };
  return { certifications, approvals, revocation, objection };
}
