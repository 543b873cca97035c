import { GyreError, isoInstant } from '#core';
import { eventType } from '#contract';
import type { ApplicationTestReport, Approval, Certification, PolicyReference } from '#contract';
import { requireJudged } from '#registry';
import type { Tx } from '#store';
import { hasLapsed } from './gate-facts.ts';
import { failedChecks, type GateFacts, missingGates, type Missing, revoked, validCertifications } from './gates.ts';
import type { DecisionSigner } from './decisions/signature.ts';
import { type Gatekeeper, lockVersion } from './gatekeeper.ts';
import type { ApproveRequest, CertifyRequest, Release, ReleaseDeps } from './port.ts';
import { referenceTo, underPolicy } from './policy/in-force.ts';
import { evidenceSeen } from './policy/policy-gates.ts';
import { insertApproval, insertCertification, selectApplicationTest } from './release-store.ts';

/** Why somebody may not put their name to a version. */
interface Objection {
  readonly reasons: readonly Missing[];
  readonly code?: 'PERMISSION_DENIED';
}

/** What people put their name to: the QA expert's certification and the approver's approval. */
export function signOff(deps: ReleaseDeps, keeper: Gatekeeper, signer: DecisionSigner): Pick<Release, 'certify' | 'approve'> {
  const { store, events, clock, newId, versions } = deps;
  const now = (): string => isoInstant(clock.now());

  /** The policies of the environments that a certification in this one opens. */
  async function policiesAfter(tx: Tx, environment: string): Promise<PolicyReference[]> {
    const { position } = keeper.environmentOf(environment);
    const later = deps.settings().environments.filter((one) => one.position > position);
    const policies = new Map<string, PolicyReference>();
    for (const { name } of later) {
      const { policy } = await keeper.policyIn(tx, name);
      policies.set(policy.digest, referenceTo(policy));
    }
    return [...policies.values()];
  }

  async function asksForNone(tx: Tx, environment: string): Promise<GyreError> {
    const asking: string[] = [];
    for (const one of deps.settings().environments) {
      if (underPolicy(one, await keeper.policyIn(tx, one.name)).approve !== undefined) asking.push(`"${one.name}"`);
    }
    const which = asking.length === 0 ? 'no environment does' : `it is asked for by ${asking.join(', ')}`;
    return new GyreError('FAILED_PRECONDITION', `"${environment}" asks for no approval; ${which}`);
  }

  return {
    certify: async (request) => {
      const report = await store.read((db) => selectApplicationTest(db, request.report));
      if (report === undefined) throw new GyreError('NOT_FOUND', `no application test report "${request.report}"`);
      const version = requireJudged(await versions.getById(report.modelVersion), 'a certification');
      const factsIn = await keeper.factsReader(version, keeper.environmentOf(report.environment));
      const signed = await store.write(async function recordCertification(
        tx: Tx,
      ): Promise<{ readonly certification: Certification } | { readonly against: Objection }> {
        await lockVersion(tx, version);
        const against = objectionToCertify(await factsIn(tx), report, request);
        if (against !== undefined) return { against };
        const certification: Certification = signer.sign('certification', {
          id: newId(),
          modelVersion: version.id,
          package: version.package,
          report: report.id,
          reportDigest: report.digest,
          verdict: request.verdict,
          statement: request.statement,
          policies: await policiesAfter(tx, report.environment),
          certifiedBy: request.by,
          certifiedAt: now(),
        });
        await insertCertification(tx, certification);
        events.publish(tx, {
          type: eventType('certification.given'),
          subject: version.id,
          actor: request.by.identity,
          reason: request.statement,
          data: { id: certification.id, modelVersion: version.id, report: report.id, verdict: certification.verdict },
        });
        return { certification };
      }, undefined);
      if ('certification' in signed) return signed.certification;
      const attempted = `certification of ${version.model} version ${version.version}`;
      return keeper.refuse({ attempted, version, environment: report.environment, by: request.by, ...signed.against });
    },

    approve: async (request) => {
      const target = keeper.environmentOf(request.environment);
      const version = requireJudged(await versions.getById(request.modelVersion), 'an approval');
      const factsIn = await keeper.factsReader(version, target);
      const signed = await store.write(async function recordApproval(
        tx: Tx,
      ): Promise<{ readonly approval: Approval } | { readonly against: Objection }> {
        await lockVersion(tx, version);
        const facts = await factsIn(tx);
        if (facts.target.approve === undefined) throw await asksForNone(tx, target.name);
        const against = objectionToApprove(facts, request);
        if (against !== undefined) return { against };
        const [certification] = validCertifications(facts);
        const evidence = evidenceSeen(facts);
        const approval: Approval = signer.sign('approval', {
          id: newId(),
          modelVersion: version.id,
          package: version.package,
          environment: target.name,
          ...(certification === undefined ? {} : { certification: certification.id }),
          verdict: request.verdict,
          statement: request.statement,
          policy: referenceTo(facts.inForce.policy),
          ...(evidence.length === 0 ? {} : { evidence }),
          approvedBy: request.by,
          approvedAt: now(),
        });
        await insertApproval(tx, approval);
        events.publish(tx, {
          type: eventType('approval.given'),
          subject: version.id,
          actor: request.by.identity,
          reason: request.statement,
          data: { id: approval.id, modelVersion: version.id, environment: target.name, verdict: approval.verdict },
        });
        return { approval };
      }, undefined);
      if ('approval' in signed) return signed.approval;
      const attempted = `approval of ${version.model} version ${version.version} for "${target.name}"`;
      return keeper.refuse({ attempted, version, environment: target.name, by: request.by, ...signed.against });
    },
  };
}

