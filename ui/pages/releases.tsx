import type { JSX } from 'preact';
import type { Approval, Deployment, EnvironmentState } from '#contract';
import { send } from '../lib/api.ts';
import { shortDigest } from '../lib/format.ts';
import { recordPath } from '../lib/records.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { queryValue } from '../lib/router.ts';
import { versionName } from '../lib/versions.ts';
import { versions } from '../lib/versions.ts';
import { Action } from '../parts/action.tsx';
import { Card, Empty, Facts, LineageStrip, Load, Page, RawJson } from '../parts/page.tsx';
import { State, WordState } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { Command, Copy, DigestText, RecordRef, When, Who } from '../parts/values.tsx';
import { VersionRef } from '../parts/version-ref.tsx';
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
              <VersionActions version={candidate} />
            </div>
          </Card>
        )}
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

function DeploymentCard({ deployment }: { readonly deployment: Deployment }): JSX.Element {
  return (
    <Card title={`${deployment.environment}, generation ${deployment.generation}`} wide aside={<WordState word={deployment.state} />}>
      <LineageStrip
        steps={[
          { what: 'model version', text: <VersionRef id={deployment.modelVersion} /> },
          deployment.certification === undefined
            ? undefined
            : { what: 'certification', text: <code>{shortDigest(deployment.certification)}</code> },
          deployment.approvals.length === 0 ? undefined : { what: 'approvals', text: String(deployment.approvals.length) },
          { what: 'live in', text: deployment.environment, here: true },
        ]}
      />
      <Facts
        facts={[
          ['Reason', deployment.reason],
          ['By', <Who actor={deployment.deployedBy} />],
          ['At', <When at={deployment.deployedAt} />],
          deployment.endedAt === undefined ? undefined : ['Until', <When at={deployment.endedAt} />],
          ['Package', <DigestText digest={deployment.package} />],
          deployment.manifest === undefined ? undefined : ['Manifest', <DigestText digest={deployment.manifest} />],
        ]}
      />
      <RawJson value={deployment} />
    </Card>
  );
}

/** Where versions run: the data plane of each environment, what is live, and the way back. */
export function EnvironmentsPage(): JSX.Element {
  const environments = useResource<PageOf<EnvironmentState>>('environments', ['deployment.']);
  const deployments = useResource<PageOf<Deployment>>('deployments?limit=500', ['deployment.']);
  return (
    <Page
      title="Environments"
      truth={<p>Each environment has a data plane of its own, which answers predictions and knows nothing but its signed manifest.</p>}
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
        environment.ready ? (
          <State tone="good">answers</State>
        ) : (
          <State tone={live === undefined ? 'off' : 'bad'}>{live === undefined ? 'nothing live' : 'does not answer'}</State>
        )
      }
    >
      <Facts
        facts={[
          ['Endpoint', endpoint],
          ['Live', live === undefined ? 'nothing' : <VersionRef id={live.modelVersion} />],
          live === undefined ? undefined : ['Since', <When at={live.deployedAt} />],
          live === undefined
            ? undefined
            : [
                'Generation',
                <RecordRef kind="deployment" id={live.id}>
                  {live.generation}
                </RecordRef>,
              ],
          live?.manifest === undefined ? undefined : ['Manifest', <DigestText digest={live.manifest} />],
          [
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
