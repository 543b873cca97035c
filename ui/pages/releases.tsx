import type { JSX } from 'preact';
import type { Approval, Deployment, EnvironmentState } from '#contract';
import { recordPath } from '../lib/records.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { queryValue } from '../lib/router.ts';
import { versionName, versions } from '../lib/versions.ts';
import { Card, Empty, Load, Page } from '../parts/page.tsx';
import { State, WordState } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { Command, When, Who } from '../parts/values.tsx';
import { VersionRef } from '../parts/version-ref.tsx';
import { CompareWithLive } from './compare-release.tsx';
import { DeploymentCard } from './deployment-card.tsx';
import { RolloutsCard } from './rollouts-card.tsx';
import { ReadinessText, releaseKinds, useReadiness, VersionActions } from './release-actions.tsx';

/** What is live where, what may go next, and every deployment so far. */
export function ReleasesPage(): JSX.Element {
  const environments = useResource<PageOf<EnvironmentState>>('environments', ['deployment.']);
  const deployments = useResource<PageOf<Deployment>>('deployments?limit=500', ['deployment.']);
  const approvals = useResource<PageOf<Approval>>('approvals?limit=500', releaseKinds);
  const chosen = queryValue('deployment');
  const record = deployments.data?.items.find(({ id }) => id === chosen);
  const candidate =
    versions.value?.find(({ aliases }) => aliases.includes('candidate')) ?? versions.value?.toSorted((a, b) => b.version - a.version)[0];
  return (
    <Page
      title="Releases"
      truth={
        <Load of={environments} what="The environments">
          {({ items }) => (
            <p>
              {items.map(({ name, live }) => (
                <span key={name} class="truth-part">
                  <b>{name}</b>{' '}
                  {live === undefined ? (
                    <State tone="off">nothing live</State>
                  ) : (
                    <State tone="good">{versionName(live.modelVersion)}</State>
                  )}
                  {live?.traffic !== undefined && (
                    <>
                      {' '}
                      <a href={recordPath('rollout', live.traffic.rollout)}>
                        <State tone="waiting">
                          {live.traffic.beside.map(({ modelVersion }) => versionName(modelVersion)).join(', ')} beside it
                        </State>
                      </a>
                    </>
                  )}
                </span>
              ))}
            </p>
          )}
        </Load>
      }
    >
      <div class="cards">
        {record !== undefined && <DeploymentCard deployment={record} />}
        {candidate !== undefined && (
          <Card
            title={`Next: ${candidate.model} version ${candidate.version}`}
            wide
            says="What the newest version still lacks for each environment. Author, certifier and approver are three different people."
          >
            <div class="readiness">
              {environments.data?.items.map(({ name }) => (
                <ReadinessOf key={name} modelVersion={candidate.id} environment={name} />
              ))}
            </div>
            <div class="actions">
              <CompareWithLive version={candidate} />
              <VersionActions version={candidate} />
            </div>
          </Card>
        )}
        <RolloutsCard />
        <Card title="Deployments" wide>
          <Load of={deployments} what="The deployments">
            {({ items }) =>
              items.length === 0 ? (
                <Empty title="Nothing has been deployed.">
                  <Command>gyre release test</Command> deploys the candidate to the test environment and runs the application tests.
                </Empty>
              ) : (
                <Table
                  name="deployments"
                  caption="Deployments"
                  rows={items}
                  rowKey={({ id }) => id}
                  href={({ id }) => recordPath('deployment', id)}
                  marked={({ id }) => id === chosen}
                  columns={[
                    {
                      key: 'environment',
                      head: 'Environment',
                      value: ({ environment }) => environment,
                      cell: ({ environment, id }) => <a href={recordPath('deployment', id)}>{environment}</a>,
                    },
                    { key: 'generation', head: 'Generation', number: true, value: ({ generation }) => generation },
                    {
                      key: 'version',
                      head: 'Version',
                      value: ({ modelVersion }) => versionName(modelVersion),
                      cell: ({ modelVersion }) => <VersionRef id={modelVersion} />,
                    },
                    { key: 'state', head: 'State', value: ({ state }) => state, cell: ({ state }) => <WordState word={state} /> },
                    {
                      key: 'reason',
                      head: 'Reason',
                      value: ({ reason }) => reason,
                      cell: ({ reason }) => <span class="wrap">{reason}</span>,
                    },
                    {
                      key: 'by',
                      head: 'By',
                      value: ({ deployedBy }) => deployedBy.name,
                      cell: ({ deployedBy }) => <Who actor={deployedBy} />,
                    },
                    { key: 'at', head: 'At', value: ({ deployedAt }) => deployedAt, cell: ({ deployedAt }) => <When at={deployedAt} /> },
                  ]}
                />
              )
            }
          </Load>
        </Card>
        <Card title="Approvals" wide>
          <Load of={approvals} what="The approvals">
            {({ items }) =>
              items.length === 0 ? (
                <p class="quiet">An approver looks at a certified version and says whether it may go to an environment.</p>
              ) : (
                <Table
                  name="approvals"
                  caption="Approvals"
                  rows={items}
                  rowKey={({ id }) => id}
                  columns={[
                    {
                      key: 'version',
                      head: 'Version',
                      value: ({ modelVersion }) => versionName(modelVersion),
                      cell: ({ modelVersion }) => <VersionRef id={modelVersion} />,
                    },
                    { key: 'environment', head: 'Environment', value: ({ environment }) => environment },
                    {
                      key: 'verdict',
                      head: 'Verdict',
                      value: ({ verdict }) => verdict,
                      cell: ({ verdict }) => <WordState word={verdict} />,
                    },
                    {
                      key: 'statement',
                      head: 'Statement',
                      value: ({ statement }) => statement,
                      cell: ({ statement }) => <span class="wrap">{statement}</span>,
                    },
                    {
                      key: 'by',
                      head: 'By',
                      value: ({ approvedBy }) => approvedBy.name,
                      cell: ({ approvedBy }) => <Who actor={approvedBy} />,
                    },
                    { key: 'at', head: 'At', value: ({ approvedAt }) => approvedAt, cell: ({ approvedAt }) => <When at={approvedAt} /> },
                  ]}
                />
              )
            }
          </Load>
        </Card>
      </div>
    </Page>
  );
}

function ReadinessOf({ modelVersion, environment }: { readonly modelVersion: string; readonly environment: string }): JSX.Element | null {
  const readiness = useReadiness(modelVersion, environment);
  return readiness === undefined ? null : <ReadinessText readiness={readiness} />;
}