function objectionToCertify(facts: GateFacts, report: ApplicationTestReport, { by, verdict }: CertifyRequest): Objection | undefined {
  if (facts.authors.includes(by.identity)) return duties(`${by.name} made this version; another QA expert certifies it`);
  const hasApproved = facts.approvals.some((word) => word.package === report.package && word.approvedBy.identity === by.identity);
  if (hasApproved || hasLapsed(facts, 'approval', by)) {
    return duties(`${by.name} approved this version; author, certifier and approver are three people`);
  }
  if (verdict === 'refused') return undefined;
  const reasons: Missing[] = [];
  if (facts.revocation !== undefined) reasons.push({ gate: 'revocation', reason: revoked('this version', facts.revocation) });
  if (!report.passed) reasons.push({ gate: 'application_tests', reason: `application tests ${report.id} failed: ${failedChecks(report)}` });
  const newest = facts.applicationTests.find(({ environment }) => environment === report.environment);
  if (newest !== undefined && newest.id !== report.id) {
    reasons.push({ gate: 'application_tests', reason: `application tests ${newest.id} are newer: certify those` });
  }
  return reasons.length === 0 ? undefined : { reasons };
}

function objectionToApprove(facts: GateFacts, { by, verdict }: ApproveRequest): Objection | undefined {
  const isAuthor = facts.authors.includes(by.identity);
  const hasCertified = facts.certifications.some(
    (word) => word.certifiedBy.identity === by.identity && word.package === facts.version.package && word.verdict === 'certified',
  );
  if (isAuthor || hasCertified || hasLapsed(facts, 'certification', by)) {
    return duties(`${by.name} ${isAuthor ? 'made' : 'certified'} this version; author, certifier and approver are three people`);
  }
  if (verdict === 'refused') return undefined;
  const withoutApprovals = { ...facts, approvals: [] };
  const reasons = missingGates(withoutApprovals).filter(({ gate }) => gate !== 'approval');
  return reasons.length === 0 ? undefined : { reasons };
}

function duties(reason: string): Objection {
  return { reasons: [{ gate: 'separation_of_duties', reason }], code: 'PERMISSION_DENIED' };
}
