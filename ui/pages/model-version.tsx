import type { JSX } from 'preact';
import { executesCode, lackingEvidence } from '#contract';
import type { Deployment, Evidence, ModelVersion, TestReport } from '#contract';
import { apiUrl } from '../lib/api.ts';
import { bytes, number, shortDigest } from '../lib/format.ts';
import { recordPath } from '../lib/records.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { Markdown } from '../parts/markdown.tsx';
import { Card, Facts, LineageStrip, Load, Page, RawJson } from '../parts/page.tsx';
import { State, Verdict } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { Command, DigestText, Metric, RecordRef, When, Who } from '../parts/values.tsx';
import { DecisionsCard, Revoke, useDecisions } from './decisions-card.tsx';
import { FindingsCard } from './findings-card.tsx';
import { PolicyEvidenceCards } from './policy-evidence-card.tsx';
import { CompareWithLive } from './compare-release.tsx';
import { VersionActions } from './release-actions.tsx';
import { VersionEdits } from './registry-edits.tsx';
import { ConversionCard, ConvertVersion, useConversions } from './convert-version.tsx';
import { ModelImagesCard } from './model-images-card.tsx';
import { ReportCards } from './report-cards.tsx';
import { RunElsewhere } from './run-elsewhere.tsx';
import { TestRunCard } from './application-test-runs.tsx';
import { TestVersion } from './version-test.tsx';
import { ChangeLog, UsedWhere } from './version-use.tsx';

/** One model version by its name and number (or alias). */
export function ModelVersionPage({ model, version }: { readonly model: string; readonly version: string }): JSX.Element {
  const found = useResource<ModelVersion>(`models/${encodeURIComponent(model)}/versions/${encodeURIComponent(version)}`, [
    'model_version.',
  ]);
  return (
    <Load of={found} what="This model version">
      {(data) => <Version version={data} />}
    </Load>
  );
}

/** The same, by the id that other records keep. */
export function VersionByIdPage({ id }: { readonly id: string }): JSX.Element {
  const found = useResource<ModelVersion>(`model-versions/${encodeURIComponent(id)}`, ['model_version.']);
  return (
    <Load of={found} what="This model version">
      {(data) => <Version version={data} />}
    </Load>
  );
}

