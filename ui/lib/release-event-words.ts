import type { EventKind } from '#contract';
import type { Words } from './event-words.ts';
import { percent } from './format.ts';
import { recordPath } from './records.ts';

type OfReleases = Extract<
  EventKind,
  `${'agent' | 'application_test' | 'approval' | 'attestation' | 'certification' | 'deployment' | 'desired_state' | 'finding' | 'gate' | 'release_policy' | 'revocation' | 'rollout' | 'sign_off'}.${string}`
>;

/** What happens on a version’s way to production. */
export const releaseWords: Pick<Words, OfReleases> = {
  'deployment.started': (d) => ({
    part: 'deploy',
    text: `${d.environment} switches to generation ${d.generation}`,
    href: recordPath('deployment', d.id),
    tone: 'waiting',
  }),
  'deployment.live': (d) => ({
    part: 'deploy',
    text: `generation ${d.generation} is live in ${d.environment}`,
    href: recordPath('deployment', d.id),
    tone: 'good',
  }),
  'deployment.failed': (d) => ({
    part: 'deploy',
    text: `deployment to ${d.environment} failed: ${d.error}`,
    href: recordPath('deployment', d.id),
    tone: 'bad',
  }),
  'deployment.rolled_back': (d) => ({
    part: 'deploy',
    text: `${d.environment} rolled back`,
    href: recordPath('deployment', d.id),
    tone: 'warn',
  }),
  'desired_state.set': (d) => ({
    part: 'deploy',
    text: d.manifest === null ? `agents of ${d.environment} are to serve nothing` : `agents of ${d.environment} are told what to serve`,
    href: '/environments',
    tone: 'waiting',
  }),
  'agent.enrolled': (d) => ({ part: 'deploy', text: `agent ${d.name} enrolled for ${d.environment}`, href: '/environments' }),
  'agent.revoked': (d) => ({ part: 'deploy', text: `agent ${d.name} of ${d.environment} revoked`, href: '/environments', tone: 'warn' }),
  'agent.changed': (d) => ({
    part: 'deploy',
    text: `agent ${d.name} of ${d.environment} is ${d.state}${d.why === undefined ? '' : `: ${d.why}`}`,
    href: '/environments',
    tone: d.state === 'in step' ? 'good' : d.state === 'refused' ? 'bad' : 'warn',
  }),
  'rollout.started': (d) => ({
    part: 'deploy',
    text: `a ${d.strategy} rollout to ${d.environment} begun`,
    href: recordPath('rollout', d.id),
    tone: 'waiting',
  }),
  'rollout.stepped': (d) => ({
    part: 'deploy',
    text: d.weight === 0 ? `a shadow is asked in ${d.environment}` : `${percent(d.weight)} of ${d.environment} goes to the new version`,
    href: recordPath('rollout', d.id),
    tone: 'waiting',
  }),
  'rollout.paused': (d) => ({
    part: 'deploy',
    text: `the rollout to ${d.environment} is paused: ${d.why}`,
    href: recordPath('rollout', d.id),
    tone: 'warn',
  }),
  'rollout.resumed': (d) => ({ part: 'deploy', text: `the rollout to ${d.environment} goes on`, href: recordPath('rollout', d.id) }),
  'rollout.promoted': (d) => ({
    part: 'deploy',
    text: `the new version has all of ${d.environment}`,
    href: recordPath('rollout', d.id),
    tone: 'good',
  }),
  'rollout.rolled_back': (d) => ({
    part: 'deploy',
    text: `the rollout to ${d.environment} was rolled back: ${d.why}`,
    href: recordPath('rollout', d.id),
    tone: 'bad',
  }),
  'rollout.aborted': (d) => ({
    part: 'deploy',
    text: `the rollout to ${d.environment} could not begin: ${d.why}`,
    href: recordPath('rollout', d.id),
    tone: 'bad',
  }),
  'application_test.started': (d) => ({ part: 'deploy', text: `application tests in ${d.environment} begun (${d.profile})` }),
  'application_test.ended': (d) => ({
    part: 'deploy',
    text: `application tests in ${d.environment} ${d.state}${d.error === undefined ? '' : `: ${d.error}`}`,
    ...(d.state === 'failed' ? { tone: 'bad' } : {}),
  }),
  'application_test.finished': (d) => ({
    part: 'deploy',
    text: `application tests in ${d.environment} ${d.passed ? 'passed' : 'failed'}`,
    href: recordPath('application_test', d.id),
    tone: d.passed ? 'good' : 'bad',
  }),
  'certification.given': (d) => ({
    part: 'deploy',
    text: `certification: ${d.verdict}`,
    href: recordPath('application_test', d.report),
    tone: d.verdict === 'certified' ? 'good' : 'bad',
  }),
  'approval.given': (d) => ({
    part: 'deploy',
    text: `approval for ${d.environment}: ${d.verdict}`,
    href: recordPath('model_version', d.modelVersion),
    tone: d.verdict === 'approved' ? 'good' : 'bad',
  }),
  'revocation.given': (d) => ({
    part: 'deploy',
    text: 'a model version revoked: no environment accepts it any more',
    href: recordPath('model_version', d.modelVersion),
    tone: 'bad',
  }),
  'revocation.unmet': (d) => ({
    part: 'deploy',
    text: `${d.environment} still serves what was revoked: ${d.reason}`,
    href: recordPath('model_version', d.modelVersion),
    tone: 'bad',
  }),
  'release_policy.published': (d) => ({
    part: 'govern',
    text: `release policy ${d.name}/${d.version} published`,
    href: `/policies?policy=${encodeURIComponent(`${d.name}/${d.version}`)}`,
  }),
  'attestation.given': (d) => ({
    part: 'deploy',
    text: `${d.item} of policy ${d.policy} answered`,
    href: recordPath('model_version', d.modelVersion),
  }),
  'finding.added': (d) => ({
    part: 'deploy',
    text: `finding (${d.severity}) on a model version`,
    href: recordPath('model_version', d.modelVersion),
    tone: 'warn',
  }),
  'finding.overdue': (d) => ({
    part: 'deploy',
    text: `a finding (${d.severity}) is open after its due date`,
    href: recordPath('model_version', d.modelVersion),
    tone: 'bad',
  }),
  'finding.ended': (d) => ({
    part: 'deploy',
    text: `finding (${d.severity}) ${d.state}`,
    href: recordPath('model_version', d.modelVersion),
    tone: 'good',
  }),
  'sign_off.wanted': (d) => ({ part: 'deploy', text: `waits: ${d.text}`, href: '/waiting', tone: 'waiting' }),
  'sign_off.expired': (d) => ({
    part: 'deploy',
    text: `what ${d.environment} serves was signed off until ${d.expiredAt}`,
    href: recordPath('model_version', d.modelVersion),
    tone: 'warn',
  }),
  'gate.refused': (d) => ({
    part: 'deploy',
    text: `gate “${d.gate}” refused ${d.attempted} in ${d.environment}: ${d.message}`,
    href: recordPath('model_version', d.modelVersion),
    tone: 'warn',
  }),
};
