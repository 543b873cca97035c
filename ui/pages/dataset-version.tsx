import type { JSX } from 'preact';
import type { DatasetVersion, Split } from '#contract';
import { counted, shortDigest } from '../lib/format.ts';
import { datasetPath, recordPath } from '../lib/records.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { Card, LineageStrip, Load, Page, RawJson } from '../parts/page.tsx';
import { RecordRef, When, Who } from '../parts/values.tsx';
import { ManifestFacts } from './data.tsx';
import { FilesCard, isOfFiles } from './files-card.tsx';
import { ImagesCard, isOfImages } from './images-card.tsx';
import { ProfileCard } from './profile-card.tsx';
import { QualityCard } from './quality-card.tsx';
import { RowsCard } from './rows-card.tsx';
import { SchemaCard } from './schema-card.tsx';
import { SplitCard } from './split.tsx';

/** One dataset version: what is in it, how good it is, where it came from. */
export function DatasetVersionPage({ digest }: { readonly digest: string }): JSX.Element {
  const version = useResource<DatasetVersion>(`datasets/${digest}`);
  return (
    <Load of={version} what="This dataset version">
      {(data) => (
        <Page
          kind="Dataset version"
          title={`${data.dataset}${data.part === undefined ? '' : `, part ${data.part}`}`}
          crumbs={[
            { text: 'Data', href: '/data' },
            { text: data.dataset, href: datasetPath(data.dataset) },
            ...(data.manifest.derivedFrom?.parents ?? []).map((parent) => ({
              text: `${isPredicted(data) ? 'rows' : data.dataset} ${shortDigest(parent)}`,
              href: recordPath('dataset_version', parent),
            })),
          ]}
          truth={
            <p>
              <b>{counted(data.manifest.rows, 'row')}</b> of {counted(data.schema.columns.length, 'column')}, from {data.source}; made{' '}
              <When at={data.createdAt} /> by <Who actor={data.createdBy} />
            </p>
          }
        >
          <div class="cards">
            {isOfImages(data) && <ImagesCard digest={data.digest} />}
            {isOfFiles(data) && !isOfImages(data) && <FilesCard version={data} />}
            {data.part === undefined && !isPredicted(data) && <QualityCard digest={data.digest} />}
            <ProfileCard version={data} />
            {data.part === undefined && <SchemaCard version={data} />}
            <Splits digest={data.digest} />
            <RowsCard digest={data.digest} />
            <Card title="Where from, where to" wide>
              <LineageStrip
                steps={[
                  { what: 'source', text: data.source },
                  data.manifest.derivedFrom === undefined || data.manifest.derivedFrom.parents.length === 0
                    ? undefined
                    : {
                        what: isPredicted(data) ? 'rows' : 'whole',
                        text: data.manifest.derivedFrom.parents.map((parent) => (
                          <RecordRef key={parent} kind="dataset_version" id={parent} />
                        )),
                      },
                  predictedBy(data),
                  {
                    what: data.part === undefined ? 'dataset version' : `part ${data.part}`,
                    text: <code>{shortDigest(data.digest)}</code>,
                    here: true,
                  },
                ]}
              />
              <ManifestFacts version={data} />
              <RawJson value={data} />
            </Card>
          </div>
        </Page>
      )}
    </Load>
  );
}

const isPredicted = ({ manifest }: DatasetVersion): boolean => manifest.derivedFrom?.operation === 'predict';

/** The model version that predictions were made with. */
function predictedBy(version: DatasetVersion): { readonly what: string; readonly text: JSX.Element } | undefined {
  const model = version.manifest.derivedFrom?.parameters['modelVersion'];
  if (!isPredicted(version) || typeof model !== 'string') return undefined;
  return {
    what: 'predicted by model version',
    text: (
      <RecordRef kind="model_version" id={model}>
        {version.source.replace(/^predictions of /, '')}
      </RecordRef>
    ),
  };
}

function Splits({ digest }: { readonly digest: string }): JSX.Element {
  const splits = useResource<PageOf<Split>>(`datasets/${digest}/splits`, ['split.']);
  return (
    <>
      {splits.data?.items.slice(0, 1).map((split) => (
        <SplitCard key={split.id} split={split} />
      ))}
    </>
  );
}