function Version({ version }: { readonly version: ModelVersion }): JSX.Element {
  const report = useResource<TestReport>(version.testReport === undefined ? undefined : `test-reports/${version.testReport}`);
  const evidence = useResource<Evidence>(version.testReport === undefined ? undefined : `${versionRoute(version)}/evidence`);
  const conversions = useConversions(version);
  const decisions = useDecisions(version);
  const revocation = decisions?.find(({ kind }) => kind === 'revocation');
  const lacking = lackingEvidence(version);
  const of = `?modelVersion=${encodeURIComponent(version.id)}`;
  const deployments = useResource<PageOf<Deployment>>(`deployments${of}`, ['deployment.']);
  const live = deployments.data?.items.filter(({ state }) => state === 'live') ?? [];
  const primary = report.data?.metrics.find(({ name }) => name === (report.data?.primary ?? 'roc_auc')) ?? report.data?.metrics[0];
  const gate = report.data?.gates.find(({ name }) => name.split(' ')[0] === primary?.name);
  return (
    <Page
      kind="Model version"
      title={`${version.model} version ${version.version}`}
      crumbs={crumbsOf(version, evidence.data)}
      truth={
        <p>
          {version.aliases.map((alias) => (
            <span key={alias} class={alias === 'champion' ? 'tag strong' : 'tag'}>
              {alias}
            </span>
          ))}
          {version.stage !== 'None' && <span class="tag">stage {version.stage}</span>}
          {version.testReport === undefined ? (
            <State tone="off">not tested here</State>
          ) : (
            <Verdict passed={version.testsPassed} yes="tests passed" no="a gate failed" />
          )}{' '}
          {version.executesCodeOnLoad === true && <State tone="warn">{executesCode}</State>}{' '}
          {revocation !== undefined && <State tone="bad">revoked</State>}{' '}
          {version.deletedAt !== undefined && <State tone="bad">deleted</State>}{' '}
          {live.length > 0 && <State tone="good">live in {live.map(({ environment }) => environment).join(', ')}</State>}{' '}
          {primary !== undefined && (
            <Metric name={primary.name} value={primary.value} interval={primary.interval} threshold={gate?.wanted} />
          )}
          ; registered <When at={version.createdAt} /> by <Who actor={version.createdBy} />
        </p>
      }
      actions={
        <>
          <TestVersion version={version} />
          <ConvertVersion version={version} begun={conversions.reload} />
          <CompareWithLive version={version} />
          <VersionActions version={version} />
          <Revoke version={version} decisions={decisions} />
          <VersionEdits version={version} />
        </>
      }
    >
      <LineageStrip
        steps={[
          ...Object.entries(evidence.data?.datasets ?? {}).map(([role, digest]) => ({
            what: role,
            text: <RecordRef kind="dataset_version" id={digest} />,
          })),
          version.run === undefined ? undefined : { what: 'run', text: <RecordRef kind="run" id={version.run} /> },
          version.testReport === undefined
            ? undefined
            : { what: 'test report', text: <RecordRef kind="test_report" id={version.testReport} /> },
          convertedFrom(version),
          { what: 'model version', text: `${version.model} ${version.version}`, here: true },
          ...live.map((deployment) => ({
            what: `live in ${deployment.environment}`,
            text: (
              <RecordRef kind="deployment" id={deployment.id}>
                generation {deployment.generation}
              </RecordRef>
            ),
          })),
        ]}
      />
      <div class="cards">
        <ConversionCard conversions={conversions} />
        <TestRunCard version={version} />
        {report.data !== undefined && <ReportCards report={report.data} />}
        <OriginCard version={version} lacking={lacking} />
        <UsedWhere version={version} deployments={deployments} />
        {version.package !== undefined && <PolicyEvidenceCards version={version} />}
        {version.package !== undefined && <FindingsCard version={version} />}
        {decisions !== undefined && <DecisionsCard decisions={decisions} />}
        <ModelImagesCard version={version} />
        <RunElsewhere version={version} />
        {version.package !== undefined && <PackageCard version={version} digest={version.package} />}
        {evidence.data !== undefined && <EvidenceCard evidence={evidence.data} version={version} />}
        {version.signature !== undefined && <SignatureCard signature={version.signature} />}
        <ChangeLog version={version} />
        <Card title="Record" wide>
          <RawJson value={version} />
        </Card>
      </div>
    </Page>
  );
}

/** The version that this one's graph was made of. */
function convertedFrom({ tags }: ModelVersion): { readonly what: string; readonly text: JSX.Element } | undefined {
  const [, model, number] = /^([^/]+)\/(\d+)$/.exec(tags['converted_from'] ?? '') ?? [];
  if (model === undefined) return undefined;
  return {
    what: 'converted from',
    text: (
      <a href={`/models/${encodeURIComponent(model)}/${number}`}>
        {model} {number}
      </a>
    ),
  };
}

/** Where the version came from, what people say about it, and what it lacks to be tested and released. */
function OriginCard({ version, lacking }: { readonly version: ModelVersion; readonly lacking: readonly string[] }): JSX.Element {
  return (
    <Card title="Where it came from">
      {version.description !== '' && <Markdown text={version.description} label="Description" />}
      <Facts
        facts={[
          ['Source', <code class="wrap">{version.source}</code>],
          ...(version.flavors === undefined ? [] : [['Can be loaded as', version.flavors.join(', ')] as const]),
          ...(version.loggedModel === undefined ? [] : [['Logged model', <code>{version.loggedModel}</code>] as const]),
          ...Object.entries(version.tags),
          ['Changed', <When at={version.updatedAt} />],
        ]}
      />
      {lacking.length > 0 && <p class="quiet">To be released by Gyre it lacks {lacking.join(', ')}.</p>}
    </Card>
  );
}

