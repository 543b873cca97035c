import { GyreError, isoInstant } from '#core';
import { eventType } from '#contract';
import type { Approval, Certification } from '#contract';
import type { Tx } from '#store';
import { judgeReadiness, validCertification } from './gates.ts';
import type { Gatekeeper } from './gatekeeper.ts';
import type { ApproveRequest, CertifyRequest, Release, ReleaseDeps } from './port.ts';
import { insertApproval, insertCertification, selectApplicationTest } from './release-store.ts';

/** What people put their name to: the QA expert's certification and the approver's approval. */
export function signOff(deps: ReleaseDeps, keeper: Gatekeeper): Pick<Release, 'certify' | 'approve'> {
  const { store, events, clock, newId, versions } = deps;
  const now = (): string => isoInstant(clock.now());
  return {
    certify: async (request: CertifyRequest) => {
      const report = await store.read((db) => selectApplicationTest(db, request.report));
      if (report === undefined) throw new GyreError('NOT_FOUND', `no application test report "${request.report}"`);
      const version = await versions.getById(report.modelVersion);
      const facts = await keeper.gateFacts(version, keeper.environmentOf(report.environment));
      const attempted = `certification of ${version.model} version ${version.version}`;
      if (facts.authors.includes(request.by.identity)) {
        const reason = `${request.by.name} made this version; another QA expert certifies it`;
        return keeper.refuse({
          attempted,
          version,
          environment: report.environment,
          by: request.by,
          reasons: [{ gate: 'separation_of_duties', reason }],
          code: 'PERMISSION_DENIED',
        });
      }
      if (request.verdict === 'certified') {
        const newest = facts.applicationTests.find(({ environment }) => environment === report.environment);
        const reasons = [];
        if (!report.passed) {
          const failed = report.checks.filter((check) => !check.passed).map((check) => check.name);
          reasons.push({ gate: 'application_tests', reason: `application tests ${report.id} failed: ${failed.join(', ')}` });
        }
        if (newest !== undefined && newest.id !== report.id) {
          reasons.push({ gate: 'application_tests', reason: `application tests ${newest.id} are newer: certify those` });
        }
        if (reasons.length > 0) return keeper.refuse({ attempted, version, environment: report.environment, by: request.by, reasons });
      }
      const certification: Certification = {
        id: newId(),
        modelVersion: version.id,
        package: version.package,
        report: report.id,
        reportDigest: report.digest,
        verdict: request.verdict,
        statement: request.statement,
        certifiedBy: request.by,
        certifiedAt: now(),
      };
      await store.write(async function recordCertification(tx: Tx) {
        await insertCertification(tx, certification);
        events.publish(tx, {
          type: eventType('certification.given'),
          subject: version.id,
          actor: request.by.identity,
          reason: request.statement,
          data: { id: certification.id, modelVersion: version.id, report: report.id, verdict: certification.verdict },
        });
      }, undefined);
      return certification;
    },

    approve: async (request: ApproveRequest) => {
      const target = keeper.environmentOf(request.environment);
      const version = await versions.getById(request.modelVersion);
      const facts = await keeper.gateFacts(version, target);
      const attempted = `approval of ${version.model} version ${version.version} for "${target.name}"`;
      const certification = validCertification(facts);
      const isAuthor = facts.authors.includes(request.by.identity);
      if (isAuthor || certification?.certifiedBy.identity === request.by.identity) {
        const reason = `${request.by.name} ${isAuthor ? 'made' : 'certified'} this version; author, certifier and approver are three people`;
        return keeper.refuse({
          attempted,
          version,
          environment: target.name,
          by: request.by,
          reasons: [{ gate: 'separation_of_duties', reason }],
          code: 'PERMISSION_DENIED',
        });
      }
      const lacking = judgeReadiness(facts).missing.filter(({ gate }) => gate !== 'approval');
      if (request.verdict === 'approved' && lacking.length > 0)
        return keeper.refuse({ attempted, version, environment: target.name, by: request.by, reasons: lacking });
      const approval: Approval = {
        id: newId(),
        modelVersion: version.id,
        package: version.package,
        environment: target.name,
        ...(certification === undefined ? {} : { certification: certification.id }),
        verdict: request.verdict,
        statement: request.statement,
        approvedBy: request.by,
        approvedAt: now(),
      };
      await store.write(async function recordApproval(tx: Tx) {
        await insertApproval(tx, approval);
        events.publish(tx, {
          type: eventType('approval.given'),
          subject: version.id,
          actor: request.by.identity,
          reason: request.statement,
          data: { id: approval.id, modelVersion: version.id, environment: target.name, verdict: approval.verdict },
        });
      }, undefined);
      return approval;
    },
  };
}
