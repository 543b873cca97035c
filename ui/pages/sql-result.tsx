import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { SqlAnswer } from '../lib/shapes.ts';
import { toCsv } from '../lib/table-rows.ts';
import { Grid, type GridRow } from '../parts/grid.tsx';
import { saveFile } from '../parts/save-file.ts';

/** Engine types whose values stand on the right. */
const numeric = /^(U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|FLOAT|DOUBLE|DECIMAL)/;

/** What a query gave, as a grid of any length; the whole of it to keep as CSV. */
export function SqlResult({ answer }: { readonly answer: SqlAnswer }): JSX.Element {
  const { columns, rows, truncated } = answer;
  const shown = useMemo(() => {
    const names = distinctNames(columns.map(({ name }) => name));
    const records = rows.map((row): GridRow => Object.fromEntries(names.map((name, index) => [name, row[index] ?? null])));
    return { names, records, of: `${performance.now()}` };
  }, [answer]);
  if (columns.length === 0) return <p class="quiet">The query gave no columns.</p>;
  return (
    <>
      <p class="inline-form">
        <button
          type="button"
          onClick={() =>
            saveFile(
              'result.csv',
              'text/csv',
              toCsv(
                shown.records,
                shown.names.map((name) => ({ key: name, head: name, value: (row: GridRow) => row[name] })),
              ),
            )
          }
        >
          Keep as CSV
        </button>
        {truncated && <span class="tone-warn">There are more rows than these: ask for fewer, or allow more.</span>}
      </p>
      <Grid
        caption="Result of the query"
        columns={shown.names.map((name, index) => ({
          name,
          number: numeric.test(columns[index]?.type ?? ''),
          note: (columns[index]?.type ?? '').toLowerCase(),
        }))}
        total={rows.length}
        rows={(offset, limit) => Promise.resolve(shown.records.slice(offset, offset + limit))}
        of={shown.of}
      />
    </>
  );
}

/** A query may give two columns the same name; here the later ones say which they are. */
function distinctNames(names: readonly string[]): readonly string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name} (${count})`;
  });
}
