/** What happened to releases: part of `EventData`. */
export interface ReleaseEventData {
  'deployment.started': { id: string; environment: string; generation: number; modelVersion: string };
  'deployment.live': { id: string; environment: string; generation: number; modelVersion: string; manifest: string };
  'deployment.failed': { id: string; environment: string; modelVersion: string; error: string };
  'deployment.rolled_back': { id: string; environment: string; modelVersion: string; to: string };
  'rollout.started': { id: string; environment: string; modelVersion: string; stable: string; strategy: string };
  'rollout.stepped': { id: string; environment: string; modelVersion: string; step: number; weight: number; generation: number };
  'rollout.paused': { id: string; environment: string; modelVersion: string; why: string };
  'rollout.resumed': { id: string; environment: string; modelVersion: string };
  'rollout.promoted': { id: string; environment: string; modelVersion: string; generation: number };
  'rollout.rolled_back': { id: string; environment: string; modelVersion: string; to: string; why: string };
  'rollout.aborted': { id: string; environment: string; modelVersion: string; why: string };
  'application_test.started': { id: string; environment: string; profile: string };
  'application_test.ended': { id: string; environment: string; state: string; modelVersion?: string; error?: string };
  'application_test.finished': { id: string; digest: string; modelVersion: string; environment: string; passed: boolean };
  'certification.given': { id: string; modelVersion: string; report: string; verdict: string };
  'approval.given': { id: string; modelVersion: string; environment: string; verdict: string };
  'revocation.given': { id: string; modelVersion: string; package: string };
  'revocation.unmet': { modelVersion: string; environment: string; reason: string };
  'release_policy.published': { name: string; version: number; digest: string };
  'attestation.given': { id: string; modelVersion: string; item: string; policy: string };
  'finding.added': { id: string; modelVersion: string; severity: string; owner: string };
  'finding.overdue': { id: string; modelVersion: string; severity: string; owner: string; dueAt: string };
  'finding.ended': { id: string; modelVersion: string; severity: string; state: string };
  'sign_off.wanted': {
    what: string;
    text: string;
    modelVersion: string;
    environment?: string;
    role?: string;
    owner?: string;
    notBy?: string[];
  };
  'sign_off.expired': { deployment: string; environment: string; modelVersion: string; expiredAt: string };
  'desired_state.set': { environment: string; revision: number; manifest: string | null };
  'agent.enrolled': { id: string; name: string; environment: string };
  'agent.revoked': { id: string; name: string; environment: string };
  'agent.changed': { id: string; name: string; environment: string; state: string; why?: string };
  'gate.refused': { gate: string; modelVersion: string; environment: string; attempted: string; message: string };
}
