import type { JSX } from 'preact';
import type { DatasetSummary, DatasetVersion } from '#contract';
import { bytes, number } from '../lib/format.ts';
import { datasetPath, recordPath } from '../lib/records.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { Card, Empty, Facts, Load, Page } from '../parts/page.tsx';
import { Table } from '../parts/table.tsx';
import { Command, DigestText, RecordRef, When, Who } from '../parts/values.tsx';
import { Marks } from './quality-card.tsx';

/** Every dataset with its newest version and that one's marks; then all versions. */
export function DataPage(): JSX.Element {
  const list = useResource<PageOf<DatasetSummary>>('dataset-summaries', ['dataset.', 'quality_report.']);
  const versions = useResource<PageOf<DatasetVersion>>('datasets?limit=500', ['dataset.']);
  return (
    <Page title="Data" truth={<p>Every version is named by the digest of its content, and never changes.</p>}>
      <Load of={list} what="The datasets">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No dataset version yet.">
              Sources are named under <code>data</code> in gyre.yaml. <Command>gyre run</Command> takes them in, profiles them and judges
              their quality.
            </Empty>
          ) : (
            <div class="cards">
              <Card title="Datasets" wide>
                <Datasets items={items} />
              </Card>
              <Card title="All versions" wide says="Parts of splits are versions too. The newest come first.">
                <Load of={versions} what="The dataset versions">
                  {({ items: all, next }) => (
                    <>
                      <VersionTable name="versions" caption="Dataset versions" versions={all} />
                      {next !== undefined && (
                        <p class="quiet">The newest {all.length} are shown; each dataset’s page has all of its own.</p>
                      )}
                    </>
                  )}
                </Load>
              </Card>
            </div>
          )
        }
      </Load>
    </Page>
  );
}

function Datasets({ items }: { readonly items: readonly DatasetSummary[] }): JSX.Element {
  return (
    <Table
      name="datasets"
      caption="Datasets"
      rows={items}
      rowKey={({ dataset }) => dataset}
      href={({ dataset }) => datasetPath(dataset)}
      columns={[
        {
          key: 'dataset',
          head: 'Dataset',
          value: ({ dataset }) => dataset,
          cell: ({ dataset }) => <a href={datasetPath(dataset)}>{dataset}</a>,
        },
        {
          key: 'rows',
          head: 'Rows',
          number: true,
          value: ({ newest }) => newest.manifest.rows,
          cell: ({ newest }) => number(newest.manifest.rows, 0),
        },
        { key: 'columns', head: 'Columns', number: true, value: ({ newest }) => newest.schema.columns.length },
        {
          key: 'quality',
          head: 'Quality',
          value: ({ quality }) => quality?.violations,
          cell: ({ quality }) => (quality === undefined ? <span class="quiet">not judged</span> : <Marks marks={quality.scores} />),
        },
        { key: 'versions', head: 'Versions', number: true, value: ({ versions }) => versions },
        {
          key: 'newest',
          head: 'Newest version',
          value: ({ newest }) => newest.digest,
          cell: ({ newest }) => <DigestText digest={newest.digest} href={recordPath('dataset_version', newest.digest)} />,
        },
        {
          key: 'made',
          head: 'Made',
          value: ({ newest }) => newest.createdAt,
          cell: ({ newest }) => <When at={newest.createdAt} />,
        },
        { key: 'source', head: 'Source', value: ({ newest }) => newest.source },
      ]}
    />
  );
}

/** Versions with what tells them apart. */
export function VersionTable({
  name,
  caption,
  versions,
}: {
  readonly name: string;
  readonly caption: string;
  readonly versions: readonly DatasetVersion[];
}): JSX.Element {
  return (
    <Table
      name={name}
      caption={caption}
      rows={versions}
      rowKey={({ dataset, part, digest }) => `${dataset}/${part ?? ''}/${digest}`}
      href={({ digest }) => recordPath('dataset_version', digest)}
      columns={[
        {
          key: 'dataset',
          head: 'Dataset',
          value: ({ dataset }) => dataset,
          cell: (row) => <a href={datasetPath(row.dataset)}>{row.dataset}</a>,
        },
        { key: 'part', head: 'Part', value: ({ part }) => part ?? 'whole' },
        {
          key: 'version',
          head: 'Version',
          value: ({ digest }) => digest,
          cell: ({ digest }) => <DigestText digest={digest} href={recordPath('dataset_version', digest)} />,
        },
        {
          key: 'rows',
          head: 'Rows',
          number: true,
          value: ({ manifest }) => manifest.rows,
          cell: ({ manifest }) => number(manifest.rows, 0),
        },
        { key: 'columns', head: 'Columns', number: true, value: ({ schema }) => schema.columns.length },
        { key: 'source', head: 'Source', value: ({ source }) => source },
        { key: 'by', head: 'By', value: ({ createdBy }) => createdBy.name, cell: ({ createdBy }) => <Who actor={createdBy} /> },
        { key: 'made', head: 'Made', value: ({ createdAt }) => createdAt, cell: ({ createdAt }) => <When at={createdAt} /> },
      ]}
    />
  );
}

/** What a version is made of. */
export function ManifestFacts({ version }: { readonly version: DatasetVersion }): JSX.Element {
  const { manifest } = version;
  return (
    <>
      <Facts
        facts={[
          ['Version', <DigestText digest={version.digest} />],
          ['Source', version.source],
          ['Format', manifest.format],
          ['Rows digest', <DigestText digest={version.rowsDigest} />],
          ['Schema digest', <DigestText digest={manifest.schemaDigest} />],
          manifest.derivedFrom === undefined || manifest.derivedFrom.parents.length === 0
            ? undefined
            : [
                manifest.derivedFrom.operation === 'predict' ? 'Predictions for' : `${manifest.derivedFrom.operation} of`,
                manifest.derivedFrom.parents.map((parent) => <RecordRef key={parent} kind="dataset_version" id={parent} />),
              ],
        ]}
      />
      {manifest.files.length > 0 && (
        <Table
          name="files"
          caption="Files as they came"
          rows={manifest.files}
          rowKey={({ path }) => path}
          columns={[
            { key: 'path', head: 'File', value: ({ path }) => path },
            { key: 'size', head: 'Size', number: true, value: ({ size }) => size, cell: ({ size }) => bytes(size) },
            { key: 'sha256', head: 'SHA-256', value: ({ sha256 }) => sha256, cell: ({ sha256 }) => <DigestText digest={sha256} /> },
            { key: 'md5', head: 'MD5', value: ({ md5 }) => md5, cell: ({ md5 }) => <code>{md5.slice(0, 12)}</code> },
          ]}
        />
      )}
    </>
  );
}
