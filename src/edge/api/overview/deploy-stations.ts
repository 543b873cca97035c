import type { Figure, Station } from '#contract';
import type { LoopFacts } from './facts.ts';
import { counted } from './words.ts';

export function certificateStation(facts: LoopFacts): Station {
  const { version, certification, applicationTest } = facts;
  const figures = applicationTest === undefined ? [] : testFigures(applicationTest);
  const record = applicationTest === undefined ? {} : { record: { kind: 'application_test' as const, id: applicationTest.id } };
  if (version === undefined) {
    return { station: 'certificate', state: 'off', title: 'Nothing to certify', detail: 'No version is registered.', figures: [] };
  }
  if (applicationTest === undefined) {
    const title = `version ${version.version} is untested in operation`;
    return { station: 'certificate', state: 'waiting', title, detail: 'Its application tests have not been run.', figures };
  }
  if (!applicationTest.passed) {
    const failed = applicationTest.checks.filter(({ passed }) => !passed);
    return {
      station: 'certificate',
      state: 'bad',
      title: `${counted(failed.length, 'application test')} failed`,
      detail: failed.map(({ message }) => message).join(' '),
      ...record,
      figures,
      at: applicationTest.endedAt,
      by: applicationTest.startedBy,
    };
  }
  if (certification === undefined || certification.reportDigest !== applicationTest.digest) {
    return {
      station: 'certificate',
      state: 'waiting',
      title: `version ${version.version} is not certified`,
      detail: `All ${counted(applicationTest.checks.length, 'application test')} passed; a QA expert’s word is missing.`,
      ...record,
      figures,
      at: applicationTest.endedAt,
      by: applicationTest.startedBy,
    };
  }
  return {
    station: 'certificate',
    state: certification.verdict === 'certified' ? 'good' : 'bad',
    title: `version ${version.version} ${certification.verdict === 'certified' ? 'is certified' : 'was refused'}`,
    detail: certification.statement,
    ...record,
    figures,
    at: certification.certifiedAt,
    by: certification.certifiedBy,
  };
}

function testFigures({ checks, load, accuracy }: NonNullable<LoopFacts['applicationTest']>): Figure[] {
  const passed = checks.filter((check) => check.passed).length;
  return [
    { name: 'checks_passed', value: passed, threshold: `= ${checks.length}`, good: passed === checks.length },
    ...(load === undefined
      ? []
      : [
          { name: 'latency_p99', value: load.p99Ms, unit: 'ms' },
          { name: 'requests_per_second', value: load.ratePerSecond },
        ]),
    ...Object.entries(accuracy?.metrics ?? {})
      .slice(0, 2)
      .map(([name, value]) => ({ name, value })),
  ];
}

export function releaseStation(facts: LoopFacts): Station {
  const { version, deployment, environments, readiness, isChallenger } = facts;
  const target = environments.at(-1);
  if (target === undefined || version === undefined) {
    return { station: 'release', state: 'off', title: 'Nothing released', detail: 'No version is registered.', figures: [] };
  }
  const record = deployment === undefined ? {} : { record: { kind: 'deployment' as const, id: deployment.id } };
  const facing = {
    station: 'release' as const,
    ...record,
    figures: [],
    ...(deployment === undefined ? {} : { at: deployment.deployedAt, by: deployment.deployedBy }),
  };
  if (deployment?.state === 'rolling') {
    return { ...facing, state: 'waiting', title: `${target.name} is being switched`, detail: deployment.reason };
  }
  const missing = readiness.at(-1)?.missing ?? [];
  if (isChallenger || target.live === undefined) {
    const blocked = missing.some(({ gate }) => gate === 'test_report');
    const detail =
      missing.length === 0
        ? `Every gate is passed: it can be released to ${target.name}.`
        : missing.map(({ reason }) => `${capital(reason)}.`).join(' ');
    return { ...facing, state: blocked ? 'off' : 'waiting', title: `version ${version.version} is not in ${target.name}`, detail };
  }
  if (deployment?.state === 'failed') {
    return {
      ...facing,
      state: 'warn',
      title: `The last switch of ${target.name} failed`,
      detail: `${capital(target.name)} goes on with what it had. ${deployment.reason}`,
    };
  }
  const live = target.live;
  return {
    ...facing,
    state: 'good',
    title: `${live.modelVersion === version.id ? `version ${version.version}` : 'another version'} is in ${target.name}`,
    detail: live.reason,
    record: { kind: 'deployment', id: live.id },
    figures: [
      { name: 'generation', value: live.generation },
      { name: 'approvals', value: live.approvals.length },
    ],
    at: live.deployedAt,
    by: live.deployedBy,
  };
}

export function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1).replace(/\.$/, '');
}
