import type { Approval, Attestation, PolicyCheck, PolicyDocument, PolicyItem, PolicyStatement, PublishedPolicy } from '#contract';
import { certifyingEnvironments, type GateFacts, type Missing, newestTests, title } from '../gate-facts.ts';
import { policyTitle } from './in-force.ts';

/** Why something that a policy asks for is not there; undefined when it is. */
type Lack = string | undefined;

/** What the policy asks for beside tests, certification and approvals, and is not there. */
export function policyGates(facts: GateFacts): readonly Missing[] {
  const { inForce, target, environments } = facts;
  const { policy, problem } = inForce;
  if (problem !== undefined) return [{ gate: 'policy', reason: problem }];
  const uncertified =
    policy.policy.certify !== undefined && certifyingEnvironments(target, environments).length === 0
      ? [`asks for a certification, but no environment before "${target.name}" certifies: say certify: qa for one in gyre.yaml`]
      : [];
  const lacks = [...uncertified, ...lackingItems(facts).map(({ lack }) => lack)];
  return lacks.map((lack) => ({ gate: 'policy', reason: `policy ${policyTitle(policy)} ${lack}` }));
}

/** The evidence that is missing, in the order of the stages. */
export function lackingItems(facts: GateFacts): readonly { readonly stage: string; readonly item: PolicyItem; readonly lack: string }[] {
  return (facts.inForce.policy.policy.stages ?? []).flatMap(({ name, evidence }) =>
    evidence.flatMap((item) => {
      const lack = lackOf(facts, item);
      return lack === undefined ? [] : [{ stage: name, item, lack: `(stage ${name}) asks for ${item.id}: ${lack}` }];
    }),
  );
}

/** The attestation that fulfils an item: the newest that was given to these very words, in the role that they are asked of. */
export function attestationOf({ attestations, version }: GateFacts, item: PolicyStatement | PolicyDocument): Attestation | undefined {
  return attestations.find(
    (one) =>
      one.package === version.package && one.item === item.id && one.asked === askedBy(item) && one.role === item.by && isOfKind(one, item),
  );
}

/** A sentence is no document, and a document is of a type that the policy takes now. */
function isOfKind({ document }: Attestation, item: PolicyStatement | PolicyDocument): boolean {
  if ('statement' in item) return document === undefined;
  return document !== undefined && item.mediaTypes?.includes(document.mediaType) !== false;
}

/** What of the evidence that the policy asks people for is there now: what an approver has in sight. */
export function evidenceSeen(facts: GateFacts): NonNullable<Approval['evidence']> {
  return (facts.inForce.policy.policy.stages ?? []).flatMap((stage) =>
    stage.evidence.flatMap((item) => {
      const attestation = 'check' in item ? undefined : attestationOf(facts, item);
      return attestation === undefined ? [] : [{ item: item.id, attestation: attestation.id }];
    }),
  );
}

/** The item of a policy by its id. */
export function itemOf({ policy }: PublishedPolicy, id: string): PolicyItem | undefined {
  return policy.stages?.flatMap(({ evidence }) => evidence).find((item) => item.id === id);
}

/** The words that a person is asked. */
export function askedBy(item: PolicyStatement | PolicyDocument): string {
  return 'statement' in item ? item.statement : item.document;
}

function lackOf(facts: GateFacts, item: PolicyItem): Lack {
  if ('check' in item) return checkLack(facts, item);
  if (attestationOf(facts, item) !== undefined) return undefined;
  const reference = `${facts.version.model}/${facts.version.version}`;
  return 'statement' in item
    ? `"${item.statement}" is not answered; somebody with the role ${item.by} does (gyre release attest ${reference} --item ${item.id} --statement …)`
    : `the document "${item.document}" is not there; somebody with the role ${item.by} uploads it (gyre release attach ${reference} --item ${item.id} FILE)`;
}

function checkLack(facts: GateFacts, item: PolicyCheck): Lack {
  const { version } = facts;
  switch (item.check) {
    case 'test_report':
      return version.testReport !== undefined && version.testsPassed ? undefined : `${title(version)} did not pass a test report`;
    case 'package':
      return facts.damage;
    case 'application_tests':
      return reportLack(facts, (report) => {
        if (!report.passed) return `application tests ${report.id} failed`;
        if (item.profile !== 'full' || report.profile === 'full') return undefined;
        return `application tests ${report.id} are of the short profile: run them with --profile full`;
      });
    case 'requirement':
      return reportLack(facts, (report) => {
        const found = report.requirements?.find(({ id }) => id === item.requirement);
        if (found?.verdict === 'passed') return undefined;
        const said = found === undefined ? 'say nothing of it' : `say: ${found.says}`;
        return `application tests ${report.id} have not passed the requirement ${item.requirement ?? ''}; they ${said}`;
      });
  }
}

/** A lack of the newest application tests in any of the environments that certify, or that there are none. */
function reportLack(facts: GateFacts, lack: (report: NonNullable<ReturnType<typeof newestTests>>) => Lack): Lack {
  const tested = certifyingEnvironments(facts.target, facts.environments);
  if (tested.length === 0) return `no environment before "${facts.target.name}" runs application tests`;
  for (const environment of tested) {
    const report = newestTests(facts, environment);
    const found = report === undefined ? `there are no application tests in "${environment.name}"` : lack(report);
    if (found !== undefined) return found;
  }
  return undefined;
}
