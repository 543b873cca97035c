import { isoInstant } from '#core';
import type { Approval, Certification, DriftLine, PolicyReference } from '#contract';
import type { Decisions, Unaccepted } from '../decisions/read-decisions.ts';
import { crossingAfter, type SeenDrift } from './drift.ts';
import { builtIn, type InForce, policyTitle, referenceTo, validityOf } from './in-force.ts';

/**
 * Decisions with those moved to `unaccepted` that speak for the version and count no longer: given under another policy than the one in force, longer ago
 * than that says, or before data drifted as far as it says. Deployments that they let through stay.
 * @param drift of the version, the earliest window first
 * @param at milliseconds since 1970
 */
export function withoutLapsed(decisions: Decisions, { policy }: InForce, drift: readonly SeenDrift[], at: number): Decisions {
  const lapsed: Unaccepted[] = [];
  const current = <D extends Certification | Approval>(
    given: readonly D[],
    of: (decision: D) => Omit<Unaccepted, 'id' | 'why' | 'isBroken'> & {
      /** What it speaks of, beside the package. */
      readonly about: string;
      readonly given: string;
      readonly under: readonly PolicyReference[];
      readonly validMs: number | undefined;
      readonly line: DriftLine | undefined;
    },
  ): D[] =>
    given.filter((decision, place) => {
      const { kind, by, about, ...facts } = of(decision);
      if (decision.verdict === 'refused') {
        // The newest come first: a no that the same person took back later does not come to life again when that yes counts no longer.
        return !given.slice(0, place).some((later) => {
          const word = of(later);
          return word.by.identity === by.identity && word.about === about && later.package === decision.package;
        });
      }
      const why = lapseOf(facts, referenceTo(policy), drift, at);
      if (why !== undefined) lapsed.push({ kind, id: decision.id, by, why, isBroken: false });
      return why === undefined;
    });
  const certifications = current(decisions.certifications, (one) => ({
    kind: 'certification',
    by: one.certifiedBy,
    about: one.reportDigest,
    given: one.certifiedAt,
    under: one.policies ?? [referenceTo(builtIn)],
    validMs: validityOf(policy, 'certify'),
    line: policy.policy.certify?.untilDrift,
  }));
  const approvals = current(decisions.approvals, (one) => ({
    kind: 'approval',
    by: one.approvedBy,
    about: one.environment,
    given: one.approvedAt,
    under: [one.policy ?? referenceTo(builtIn)],
    validMs: validityOf(policy, 'approve'),
    line: policy.policy.approve?.untilDrift,
  }));
  return { ...decisions, certifications, approvals, unaccepted: [...decisions.unaccepted, ...lapsed] };
}

/** When a decision counts no longer, in milliseconds since 1970; undefined: never. */
export function expiryOf(given: string, validMs: number | undefined): number | undefined {
  return validMs === undefined ? undefined : Date.parse(given) + validMs;
}

function lapseOf(
  {
    given,
    under,
    validMs,
    line,
  }: {
    readonly given: string;
    readonly under: readonly PolicyReference[];
    readonly validMs: number | undefined;
    readonly line: DriftLine | undefined;
  },
  holding: PolicyReference,
  drift: readonly SeenDrift[],
  at: number,
): string | undefined {
  if (!under.some(({ digest }) => digest === holding.digest)) {
    const names = under.map(policyTitle).join(', ');
    return `it was given under policy ${names}, and ${policyTitle(holding)} holds now`;
  }
  const expiry = expiryOf(given, validMs);
  if (expiry !== undefined && at >= expiry) return `it has expired on ${isoInstant(expiry)}`;
  const crossing = line === undefined ? undefined : crossingAfter(drift, line, given);
  return crossing === undefined ? undefined : `it was given before ${crossing.says}`;
}
