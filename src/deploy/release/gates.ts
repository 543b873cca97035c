import { executesCode, executesCodeOnLoad, lackingEvidence } from '#contract';
import type { ApplicationTestReport, Approval, Certification, DecisionKind, Deployment, Readiness, Revocation } from '#contract';
import { certifyingEnvironments, type GateFacts, hasLapsed, isAuthor, isIntact, type Missing, newestTests, title } from './gate-facts.ts';
import { findingsGate } from './findings/findings.ts';
import { referenceTo } from './policy/in-force.ts';
import { evidenceSeen, policyGates } from './policy/policy-gates.ts';

export type { Environment, GateFacts, Missing } from './gate-facts.ts';

/**
 * The certifications that count: of the newest application tests in each certifying environment, by people who did not make the version.
 * Newest first.
 */
export function validCertifications(facts: GateFacts): readonly Certification[] {
  const valid = certifyingEnvironments(facts.target, facts.environments).flatMap((environment) => {
    const newest = newestTests(facts, environment);
    if (newest === undefined || !newest.passed || !isIntact(newest)) return [];
    const words = wordsOn(facts, newest);
    return words.some(({ verdict }) => verdict === 'refused') ? [] : words.filter(({ certifiedBy }) => !isAuthor(facts, certifiedBy));
  });
  return facts.certifications.filter((certification) => valid.includes(certification));
}

/**
 * The approvals that count for the target: each person's newest word on this very package, where it is a yes, by somebody who neither made
 * nor certified it, and given in sight of a certification that still holds.
 */
export function validApprovals(facts: GateFacts): readonly Approval[] {
  const certifications = validCertifications(facts);
  return wordsFor(facts).filter(
    (approval) =>
      approval.verdict === 'approved' && !isClash(facts, approval, certifications) && isCurrent(facts, approval, certifications),
  );
}

/**
 * Why a version that was let through once may not come back: somebody has taken back, refused or altered what it was released on.
 * @param released the deployment that would come back
 */
export function withdrawals(facts: GateFacts, released: Pick<Deployment, 'certification' | 'approvals'>): readonly Missing[] {
  const refusedCertifications = certifyingEnvironments(facts.target, facts.environments).flatMap((environment) => {
    const newest = newestTests(facts, environment);
    return newest === undefined ? [] : wordsOn(facts, newest).filter(({ verdict }) => verdict === 'refused');
  });
  return [
    ...revocationGate(facts),
    ...deletion(facts),
    ...codeGate(facts),
    ...refusedCertifications.map((certification) => refusedCertification(facts, certification)),
    ...wordsFor(facts)
      .filter(({ verdict }) => verdict === 'refused')
      .map((approval) => refusedApproval(facts, approval)),
    ...facts.unaccepted
      .filter(({ id, isBroken }) => isBroken && (id === released.certification || released.approvals.includes(id)))
      .map(({ kind, id, by, why }): Missing => ({
        gate: kind,
        reason: `${title(facts.version)} was released on ${kind} ${id} of ${by.name}, which is not accepted: ${why}`,
      })),
  ];
}

/** What a version still lacks for an environment, each with its reason; nothing means that it may go. */
export function missingGates(facts: GateFacts): readonly Missing[] {
  return [
    ...revocationGate(facts),
    ...evidenceGate(facts),
    ...codeGate(facts),
    ...testReportGate(facts),
    ...policyGates(facts),
    ...findingsGate(facts),
    ...certificationGates(facts),
    ...approvalGates(facts),
  ];
}

export function judgeReadiness(facts: GateFacts): Readiness {
  const missing = [...missingGates(facts)];
  return {
    modelVersion: facts.version.id,
    environment: facts.target.name,
    policy: referenceTo(facts.inForce.policy),
    ready: missing.length === 0,
    missing,
    ...(executesCodeOnLoad(facts.version) ? { executesCodeOnLoad: true } : {}),
  };
}

/** That something was revoked, in words. */
export function revoked(what: string, { revokedBy, revokedAt, reason }: Revocation): string {
  return `${what} was revoked by ${revokedBy.name} on ${revokedAt}: ${reason}`;
}

function revocationGate({ version, revocation }: GateFacts): readonly Missing[] {
  return revocation === undefined ? [] : [{ gate: 'revocation', reason: revoked(title(version), revocation), refused: true }];
}

