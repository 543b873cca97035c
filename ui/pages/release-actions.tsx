import type { JSX } from 'preact';
import { executesCode } from '#contract';
import type { ApplicationTestReport, EnvironmentState, ModelVersion, Readiness } from '#contract';
import { send } from '../lib/api.ts';
import { shortDigest } from '../lib/format.ts';
import { recordPath } from '../lib/records.ts';
import { navigate } from '../lib/router.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { Action } from '../parts/action.tsx';
import { State } from '../parts/state.tsx';

export const releaseKinds = [
  'deployment.',
  'application_test.',
  'certification.',
  'approval.',
  'revocation.',
  'attestation.',
  'finding.',
  'release_policy.',
  'model_version.',
  'test_report.',
];

/** What stands between a version and an environment. */
export function useReadiness(modelVersion: string, environment: string): Readiness | undefined {
  return useResource<Readiness>(
    `readiness?modelVersion=${encodeURIComponent(modelVersion)}&environment=${encodeURIComponent(environment)}`,
    releaseKinds,
  ).data;
}

/** What a version lacks for an environment, in words. */
export function ReadinessText({ readiness }: { readonly readiness: Readiness }): JSX.Element {
  const marked = readiness.executesCodeOnLoad === true && <State tone="warn">{executesCode}</State>;
  if (readiness.ready)
    return (
      <>
        <State tone="good">ready for {readiness.environment}</State> {marked}
      </>
    );
  return (
    <div>
      <State tone="waiting">not ready for {readiness.environment}</State> {marked}
      <ul class="missing">
        {readiness.missing.map(({ gate, reason }) => (
          <li key={gate + reason}>{reason}</li>
        ))}
      </ul>
    </div>
  );
}

/** The steps from a version to each environment, as buttons; each says what is missing. */
export function VersionActions({ version }: { readonly version: ModelVersion }): JSX.Element {
  const environments = useResource<PageOf<EnvironmentState>>('environments', ['deployment.', 'release_policy.', 'project.loaded']);
  return (
    <>
      {environments.data?.items.map((environment) => (
        <EnvironmentActions key={environment.name} version={version} environment={environment} approvals={environment.approvals ?? 0} />
      ))}
    </>
  );
}

function EnvironmentActions({
  version,
  environment,
  approvals,
}: {
  readonly version: ModelVersion;
  readonly environment: EnvironmentState;
  readonly approvals: number;
}): JSX.Element {
  const { name } = environment;
  const readiness = useReadiness(version.id, name);
  const isLive = environment.live?.modelVersion === version.id;
  const missing = readiness?.missing ?? [];
  const explain = <WhatGoes version={version} environment={environment} />;
  return (
    <div class="action-group">
      <span class="action-group-name">{name}</span>
      {isLive && <State tone="good">live here</State>}
      {approvals === 0 ? (
        <>
          {!isLive && (
            <Action
              label={`Deploy to ${name}`}
              permission="deploy"
              missing={missing.map(({ reason }) => reason)}
              explain={explain}
              statement={{ label: 'Reason', hint: 'Why now? It is kept with the deployment.' }}
              act={(reason) => send('POST', `environments/${name}/deploy`, { modelVersion: version.id, reason })}
            />
          )}
          <Action
            label="Run application tests"
            permission="deploy"
            missing={isLive ? [] : [`this version is not live in ${name}`]}
            explain={
              <p>Known inputs, repeats, bad input, accuracy and load, over HTTP against the data plane of {name}. It takes some seconds.</p>
            }
            act={async () => {
              const report = await send<ApplicationTestReport>('POST', `environments/${name}/tests`);
              navigate(recordPath('application_test', report.id));
            }}
          />
          <Action
            label="Run all application tests"
            permission="deploy"
            missing={isLive ? [] : [`this version is not live in ${name}`]}
            explain={
              <p>
                As the quick ones, and on data planes that are started beside {name} for it: start-up, memory, a soak, saturation, and
                production on the same requests. It takes minutes; this page shows how far they are.
              </p>
            }
            act={() => send('POST', 'application-test-runs', { environment: name, profile: 'full' })}
          />
        </>
      ) : isLive && environment.expired !== true ? null : (
        <>
          <Action
            label={`Approve for ${name}`}
            permission="approve"
            missing={missing.filter(({ gate }) => !/approv/i.test(gate)).map(({ reason }) => reason)}
            explain={explain}
            statement={{ label: 'Statement', hint: 'What was looked at, and why it may go. It is kept with the approval.' }}
            act={(statement) => send('POST', 'approvals', { modelVersion: version.id, environment: name, verdict: 'approved', statement })}
          />
          <Action
            label={`Refuse for ${name}`}
            permission="approve"
            explain={explain}
            statement={{ label: 'Statement', hint: 'Why it may not go. It is kept.' }}
            act={(statement) => send('POST', 'approvals', { modelVersion: version.id, environment: name, verdict: 'refused', statement })}
          />
          <Action
            label={`Release to ${name}`}
            permission="release"
            primary
            missing={missing.map(({ reason }) => reason)}
            explain={explain}
            statement={{ label: 'Reason', hint: 'Why now? It is kept with the deployment.' }}
            confirmWord={name}
            act={(reason) => send('POST', `environments/${name}/release`, { modelVersion: version.id, reason })}
          />
        </>
      )}
    </div>
  );
}

/** What exactly goes where, with its evidence: shown before anything that cannot be taken back. */
function WhatGoes({ version, environment }: { readonly version: ModelVersion; readonly environment: EnvironmentState }): JSX.Element {
  return (
    <>
      <p>
        <b>
          {version.model} version {version.version}
        </b>{' '}
        to <b>{environment.name}</b>, endpoint {environment.endpoint}.
      </p>
      {version.executesCodeOnLoad === true && (
        <p>
          <State tone="warn">{executesCode}</State>: it has no ONNX graph, and a Python process runs code that came in its files.
        </p>
      )}
      <p>
        Package <code>{version.package === undefined ? 'none' : shortDigest(version.package)}</code>
        {version.testReport !== undefined && (
          <>
            ; <a href={recordPath('test_report', version.testReport)}>test report</a> {version.testsPassed ? 'passed' : 'failed'}
          </>
        )}
        .
      </p>
      <p>
        {environment.live === undefined
          ? 'Nothing is live there now.'
          : `Generation ${environment.live.generation} is live there now and is kept for rollback.`}
      </p>
    </>
  );
}
