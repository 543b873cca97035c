import type { JSX } from 'preact';
import type { Deployment, EnvironmentState } from '#contract';
import { send } from '../lib/api.ts';
import { percent } from '../lib/format.ts';
import { recordPath } from '../lib/records.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { versionName } from '../lib/versions.ts';
import { Action } from '../parts/action.tsx';
import { Card, Facts, Load, Page } from '../parts/page.tsx';
import { State } from '../parts/state.tsx';
import { Command, Copy, DigestText, RecordRef, When } from '../parts/values.tsx';
import { VersionRef } from '../parts/version-ref.tsx';
import { AgentsOf } from './agents.tsx';
import { ChecksOf } from './machine-checks.tsx';

/** Where versions run: the data plane of each environment, what is live, and the way back. */
export function EnvironmentsPage(): JSX.Element {
  const environments = useResource<PageOf<EnvironmentState>>('environments', ['deployment.', 'revocation.', 'agent.', 'desired_state.']);
  const deployments = useResource<PageOf<Deployment>>('deployments?limit=500', ['deployment.']);
  return (
    <Page
      title="Environments"
      truth={
        <p>
          Each environment has a data plane of its own, which answers predictions and knows nothing but its signed manifest: here, or where
          agents run it.
        </p>
      }
    >
      <Load of={environments} what="The environments">
        {({ items }) => (
          <div class="cards">
            {items.map((environment) => (
              <EnvironmentCard
                key={environment.name}
                environment={environment}
                deployments={(deployments.data?.items ?? []).filter((one) => one.environment === environment.name)}
              />
            ))}
          </div>
        )}
      </Load>
    </Page>
  );
}

function EnvironmentCard({
  environment,
  deployments,
}: {
  readonly environment: EnvironmentState;
  readonly deployments: readonly Deployment[];
}): JSX.Element {
  const { name, live, address, grpcAddress, endpoint } = environment;
  const before = deployments.find((one) => one.id !== live?.id && one.state === 'superseded');
  return (
    <Card
      title={name}
      wide
      aside={
        environment.problem !== undefined ? (
          <State tone="bad">to be replaced</State>
        ) : environment.expired === true ? (
          <State tone="warn">expired</State>
        ) : environment.agents !== undefined ? (
          <AgentsStand agents={environment.agents} isLive={live !== undefined} />
        ) : environment.ready ? (
          <State tone="good">answers</State>
        ) : (
          <State tone={live === undefined ? 'off' : 'bad'}>{live === undefined ? 'nothing live' : 'does not answer'}</State>
        )
      }
    >
      {environment.problem !== undefined && <p class="problem">{environment.problem}</p>}
      {environment.expiredBy !== undefined && (
        <p class="problem">The decisions that it was released on count no longer: {environment.expiredBy}</p>
      )}
      <Facts
        facts={[
          ['Endpoint', endpoint],
          ['Live', live === undefined ? 'nothing' : <VersionRef id={live.modelVersion} />],
          live?.traffic === undefined
            ? undefined
            : [
                'Beside it',
                <a href={recordPath('rollout', live.traffic.rollout)}>
                  {live.traffic.beside.map(({ modelVersion, weight }) => `${versionName(modelVersion)} (${percent(weight, 0)})`).join(', ')}
                </a>,
              ],
          live === undefined ? undefined : ['Since', <When at={live.deployedAt} />],
          environment.expiresAt === undefined ? undefined : ['Signed off until', <When at={environment.expiresAt} />],
          environment.policy === undefined
            ? undefined
            : [
                'Policy',
                <a
                  href={`/policies?policy=${encodeURIComponent(`${environment.policy.name}/${environment.policy.version}`)}`}
                >{`${environment.policy.name}/${environment.policy.version}`}</a>,
              ],
          live === undefined
            ? undefined
            : [
                'Generation',
                <RecordRef kind="deployment" id={live.id}>
                  {live.generation}
                </RecordRef>,
              ],
          live?.manifest === undefined ? undefined : ['Manifest', <DigestText digest={live.manifest} />],
          environment.agents !== undefined
            ? ['Desired', environment.agents.since === undefined ? 'nothing yet' : <When at={environment.agents.since} />]
            : [
                'Address',
                address === undefined ? (
                  'its data plane does not run'
                ) : (
                  <span class="copyable">
                    <code>{address}</code>
                    <Copy text={address} what="address" />
                  </span>
                ),
              ],
          grpcAddress === undefined
            ? undefined
            : [
                'gRPC',
                <span class="copyable">
                  <code>{grpcAddress}</code>
                  <Copy text={grpcAddress} what="gRPC address" />
                </span>,
              ],
          address === undefined ? undefined : ['Open Inference', <Command>{`curl ${address}/v2/models/${endpoint}`}</Command>],
        ]}
      />
      {environment.agents !== undefined && <AgentsOf environment={name} />}
      <ChecksOf deployment={live} />
      {live !== undefined && (
        <div class="actions">
          <Action
            label={`Roll ${name} back`}
            permission="release"
            missing={before === undefined ? [`no earlier version was live in ${name}`] : []}
            explain={
              <p>
                {name} goes back
                {before === undefined ? '' : ` from ${versionName(live.modelVersion)} to ${versionName(before.modelVersion)}`}. No request
                is dropped; the version that goes stays registered.
              </p>
            }
            statement={{ label: 'Reason', hint: 'What is wrong? It is kept with the deployment.' }}
            confirmWord={name}
            act={(reason) => send('POST', `environments/${encodeURIComponent(name)}/rollback`, { reason })}
          />
        </div>
      )}
    </Card>
  );
}

function AgentsStand({
  agents: { enrolled, inStep },
  isLive,
}: {
  readonly agents: NonNullable<EnvironmentState['agents']>;
  readonly isLive: boolean;
}): JSX.Element {
  if (!isLive) return <State tone="off">nothing live</State>;
  const tone = inStep === enrolled && enrolled > 0 ? 'good' : inStep > 0 ? 'warn' : 'waiting';
  return <State tone={tone}>{`${inStep} of ${enrolled} agents in step`}</State>;
}
