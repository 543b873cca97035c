import type { ResolvedProject } from '#project';
import type { ReleaseSettings } from '#release';

/** What releases go by, of a project: how its members under `serve` come into manifests. */
export function releaseSettingsOf({
  environments,
  serve,
  applicationTests,
  test,
  charter,
  releasePolicy,
}: ResolvedProject): ReleaseSettings {
  const { endpoint, log, execution, explainTimeoutMs, outliers: _outliers, python: _python, batch: _batch, ...limits } = serve;
  return {
    environments,
    rollouts: Object.fromEntries(environments.flatMap(({ name, roll }) => (roll === undefined ? [] : [[name, roll]]))),
    endpoint,
    risk: charter.risk,
    ...(releasePolicy === undefined ? {} : { policy: releasePolicy }),
    limits,
    ...(log === undefined ? {} : { log }),
    ...(execution === undefined ? {} : { execution }),
    ...(explainTimeoutMs === undefined ? {} : { explainTimeoutMs }),
    ...applicationTests,
    slices: test.slices,
    groupGates: test.gates.flatMap(({ from, by, text }) => (from === 'test' && by !== undefined ? [text] : [])),
  };
}