/** A yes that would count if its signature held, in words that follow a reason. */
function unacceptedWords({ unaccepted }: GateFacts, wanted: DecisionKind): string {
  return unaccepted
    .filter(({ kind }) => kind === wanted)
    .map(({ kind, id, by, why }) => ` (${kind} ${id} of ${by.name} is not accepted: ${why})`)
    .join('');
}

function deletion({ version }: GateFacts): readonly Missing[] {
  return version.deletedAt === undefined ? [] : [{ gate: 'evidence', reason: `${title(version)} was deleted on ${version.deletedAt}` }];
}

function evidenceGate(facts: GateFacts): readonly Missing[] {
  const lacking = lackingEvidence(facts.version).filter((what) => what !== 'a test report');
  if (lacking.length === 0) return deletion(facts);
  return [
    ...deletion(facts),
    {
      gate: 'evidence',
      reason: `${title(facts.version)} lacks ${lacking.join(', ')}: Gyre releases what it has tested itself`,
    },
  ];
}

function codeGate({ version, target }: GateFacts): readonly Missing[] {
  if (target.executesCode === true || !executesCodeOnLoad(version)) return [];
  return [
    {
      gate: 'executes_code',
      reason: `${title(version)} ${executesCode}, and "${target.name}" does not allow that: say executesCode: true for it in gyre.yaml (release.environments), or convert the model (gyre convert)`,
    },
  ];
}

function testReportGate({ version }: GateFacts): readonly Missing[] {
  if (version.testReport === undefined) {
    return [{ gate: 'test_report', reason: `${title(version)} has no test report: it is tested before it is deployed` }];
  }
  if (version.testsPassed) return [];
  return [{ gate: 'test_report', reason: `${title(version)} did not pass the gates of its test report ${version.testReport}` }];
}

function certificationGates(facts: GateFacts): readonly Missing[] {
  const { version, target, environments } = facts;
  return certifyingEnvironments(target, environments).flatMap((environment): readonly Missing[] => {
    const newest = newestTests(facts, environment);
    if (newest === undefined) {
      return [
        { gate: 'application_tests', reason: `${title(version)} has no application tests in "${environment.name}": run them there first` },
      ];
    }
    if (!isIntact(newest)) {
      const reason = `application tests ${newest.id} of ${title(version)} are not what their digest names: they were changed after they were recorded; run them again`;
      return [{ gate: 'application_tests', reason }];
    }
    if (!newest.passed) {
      return [{ gate: 'application_tests', reason: `application tests ${newest.id} of ${title(version)} failed: ${failedChecks(newest)}` }];
    }
    return certificationOf(facts, newest);
  });
}

function certificationOf(facts: GateFacts, newest: ApplicationTestReport): readonly Missing[] {
  const { version } = facts;
  const words = wordsOn(facts, newest);
  const refused = words.find(({ verdict }) => verdict === 'refused');
  if (refused !== undefined) return [refusedCertification(facts, refused)];
  if (words.some(({ certifiedBy }) => !isAuthor(facts, certifiedBy))) return [];
  const [own] = words;
  if (own !== undefined) {
    return [{ gate: 'separation_of_duties', reason: `${own.certifiedBy.name} made ${title(version)} and cannot certify it as well` }];
  }
  const ofOlder = facts.certifications.find(
    ({ package: certified, report, verdict }) =>
      verdict === 'certified' &&
      certified === version.package &&
      facts.applicationTests.some(({ id, environment }) => id === report && environment === newest.environment),
  );
  if (ofOlder !== undefined) {
    return [
      {
        gate: 'certification',
        reason: `the certification of ${title(version)} speaks of application tests ${ofOlder.report}; newer ones (${newest.id}) are not certified`,
      },
    ];
  }
  return [
    {
      gate: 'certification',
      reason: `${title(version)} is not certified: a QA expert certifies application tests ${newest.id}${unacceptedWords(facts, 'certification')}`,
    },
  ];
}

