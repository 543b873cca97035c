import { Type, type Static } from 'typebox';
import { Role } from './access.ts';
import { requirementIds, testProfiles } from './application-findings.ts';
import { Actor, Digest, Instant, Name, oneOf, strict } from './common.ts';
import { riskLevels } from './risk.ts';

const ItemId = Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,63}$', description: 'names it in commands: small letters, digits and "-"' });

export const policyChecks = ['test_report', 'application_tests', 'requirement', 'package'] as const;

/** What Gyre finds out itself. */
export const PolicyCheck = strict({
  id: ItemId,
  check: oneOf(policyChecks, {
    description:
      'test_report: its gates passed; application_tests: the newest report passed; requirement: one of theirs passed; package: every byte is what its digest names',
  }),
  profile: Type.Optional(oneOf(testProfiles, { description: 'of application_tests; full: those of the long profile; default: any' })),
  requirement: Type.Optional(oneOf(requirementIds, { description: 'of check: requirement' })),
});
export type PolicyCheck = Static<typeof PolicyCheck>;

/** A question that somebody answers in writing. */
export const PolicyStatement = strict({
  id: ItemId,
  statement: Type.String({ minLength: 1, maxLength: 2000, description: 'the question' }),
  by: Role,
});
export type PolicyStatement = Static<typeof PolicyStatement>;

/** A document that somebody uploads. */
export const PolicyDocument = strict({
  id: ItemId,
  document: Type.String({ minLength: 1, maxLength: 2000, description: 'what it is to show' }),
  by: Role,
  mediaTypes: Type.Optional(Type.Array(Type.String({ pattern: '^[a-z]+/[a-z0-9.+-]+$' }), { minItems: 1, description: 'default: any' })),
});
export type PolicyDocument = Static<typeof PolicyDocument>;

export const PolicyItem = Type.Union([PolicyCheck, PolicyStatement, PolicyDocument]);
export type PolicyItem = Static<typeof PolicyItem>;

export const findingSeverities = ['low', 'medium', 'high', 'critical'] as const;
export type FindingSeverity = (typeof findingSeverities)[number];

const validFor = Type.Optional(Type.String({ description: 'how long it counts for new releases, such as 90d; default: for ever' }));

/** How far data may drift until decisions count no longer. */
export const DriftLine = strict({
  psi: Type.Number({
    exclusiveMinimum: 0,
    maximum: 100,
    description: 'population stability index of the input that moved most, among those that the window’s own test says have drifted',
  }),
  windows: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'in so many windows in a row; default 1' })),
});
export type DriftLine = Static<typeof DriftLine>;

const untilDrift = Type.Optional(
  Type.Unsafe<DriftLine>({
    ...DriftLine,
    description: 'it counts for new releases until drift crosses this line while the version serves; default: whatever drifts',
  }),
);

/** What a version needs before it comes to an environment, beside what every version needs. A published version of it never changes. */
export const ReleasePolicy = strict(
  {
    policy: Name,
    version: Type.Integer({ minimum: 1, description: 'a change is a new version' }),
    description: Type.Optional(Type.String({ maxLength: 4000 })),
    appliesTo: Type.Optional(
      strict({
        environments: Type.Optional(Type.Array(Name, { minItems: 1, description: 'default: every environment' })),
        risk: Type.Optional(
          Type.Array(oneOf(riskLevels), {
            minItems: 1,
            description: 'risk levels of the charter at which it holds by itself; default: where release.policy of gyre.yaml names it',
          }),
        ),
      }),
    ),
    stages: Type.Optional(
      Type.Array(strict({ name: Name, evidence: Type.Array(PolicyItem, { minItems: 1 }) }), {
        description: 'in order: what a later one asks for waits until the earlier one has all its evidence',
      }),
    ),
    certify: Type.Optional(strict({ role: oneOf(['qa']), validFor, untilDrift })),
    approve: Type.Optional(
      strict({
        role: oneOf(['approver']),
        people: Type.Optional(Type.Integer({ minimum: 1, maximum: 20, description: 'how many different people; default 1' })),
        validFor,
        untilDrift,
      }),
    ),
    findings: Type.Optional(
      strict({ block: oneOf(findingSeverities, { description: 'open findings of this severity and above keep a version back' }) }),
    ),
  },
  { title: 'Gyre release policy', description: 'what a version needs before it is released' },
);
export type ReleasePolicy = Static<typeof ReleasePolicy>;

/** A version of a policy, as decisions name it. */
export const PolicyReference = strict({ name: Name, version: Type.Integer(), digest: Digest });
export type PolicyReference = Static<typeof PolicyReference>;

/** A policy that holds for good. */
export const PublishedPolicy = strict({
  name: Name,
  version: Type.Integer(),
  digest: Type.String({ description: 'SHA-256 of its canonical JSON' }),
  policy: ReleasePolicy,
  builtIn: Type.Boolean({ description: 'what holds where no other does' }),
  publishedBy: Type.Optional(Actor),
  publishedAt: Type.Optional(Instant),
});
export type PublishedPolicy = Static<typeof PublishedPolicy>;