function SignatureCard({ signature }: { readonly signature: NonNullable<ModelVersion['signature']> }): JSX.Element {
  const tensors = (signature.tensors ?? []).filter(({ name }) => signature.inputs.every((column) => column.name !== name));
  return (
    <Card title="Takes and gives" wide>
      {signature.inputs.length > 0 && (
        <Table
          name="inputs"
          caption="Input columns"
          rows={signature.inputs}
          rowKey={({ name }) => name}
          columns={[
            { key: 'name', head: 'Column', value: ({ name }) => name },
            { key: 'type', head: 'Type', value: ({ type }) => type },
            { key: 'required', head: 'Missing is', value: ({ required }) => (required ? 'refused' : 'imputed') },
            {
              key: 'seen',
              head: 'Seen in training',
              value: ({ categories, range }) => categories?.join(', ') ?? range?.join(' – '),
              cell: ({ categories, range }) => (
                <span class="wrap">
                  {categories?.join(', ') ?? (range === undefined ? '—' : range.map((bound) => number(bound)).join(' – '))}
                </span>
              ),
            },
          ]}
        />
      )}
      {tensors.length > 0 && <p>Takes {tensors.map(tensorText).join(', ')}.</p>}
      <p class="quiet">
        Gives {signature.outputs.map(tensorText).join(', ')}
        {signature.classes.length > 0 && `; classes ${signature.classes.join(', ')}`}
        {signature.threshold !== undefined && `; decides at ${number(signature.threshold, 3)}`}.
      </p>
    </Card>
  );
}

const tensorText = ({ name, datatype, shape }: { readonly name: string; readonly datatype: string; readonly shape: readonly number[] }) =>
  `${name} (${datatype} [${shape.map((axis) => (axis < 0 ? 'any' : axis)).join(', ')}])`;

function versionRoute(version: ModelVersion): string {
  return `models/${encodeURIComponent(version.model)}/versions/${version.version}`;
}

function crumbsOf(version: ModelVersion, evidence: Evidence | undefined): readonly { readonly text: string; readonly href: string }[] {
  const train = evidence?.datasets['train'];
  return [
    ...(train === undefined
      ? [{ text: 'Models', href: '/models' }]
      : [{ text: `train ${shortDigest(train)}`, href: recordPath('dataset_version', train) }]),
    ...(version.run === undefined ? [] : [{ text: 'run', href: recordPath('run', version.run) }]),
    { text: version.model, href: recordPath('model', version.model) },
  ];
}

function PackageCard({ version, digest }: { readonly version: ModelVersion; readonly digest: string }): JSX.Element {
  return (
    <Card
      title="Package"
      aside={
        version.testReport === undefined ? undefined : (
          <a href={apiUrl(`${versionRoute(version)}/card`)} target="_blank" rel="noopener">
            Model card
          </a>
        )
      }
      says={
        <>
          <DigestText digest={digest} /> names these files together.
        </>
      }
    >
      <Table
        name="files"
        caption="Files of the package"
        rows={version.files}
        rowKey={({ path }) => path}
        filterable={false}
        columns={[
          {
            key: 'path',
            head: 'File',
            value: ({ path }) => path,
            cell: ({ path }) => (
              <a href={apiUrl(`${versionRoute(version)}/files/${path.split('/').map(encodeURIComponent).join('/')}`)} download>
                {path}
              </a>
            ),
          },
          { key: 'size', head: 'Size', number: true, value: ({ size }) => size, cell: ({ size }) => bytes(size) },
          { key: 'digest', head: 'SHA-256', value: ({ digest }) => digest, cell: ({ digest }) => <DigestText digest={digest} /> },
        ]}
      />
    </Card>
  );
}

