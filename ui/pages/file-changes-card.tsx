import type { JSX } from 'preact';
import type { DatasetComparison } from '#contract';
import { counted, number } from '../lib/format.ts';
import { Card } from '../parts/page.tsx';
import { Table } from '../parts/table.tsx';

type FileChanges = NonNullable<DatasetComparison['files']>;

/** Which files came, went, changed or were renamed between two versions of folders. */
export function FileChangesCard({ files }: { readonly files: FileChanges }): JSX.Element {
  const { added, removed, modified, renamed, count } = files;
  const rows = [
    ...added.map((path) => ({ change: 'added', path, from: '' })),
    ...removed.map((path) => ({ change: 'removed', path, from: '' })),
    ...modified.map((path) => ({ change: 'changed', path, from: '' })),
    ...renamed.map(({ from, to }) => ({ change: 'renamed', path: to, from })),
  ];
  return (
    <Card title="Files" wide says={count > rows.length ? `The first 1000 of each kind, of ${counted(count, 'change')} in all.` : undefined}>
      <p>
        {number(added.length, 0)} added, {number(removed.length, 0)} removed, {number(modified.length, 0)} changed,{' '}
        {number(renamed.length, 0)} renamed
      </p>
      {rows.length > 0 && (
        <Table
          name="file-changes"
          caption="Files that changed"
          rows={rows}
          rowKey={({ change, path, from }) => `${change} ${path} ${from}`}
          columns={[
            { key: 'change', head: 'Change', value: ({ change }) => change, cell: ({ change }) => <span class="tag">{change}</span> },
            {
              key: 'path',
              head: 'Path',
              value: ({ path }) => path,
              cell: ({ path, from }) => (
                <>
                  {from !== '' && <span class="quiet">{from} → </span>}
                  {path}
                </>
              ),
            },
          ]}
        />
      )}
    </Card>
  );
}
