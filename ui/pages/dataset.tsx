import type { JSX } from 'preact';
import type { DatasetSummary, DatasetVersion } from '#contract';
import { absoluteTime, counted, shortDigest } from '../lib/format.ts';
import { recordPath } from '../lib/records.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { navigate } from '../lib/router.ts';
import { Card, Empty, Load, Page } from '../parts/page.tsx';
import { Command, DigestText, When, Who } from '../parts/values.tsx';
import { VersionTable } from './data.tsx';
import { QualityCard } from './quality-card.tsx';
import { QualityTrendCard } from './quality-trend.tsx';

/** A dataset over time: its versions, how good they are, where the rows come from. */
export function DatasetPage({ name }: { readonly name: string }): JSX.Element {
  const query = `dataset=${encodeURIComponent(name)}`;
  const found = useResource<PageOf<DatasetSummary>>(`dataset-summaries?${query}`, ['dataset.', 'quality_report.']);
  const versions = useResource<PageOf<DatasetVersion>>(`datasets?${query}&part=none&limit=500`, ['dataset.']);
  return (
    <Load of={found} what="This dataset">
      {({ items: [summary] }) => (
        <Page
          kind="Dataset"
          title={name}
          crumbs={[{ text: 'Data', href: '/data' }]}
          truth={summary === undefined ? undefined : <Truth summary={summary} />}
        >
          {summary === undefined ? (
            <Empty title={`No version of “${name}” yet.`}>
              <Command>{`gyre data add ${name}`}</Command> takes its source in, when gyre.yaml names it under <code>data</code>.
            </Empty>
          ) : (
            <div class="cards">
              <QualityCard digest={summary.newest.digest} />
              {summary.versions > 1 && <QualityTrendCard dataset={name} />}
              <Card title="Versions" wide says="The newest come first; the parts of splits are on each version’s page.">
                <Load of={versions} what="The versions">
                  {({ items }) => (
                    <>
                      {items.length > 1 && <CompareForm versions={items} />}
                      <VersionTable name="versions" caption={`Versions of ${name}`} versions={items} />
                    </>
                  )}
                </Load>
              </Card>
            </div>
          )}
        </Page>
      )}
    </Load>
  );
}

/** Two versions to look at side by side; the newest and the one before it to begin with. */
function CompareForm({ versions }: { readonly versions: readonly DatasetVersion[] }): JSX.Element {
  const choice = (name: string, chosen: DatasetVersion | undefined): JSX.Element => (
    <select name={name}>
      {versions.map(({ digest, createdAt, manifest }) => (
        <option key={digest} value={digest} selected={digest === chosen?.digest}>
          {shortDigest(digest)}, {counted(manifest.rows, 'row')}, {absoluteTime(createdAt)}
        </option>
      ))}
    </select>
  );
  return (
    <form
      class="inline-form"
      onSubmit={(event) => {
        event.preventDefault();
        const chosen = new FormData(event.currentTarget);
        navigate(`/data/${String(chosen.get('from'))}/diff/${String(chosen.get('to'))}`);
      }}
    >
      <label>Compare {choice('from', versions[1])}</label>
      <label>with {choice('to', versions[0])}</label>
      <button type="submit">Show the difference</button>
    </form>
  );
}

function Truth({ summary: { newest, versions, firstAt } }: { readonly summary: DatasetSummary }): JSX.Element {
  return (
    <p>
      <b>{counted(newest.manifest.rows, 'row')}</b> of {counted(newest.schema.columns.length, 'column')} in the newest of{' '}
      {counted(versions, 'version')}, <DigestText digest={newest.digest} href={recordPath('dataset_version', newest.digest)} />, made{' '}
      <When at={newest.createdAt} /> by <Who actor={newest.createdBy} /> from {newest.source}
      {versions > 1 && (
        <>
          ; the first <When at={firstAt} />
        </>
      )}
    </p>
  );
}
