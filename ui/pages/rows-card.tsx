import type { JSX } from 'preact';
import { useCallback } from 'preact/hooks';
import { get } from '../lib/api.ts';
import { counted } from '../lib/format.ts';
import { useResource } from '../lib/resource.ts';
import type { RowsAnswer } from '../lib/shapes.ts';
import { Grid, type GridRow } from '../parts/grid.tsx';
import { Card, Load } from '../parts/page.tsx';

/** All rows of a version, asked for as they come in sight. */
export function RowsCard({ digest }: { readonly digest: string }): JSX.Element {
  const shape = useResource<RowsAnswer>(`datasets/${digest}/rows?limit=1`);
  const rows = useCallback(
    async (offset: number, limit: number, signal: AbortSignal): Promise<readonly GridRow[]> =>
      (await get<RowsAnswer>(`datasets/${digest}/rows?offset=${offset}&limit=${limit}`, signal)).rows,
    [digest],
  );
  return (
    <Card
      title="Rows"
      wide
      says={shape.data === undefined ? undefined : `${counted(shape.data.total, 'row')}, in the order of the source.`}
    >
      <Load of={shape} what="The rows">
        {({ columns, total }) => (
          <Grid
            caption="Rows of this version"
            columns={columns.map(({ name, type }) => ({ name, number: type === 'number' || type === 'integer' }))}
            total={total}
            rows={rows}
            of={digest}
          />
        )}
      </Load>
    </Card>
  );
}
