import type { JSX } from 'preact';
import type { ArtifactEntry, Run } from '#contract';
import { apiUrl } from '../lib/api.ts';
import { bytes, number } from '../lib/format.ts';
import { previewOf } from '../lib/preview.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { queryValue, setQuery } from '../lib/router.ts';
import { Card, Load } from '../parts/page.tsx';
import { Table } from '../parts/table.tsx';
import { DigestText } from '../parts/values.tsx';
import { FilePreview } from './runs/file-preview.tsx';

const atOnce = 1000;

/** The files that a run left, one folder at a time, and of a large folder some at a time, in the order of their names. */
export function RunFilesCard({ run }: { readonly run: Run }): JSX.Element {
  const folder = queryValue('folder') ?? '';
  const after = queryValue('after');
  const entries = useResource<PageOf<ArtifactEntry>>(
    `runs/${encodeURIComponent(run.id)}/artifacts?limit=${atOnce}&folder=${encodeURIComponent(folder)}${after === undefined ? '' : `&after=${encodeURIComponent(after)}`}`,
    ['run.'],
  );
  const up = folder.includes('/') ? folder.slice(0, folder.lastIndexOf('/')) : '';
  return (
    <Card
      title={folder === '' ? 'Artifacts' : `Artifacts in ${folder}`}
      wide={queryValue('file') !== undefined}
      aside={
        folder === '' ? undefined : (
          <button type="button" onClick={() => setQuery({ folder: up === '' ? undefined : up, after: undefined })}>
            Up to {up === '' ? 'all artifacts' : up}
          </button>
        )
      }
    >
      <Load of={entries} what="What this run left">
        {({ items, next }) => (
          <>
            <Table
              name="artifacts"
              caption="Artifacts"
              rows={items}
              rowKey={({ path }) => path}
              columns={[
                {
                  key: 'path',
                  head: 'File',
                  value: ({ path }) => path,
                  cell: (entry) => <EntryLink run={run} entry={entry} folder={folder} />,
                },
                {
                  key: 'size',
                  head: 'Size',
                  number: true,
                  value: (entry) => (entry.kind === 'file' ? entry.size : -1),
                  cell: (entry) => (entry.kind === 'file' ? bytes(entry.size) : 'folder'),
                },
                {
                  key: 'digest',
                  head: 'SHA-256',
                  value: (entry) => (entry.kind === 'file' ? entry.digest : ''),
                  cell: (entry) => (entry.kind === 'file' ? <DigestText digest={entry.digest} /> : ''),
                },
              ]}
            />
            <Preview run={run} entries={items} />
            {(after !== undefined || next !== undefined) && (
              <div class="actions">
                {after !== undefined && (
                  <button type="button" onClick={() => setQuery({ after: undefined })}>
                    From the first
                  </button>
                )}
                {next !== undefined && (
                  <button type="button" onClick={() => setQuery({ after: String(next) })}>
                    The next {number(atOnce, 0)}
                  </button>
                )}
              </div>
            )}
          </>
        )}
      </Load>
    </Card>
  );
}

function EntryLink({ run, entry, folder }: { readonly run: Run; readonly entry: ArtifactEntry; readonly folder: string }): JSX.Element {
  const name = folder === '' ? entry.path : entry.path.slice(folder.length + 1);
  if (entry.kind === 'folder') {
    return (
      <button type="button" class="plain" onClick={() => setQuery({ folder: entry.path, after: undefined })}>
        {name}/
      </button>
    );
  }
  const path = entry.path.split('/').map(encodeURIComponent).join('/');
  return (
    <>
      <a href={apiUrl(`runs/${encodeURIComponent(run.id)}/artifacts/${path}`)} download>
        {name}
      </a>
      {previewOf(entry.path) !== undefined && (
        <button type="button" class="plain" aria-label={`Show ${entry.path}`} onClick={() => setQuery({ file: entry.path })}>
          show
        </button>
      )}
    </>
  );
}

/** The file that the address names, looked at. */
function Preview({ run, entries }: { readonly run: Run; readonly entries: readonly ArtifactEntry[] }): JSX.Element | null {
  const file = queryValue('file');
  const entry = entries.find(({ path }) => path === file);
  if (entry === undefined || entry.kind !== 'file') return null;
  return (
    <section class="preview" aria-label={`Preview of ${entry.path}`}>
      <h3>
        {entry.path}{' '}
        <button type="button" class="plain" onClick={() => setQuery({ file: undefined })}>
          Hide
        </button>
      </h3>
      <FilePreview run={run.id} path={entry.path} size={entry.size} />
    </section>
  );
}
