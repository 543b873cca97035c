import type { ApplicationTestReport, Approval, Certification, ModelVersion, Readiness } from '#contract';

/** An environment as the project's file describes it, in its place in the order. */
export interface Environment {
  readonly name: string;
  readonly position: number;
  /** The role that certifies application tests here. */
  readonly certify?: 'qa';
  /** The role that approves a version before it comes here. */
  readonly approve?: 'approver';
  /** How many different people must approve. */
  readonly approvals: number;
}

/** All that is known about a version on its way to an environment. */
export interface GateFacts {
  readonly version: ModelVersion;
  /** Who started the training run and who registered the version. */
  readonly authors: readonly string[];
  readonly target: Environment;
  readonly environments: readonly Environment[];
  /** Newest first, of this version. */
  readonly applicationTests: readonly ApplicationTestReport[];
  readonly certifications: readonly Certification[];
  readonly approvals: readonly Approval[];
}

export type Gate = 'test_report' | 'application_tests' | 'certification' | 'approval' | 'separation_of_duties';

interface Missing {
  readonly gate: Gate;
  readonly reason: string;
}

/** The environments before the target whose certification a version needs to come to it. */
export function certifyingEnvironments(target: Environment, environments: readonly Environment[]): readonly Environment[] {
  return environments.filter((environment) => environment.position < target.position && environment.certify !== undefined);
}

/** The certification that counts: the newest one of this very package. */
export function validCertification(facts: GateFacts): Certification | undefined {
  const newest = facts.certifications.find((certification) => certification.package === facts.version.package);
  return newest?.verdict === 'certified' ? newest : undefined;
}

/** The approvals that count for the target: each person's newest word on this very package, where it is a yes. */
export function validApprovals(facts: GateFacts): readonly Approval[] {
  return newestPerPerson(facts).filter((approval) => approval.verdict === 'approved');
}

/** Says what a version still lacks for an environment, each with its reason; nothing missing means that it may go. */
export function judgeReadiness(facts: GateFacts): Readiness {
  const missing = [...testReportGate(facts), ...certificationGates(facts), ...approvalGates(facts)];
  return { modelVersion: facts.version.id, environment: facts.target.name, ready: missing.length === 0, missing };
}

function testReportGate({ version }: GateFacts): readonly Missing[] {
  if (version.testReport === undefined) {
    return [{ gate: 'test_report', reason: `${title(version)} has no test report: evaluate it before it is deployed` }];
  }
  if (version.testsPassed) return [];
  return [{ gate: 'test_report', reason: `${title(version)} did not pass the gates of its test report ${version.testReport}` }];
}

function certificationGates(facts: GateFacts): readonly Missing[] {
  const { version, target, environments } = facts;
  return certifyingEnvironments(target, environments).flatMap((environment): readonly Missing[] => {
    const newest = facts.applicationTests.find((report) => report.environment === environment.name && report.package === version.package);
    if (newest === undefined) {
      return [
        { gate: 'application_tests', reason: `${title(version)} has no application tests in "${environment.name}": run them there first` },
      ];
    }
    if (!newest.passed) {
      const failed = newest.checks.filter((check) => !check.passed).map((check) => check.name);
      return [{ gate: 'application_tests', reason: `application tests ${newest.id} of ${title(version)} failed: ${failed.join(', ')}` }];
    }
    return certificationOf(facts, newest);
  });
}

function certificationOf(facts: GateFacts, newest: ApplicationTestReport): readonly Missing[] {
  const { version, authors } = facts;
  const latest = facts.certifications.find((certification) => certification.package === version.package);
  if (latest === undefined) {
    return [{ gate: 'certification', reason: `${title(version)} is not certified: a QA expert certifies application tests ${newest.id}` }];
  }
  if (latest.verdict === 'refused') {
    return [{ gate: 'certification', reason: `${latest.certifiedBy.name} refused to certify ${title(version)}: ${latest.statement}` }];
  }
  if (latest.reportDigest !== newest.digest) {
    return [
      {
        gate: 'certification',
        reason: `the certification of ${title(version)} speaks of application tests ${latest.report}; newer ones (${newest.id}) are not certified`,
      },
    ];
  }
  if (authors.includes(latest.certifiedBy.identity)) {
    return [{ gate: 'separation_of_duties', reason: `${latest.certifiedBy.name} made ${title(version)} and cannot certify it as well` }];
  }
  return [];
}

function approvalGates(facts: GateFacts): readonly Missing[] {
  const { version, target, authors } = facts;
  if (target.approve === undefined) return [];
  const words = newestPerPerson(facts);
  const refused = words.find((approval) => approval.verdict === 'refused');
  if (refused !== undefined) {
    return [
      { gate: 'approval', reason: `${refused.approvedBy.name} refused ${title(version)} for "${target.name}": ${refused.statement}` },
    ];
  }
  const certification = validCertification(facts);
  const clash = words.find(
    ({ approvedBy }) => authors.includes(approvedBy.identity) || approvedBy.identity === certification?.certifiedBy.identity,
  );
  if (clash !== undefined) {
    return [
      {
        gate: 'separation_of_duties',
        reason: `${clash.approvedBy.name} approved ${title(version)} but also made or certified it: author, certifier and approver are three people`,
      },
    ];
  }
  const lacking = target.approvals - words.length;
  if (lacking <= 0) return [];
  const people = lacking === 1 ? 'one approver' : `${lacking} approvers`;
  return [{ gate: 'approval', reason: `${title(version)} lacks the approval of ${people} for "${target.name}"` }];
}

function newestPerPerson(facts: GateFacts): readonly Approval[] {
  const seen = new Set<string>();
  return facts.approvals.filter((approval) => {
    if (approval.environment !== facts.target.name || approval.package !== facts.version.package) return false;
    if (seen.has(approval.approvedBy.identity)) return false;
    seen.add(approval.approvedBy.identity);
    return true;
  });
}

function title(version: ModelVersion): string {
  return `${version.model} version ${version.version}`;
}
