import { Type, type Static } from 'typebox';
import { Actor, Check, Digest, Id, Instant, Name, oneOf, strict } from './common.ts';
import { SignedManifest } from './release.ts';

/** Which manifest an environment is to serve. Its revision only grows: what is older than what an agent has seen is a replay. */
export const DesiredState = strict({
  format: Type.Literal('gyre.desired.v1'),
  environment: Name,
  revision: Type.Integer({ minimum: 1 }),
  manifest: Type.Union([Digest, Type.Null()], { description: 'SHA-256 of the signed manifest; null: nothing is to be served' }),
  issuedAt: Instant,
});
export type DesiredState = Static<typeof DesiredState>;

/** A desired state with the installation’s Ed25519 signature over its canonical bytes (base64). */
export const SignedDesiredState = strict({ desired: DesiredState, keyId: Type.String(), signature: Type.String() });
export type SignedDesiredState = Static<typeof SignedDesiredState>;

/** What an agent is answered that asks what to serve; without members nothing was ever released there. */
export const DesiredAnswer = strict({ state: Type.Optional(SignedDesiredState), manifest: Type.Optional(SignedManifest) });
export type DesiredAnswer = Static<typeof DesiredAnswer>;

const Words = Type.String({ maxLength: 2000 });

/** What an agent says of itself and its machine. */
export const AgentReport = strict({
  at: Type.Unsafe<string>({ ...Instant, description: 'by the clock of its machine' }),
  doing: oneOf(['waiting', 'checking', 'fetching', 'switching'], { description: 'what it is at just now' }),
  serving: Type.Optional(
    strict({
      manifest: Digest,
      generation: Type.Integer({ minimum: 1 }),
      since: Instant,
      models: Type.Array(Type.String({ maxLength: 400 }), { maxItems: 100 }),
    }),
  ),
  refused: Type.Optional(strict({ revision: Type.Integer({ minimum: 1 }), reason: Words, at: Instant })),
  checks: Type.Optional(
    Type.Array(Check, { maxItems: 200, description: 'what was found of its machine before the last switch that it looked at' }),
  ),
  plane: Type.Optional(
    strict(
      {
        address: Type.String({ maxLength: 300 }),
        ready: Type.Boolean(),
        inFlight: Type.Integer({ minimum: 0 }),
        requests: Type.Integer({ minimum: 0 }),
        errors: Type.Integer({ minimum: 0 }),
        memoryBytes: Type.Integer({ minimum: 0, description: 'that its models take' }),
        segments: Type.Optional(Type.Integer({ minimum: 0, description: 'parts of the prediction log that wait to be sent' })),
      },
      { description: 'absent while it does not run' },
    ),
  ),
  host: strict({
    name: Type.String({ maxLength: 300 }),
    platform: Type.String({ maxLength: 100 }),
    cpus: Type.Integer({ minimum: 1 }),
    memoryMiB: Type.Integer({ minimum: 0 }),
    gyre: Type.String({ maxLength: 100 }),
    onnxruntime: Type.String({ maxLength: 100 }),
  }),
});
export type AgentReport = Static<typeof AgentReport>;

export const agentStates = ['in step', 'behind', 'refused', 'silent', 'never seen', 'revoked'] as const;
export type AgentStateWord = (typeof agentStates)[number];

/** A process on another machine that makes one environment’s desired state true there. */
export const Agent = strict({
  id: Id,
  name: Name,
  environment: Name,
  identity: Id,
  enrolledAt: Instant,
  enrolledBy: Actor,
  revokedAt: Type.Optional(Instant),
  lastSeenAt: Type.Optional(Type.Unsafe<string>({ ...Instant, description: 'by the clock of the platform' })),
  state: oneOf(agentStates),
  why: Type.Optional(Type.String({ description: 'what differs from the desired state, or the reason of a refusal' })),
  report: Type.Optional(AgentReport),
});
export type Agent = Static<typeof Agent>;

/** When an agent came from one state to another; the newest 200 are kept. */
export const AgentChange = strict({ at: Instant, state: oneOf(agentStates), why: Type.Optional(Type.String()) });
export type AgentChange = Static<typeof AgentChange>;

export const AgentDetail = strict({ ...Agent.properties, changes: Type.Array(AgentChange) });
export type AgentDetail = Static<typeof AgentDetail>;

/** What an enrolment gives, once: the token, and the key that everything is checked against which the agent is told. */
export const EnrolledAgent = strict({
  agent: Agent,
  token: Type.String(),
  key: Type.String({ description: 'the installation’s Ed25519 public key: SPKI, DER, base64' }),
});
export type EnrolledAgent = Static<typeof EnrolledAgent>;

/** The file that is carried to the agent’s machine. */
export const Enrolment = strict({
  format: Type.Literal('gyre.enrolment.v1'),
  agent: Name,
  environment: Name,
  server: Type.String({ pattern: '^https?://\\S+$' }),
  token: Type.String({ pattern: '^gyre_[A-Za-z0-9_-]{43}$' }),
  key: Type.String({ minLength: 40, maxLength: 200 }),
});
export type Enrolment = Static<typeof Enrolment>;