function EvidenceCard({ evidence, version }: { readonly evidence: Evidence; readonly version: ModelVersion }): JSX.Element {
  const { parity } = evidence;
  return (
    <Card
      title="Evidence"
      says={
        parity === undefined
          ? 'A Python process runs the model as it was brought.'
          : `${'trainer' in evidence ? 'The ONNX model and the trainer' : 'The graph as it was brought and behind named columns'} agree within ${number(parity.maxDifference)} on ${number(parity.rows, 0)} rows (allowed: ${number(parity.tolerance)}).`
      }
    >
      <Facts
        facts={[
          ...('trainer' in evidence
            ? ([
                ['Trainer', `${evidence.trainer}, seed ${evidence.seed}`],
                ['Transform', <DigestText digest={evidence.transform} href={recordPath('transform', evidence.transform)} />],
                ['Code', evidence.code.commit === null ? 'in no git repository' : <code>{evidence.code.commit.slice(0, 12)}</code>],
                ['Environment', <DigestText digest={evidence.environment} />],
              ] as const)
            : ([
                [evidence.python === undefined ? 'Graph as brought' : 'MLmodel', <DigestText digest={evidence.graph} />],
                ...(evidence.python === undefined
                  ? []
                  : [['Tested with', `Python ${evidence.python.version}, loaded as ${evidence.python.flavors.join(', ')}`] as const]),
                ['Files as brought', <DigestText digest={evidence.brought.package} />],
                ...evidence.brought.tensors.map(({ name, columns }) => [`Tensor ${name}`, columns.join(', ')] as const),
                ['Predicts', evidence.brought.target],
              ] as const)),
          ...(evidence.onnx === undefined ? [] : [['Model (ONNX)', <DigestText digest={evidence.onnx} />] as const]),
          ...Object.entries(evidence.datasets).map(([role, digest]): readonly [string, JSX.Element] => [
            role,
            <DigestText digest={digest} href={recordPath('dataset_version', digest)} />,
          ]),
          ['Test report', <DigestText digest={evidence.testReport} />],
          ['Charter', <DigestText digest={evidence.charter} href={recordPath('charter', evidence.charter)} />],
        ]}
      />
      {'trainer' in evidence ? (
        <p>
          Check it: <Command>{`gyre reproduce ${version.model}@${version.version}`}</Command>
        </p>
      ) : (
        <p class="quiet">
          It was trained elsewhere: its training data, code and parameters are not known here, so it cannot be trained again here.
        </p>
      )}
    </Card>
  );
}

/** A test report on its own. */
export function TestReportPage({ id }: { readonly id: string }): JSX.Element {
  const report = useResource<TestReport>(`test-reports/${id}`);
  return (
    <Load of={report} what="This test report">
      {(data) => {
        const primary = data.metrics.find(({ name }) => name === data.primary) ?? data.metrics[0];
        return (
          <Page
            kind="Test report"
            title={data.run === undefined ? 'of a model trained elsewhere' : `of run ${data.run.slice(-8)}`}
            crumbs={[
              ...(data.run === undefined ? [] : [{ text: 'run', href: recordPath('run', data.run) }]),
              ...(data.modelVersion === undefined ? [] : [{ text: 'model version', href: recordPath('model_version', data.modelVersion) }]),
              { text: 'test rows', href: recordPath('dataset_version', data.dataset) },
            ]}
            truth={
              <p>
                <Verdict passed={data.passed} yes="every gate passed" no="a gate failed" />{' '}
                {primary !== undefined && <Metric name={primary.name} value={primary.value} interval={primary.interval} />} on{' '}
                {number(data.rows, 0)} rows; <When at={data.createdAt} />;{' '}
                <a href={apiUrl(`test-reports/${encodeURIComponent(data.id)}/page`)} target="_blank" rel="noopener">
                  as a page to print
                </a>
              </p>
            }
          >
            <div class="cards">
              <ReportCards report={data} />
              <Card title="Record" wide>
                <Facts
                  facts={[
                    ['Digest', <DigestText digest={data.digest} />],
                    ['Charter', <DigestText digest={data.charter} href={recordPath('charter', data.charter)} />],
                  ]}
                />
                <RawJson value={data} />
              </Card>
            </div>
          </Page>
        );
      }}
    </Load>
  );
}
