import type { JSX } from 'preact';
import { executesCode } from '#contract';
import type { ModelVersion, RegisteredModel } from '#contract';
import { versionPath } from '../lib/records.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { Markdown } from '../parts/markdown.tsx';
import { Card, Empty, Facts, Load, Page } from '../parts/page.tsx';
import { State, Verdict } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { Command, DigestText, RecordRef, When, Who } from '../parts/values.tsx';
import { AddVersion } from './add-version.tsx';
import { ModelEdits, RemoveAlias } from './registry-edits.tsx';
import { CompareVersions } from './version-compare.tsx';

const kinds = ['model_version.', 'registered_model.'];

/** Registered models with their versions. */
export function ModelsPage(): JSX.Element {
  const models = useResource<PageOf<RegisteredModel>>('models?limit=200', kinds);
  const versions = useResource<PageOf<ModelVersion>>('model-versions?limit=1000', kinds);
  return (
    <Page
      title="Models"
      truth={
        <p>
          A version is the model with what belongs to it. Once it was tested, here or by its own training, it has its report, card and
          evidence too.
        </p>
      }
      actions={<AddVersion />}
    >
      <Load of={models} what="The models">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No model yet.">
              A run whose model was tested becomes a version: <Command>gyre run</Command>. Files of a model that was trained elsewhere
              become one as well: <Command>gyre model add NAME FILES</Command>
            </Empty>
          ) : (
            <div class="cards">
              {items.map((model) => (
                <Card key={model.name} title={model.name} says={model.description === '' ? undefined : model.description} wide>
                  <Load of={versions} what="The versions">
                    {(page) => <VersionTable name={model.name} versions={page.items.filter((version) => version.model === model.name)} />}
                  </Load>
                </Card>
              ))}
            </div>
          )
        }
      </Load>
    </Page>
  );
}

/** One model: its versions. */
export function ModelPage({ name }: { readonly name: string }): JSX.Element {
  const model = useResource<RegisteredModel>(`models/${encodeURIComponent(name)}`, kinds);
  const versions = useResource<PageOf<ModelVersion>>(`models/${encodeURIComponent(name)}/versions?limit=1000`, kinds);
  const champion = versions.data?.items.find(({ aliases }) => aliases.includes('champion'));
  return (
    <Load of={model} what="This model">
      {(data) => (
        <Page
          kind="Model"
          title={data.name}
          crumbs={[{ text: 'Models', href: '/models' }]}
          truth={
            <p>
              {champion === undefined ? (
                <State tone="off">no champion yet</State>
              ) : (
                <State tone="good">champion: version {champion.version}</State>
              )}
              ; registered <When at={data.createdAt} />, changed <When at={data.updatedAt} />
            </p>
          }
          actions={
            <>
              <AddVersion model={data.name} />
              <ModelEdits model={data} />
            </>
          }
        >
          <div class="cards">
            {data.description !== '' && (
              <Card title="Description" wide>
                <Markdown text={data.description} label="Description" />
              </Card>
            )}
            <Labels aliases={data.aliases} tags={data.tags} model={name} />
            <Card title="Versions" wide>
              <Load of={versions} what="The versions">
                {({ items }) => <VersionTable name={name} versions={items} />}
              </Load>
            </Card>
            {versions.data !== undefined && versions.data.items.length > 1 && <CompareVersions versions={versions.data.items} />}
          </div>
        </Page>
      )}
    </Load>
  );
}

/** Which version each alias names, and what the model is tagged with. */
function Labels({ model, aliases, tags }: Pick<RegisteredModel, 'aliases' | 'tags'> & { readonly model: string }): JSX.Element | null {
  const facts: (readonly [string, JSX.Element | string])[] = [
    ...Object.entries(aliases).map(
      ([alias, version]) =>
        [
          `@${alias}`,
          <>
            <a href={versionPath({ model, version })}>version {version}</a> <RemoveAlias model={model} alias={alias} />
          </>,
        ] as const,
    ),
    ...Object.entries(tags),
  ];
  return facts.length === 0 ? null : (
    <Card title="Aliases and tags" wide>
      <Facts facts={facts} />
    </Card>
  );
}

function VersionTable({ name, versions }: { readonly name: string; readonly versions: readonly ModelVersion[] }): JSX.Element {
  return (
    <Table
      name={`versions-${name}`}
      caption={`Versions of ${name}`}
      rows={versions}
      rowKey={({ id }) => id}
      href={versionPath}
      sort="-version"
      columns={[
        {
          key: 'version',
          head: 'Version',
          value: ({ version }) => version,
          cell: (version) => (
            <>
              <a href={versionPath(version)}>version {version.version}</a>
              {version.executesCodeOnLoad === true && <State tone="warn">{executesCode}</State>}
            </>
          ),
        },
        {
          key: 'aliases',
          head: 'Aliases',
          value: ({ aliases }) => aliases.join(' '),
          cell: ({ aliases }) =>
            aliases.map((alias) => (
              <span key={alias} class={alias === 'champion' ? 'tag strong' : 'tag'}>
                {alias}
              </span>
            )),
        },
        {
          key: 'tests',
          head: 'Test report',
          value: ({ testsPassed }) => String(testsPassed),
          cell: ({ testReport, testsPassed }) =>
            testReport === undefined ? (
              <State tone="off">none</State>
            ) : (
              <Verdict passed={testsPassed} yes="every gate passed" no="a gate failed" />
            ),
        },
        {
          key: 'package',
          head: 'Package',
          value: (version) => version.package ?? '',
          cell: (version) =>
            version.package === undefined ? <span class="wrap">{version.source}</span> : <DigestText digest={version.package} />,
        },
        {
          key: 'run',
          head: 'Run',
          value: ({ run }) => run ?? '',
          cell: ({ run }) => (run === undefined ? '—' : <RecordRef kind="run" id={run} />),
        },
        { key: 'stage', head: 'Stage', value: ({ stage }) => stage, cell: ({ stage }) => (stage === 'None' ? '—' : stage) },
        { key: 'by', head: 'By', value: ({ createdBy }) => createdBy.name, cell: ({ createdBy }) => <Who actor={createdBy} /> },
        { key: 'at', head: 'Registered', value: ({ createdAt }) => createdAt, cell: ({ createdAt }) => <When at={createdAt} /> },
      ]}
    />
  );
}