function approvalGates(facts: GateFacts): readonly Missing[] {
  const { version, target } = facts;
  if (target.approve === undefined) return [];
  const words = wordsFor(facts);
  const refused = words.find((approval) => approval.verdict === 'refused');
  if (refused !== undefined) return [refusedApproval(facts, refused)];
  const certifications = validCertifications(facts);
  const clash = words.find((approval) => isClash(facts, approval, certifications));
  if (clash !== undefined) {
    return [
      {
        gate: 'separation_of_duties',
        reason: `${clash.approvedBy.name} approved ${title(version)} but also made or certified it: author, certifier and approver are three people`,
      },
    ];
  }
  const lacking = target.approvals - words.filter((approval) => isCurrent(facts, approval, certifications)).length;
  if (lacking <= 0) return [];
  const unseen = words.find((approval) => !hasSeenEvidence(facts, approval));
  if (unseen !== undefined) {
    return [
      {
        gate: 'approval',
        reason: `${unseen.approvedBy.name} approved ${title(version)} for "${target.name}" before its newest evidence: it is to be approved again`,
      },
    ];
  }
  const stale = words.find((approval) => !isCurrent(facts, approval, certifications));
  if (stale !== undefined && certifications.length > 0) {
    return [
      {
        gate: 'approval',
        reason: `${stale.approvedBy.name} approved ${title(version)} for "${target.name}" before its newest certification: it is to be approved again`,
      },
    ];
  }
  const people = lacking === 1 ? 'one approver' : `${lacking} approvers`;
  return [
    {
      gate: 'approval',
      reason: `${title(version)} lacks the approval of ${people} for "${target.name}"${unacceptedWords(facts, 'approval')}`,
    },
  ];
}

/** Each certifier's newest word on a report. */
function wordsOn({ version, certifications }: GateFacts, report: ApplicationTestReport): readonly Certification[] {
  return newestOfEach(
    certifications.filter((word) => word.package === version.package && word.reportDigest === report.digest),
    ({ certifiedBy }) => certifiedBy.identity,
  );
}

/** Each approver's newest word on this very package for the target. */
function wordsFor({ version, target, approvals }: GateFacts): readonly Approval[] {
  return newestOfEach(
    approvals.filter((word) => word.package === version.package && word.environment === target.name),
    ({ approvedBy }) => approvedBy.identity,
  );
}

function newestOfEach<W>(words: readonly W[], person: (word: W) => string): readonly W[] {
  const seen = new Set<string>();
  return words.filter((word) => {
    if (seen.has(person(word))) return false;
    seen.add(person(word));
    return true;
  });
}

function isClash(facts: GateFacts, { approvedBy }: Approval, certifications: readonly Certification[]): boolean {
  return (
    isAuthor(facts, approvedBy) ||
    hasLapsed(facts, 'certification', approvedBy) ||
    certifications.some(({ certifiedBy }) => certifiedBy.identity === approvedBy.identity)
  );
}

/** An approval speaks of the certification and the evidence that its approver saw; where nobody certifies, of the evidence alone. */
function isCurrent(facts: GateFacts, approval: Approval, certifications: readonly Certification[]): boolean {
  return hasSeenEvidence(facts, approval) && hasSeenCertification(facts, approval, certifications);
}

function hasSeenCertification(
  { target, environments }: GateFacts,
  { certification }: Approval,
  certifications: readonly Certification[],
): boolean {
  if (certifyingEnvironments(target, environments).length === 0) return true;
  return certifications.some(({ id }) => id === certification);
}

function hasSeenEvidence(facts: GateFacts, { evidence = [] }: Approval): boolean {
  return evidenceSeen(facts).every(({ item, attestation }) =>
    evidence.some((seen) => seen.item === item && seen.attestation === attestation),
  );
}

function refusedCertification({ version }: GateFacts, { certifiedBy, statement }: Certification): Missing {
  return { gate: 'certification', reason: `${certifiedBy.name} refused to certify ${title(version)}: ${statement}`, refused: true };
}

function refusedApproval({ version, target }: GateFacts, { approvedBy, statement }: Approval): Missing {
  return { gate: 'approval', reason: `${approvedBy.name} refused ${title(version)} for "${target.name}": ${statement}`, refused: true };
}

/** The names of the checks that failed. */
export function failedChecks(report: ApplicationTestReport): string {
  return report.checks
    .filter((check) => !check.passed)
    .map((check) => check.name)
    .join(', ');
}
