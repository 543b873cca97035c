import { rolesWith } from '#access';
import type { Permission, Waiting } from '#contract';
import type { LoopFacts } from './facts.ts';
import { capital } from './deploy-stations.ts';

const whatOfGate: Readonly<Record<string, { readonly what: Waiting['what']; readonly permission: Permission }>> = {
  application_tests: { what: 'application_tests', permission: 'deploy' },
  certification: { what: 'certification', permission: 'certify' },
  approval: { what: 'approval', permission: 'approve' },
};

/** What waits for a person, the next step of each matter first. */
export function waitingOf(facts: LoopFacts): readonly Waiting[] {
  return [...waitingForRelease(facts), ...waitingForLabels(facts), ...waitingAlerts(facts)];
}

/** The next step of the version that is on its way: the first environment that it has not reached. */
function waitingForRelease({ version, environments, readiness, applicationTest, isChallenger, model }: LoopFacts): readonly Waiting[] {
  const target = environments.at(-1);
  if (version === undefined || target === undefined || (!isChallenger && target.live?.modelVersion === version.id)) return [];
  const name = `${model} version ${version.version}`;
  const record = { kind: 'model_version' as const, id: version.id, path: `${encodeURIComponent(version.model)}/${version.version}` };
  for (const [index, environment] of environments.entries()) {
    if (environment.live?.modelVersion === version.id) continue;
    const missing = readiness[index]?.missing ?? [];
    const [gate] = missing;
    if (gate === undefined) {
      const permission = environment === target ? 'release' : 'deploy';
      const text = `${name} can be ${permission === 'release' ? 'released' : 'deployed'} to ${environment.name}`;
      return [{ what: 'release', text, record, environment: environment.name, ...roleOf(permission) }];
    }
    const known = whatOfGate[gate.gate];
    if (known === undefined) return [];
    const about =
      known.what === 'certification' && applicationTest !== undefined
        ? { kind: 'application_test' as const, id: applicationTest.id }
        : record;
    return [{ what: known.what, text: capital(gate.reason), record: about, environment: environment.name, ...roleOf(known.permission) }];
  }
  return [];
}

function waitingForLabels({ actions }: LoopFacts): readonly Waiting[] {
  return actions
    .filter(({ state, kind }) => state === 'waiting' && kind === 'retrain')
    .map(({ id, reason }) => ({ what: 'labels', text: `A retraining waits for labels: ${reason}`, record: { kind: 'action', id } }));
}

function waitingAlerts({ alerts }: LoopFacts): readonly Waiting[] {
  return alerts
    .filter(({ state }) => state === 'open')
    .map(({ id, title, environment }) => ({
      what: 'alert',
      text: title,
      record: { kind: 'alert', id },
      environment,
      ...roleOf('operate'),
    }));
}

function roleOf(permission: Permission): { readonly role?: string } {
  const [role] = rolesWith(permission);
  return role === undefined ? {} : { role };
}
