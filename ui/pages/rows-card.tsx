import type { JSX } from 'preact';
import { useCallback, useState } from 'preact/hooks';
import { get } from '../lib/api.ts';
import { counted, number } from '../lib/format.ts';
import { useResource } from '../lib/resource.ts';
import { conditionOf, filtersIn, operatorsOf, type RowFilter, searchWith, takesValue } from '../lib/row-filter.ts';
import { navigate, queryValue, search, setQuery } from '../lib/router.ts';
import type { RowsAnswer } from '../lib/shapes.ts';
import { nextSort } from '../lib/table-rows.ts';
import { Grid, type GridRow } from '../parts/grid.tsx';
import { Card, Load } from '../parts/page.tsx';

type Column = RowsAnswer['columns'][number];

/** All rows of a version, asked for as they come in sight: selected and sorted by the server. */
export function RowsCard({ digest }: { readonly digest: string }): JSX.Element {
  const whole = useResource<RowsAnswer>(`datasets/${digest}/rows?limit=1`);
  return (
    <Card title="Rows" wide aside={<a href={`/data/${digest}/sql`}>Ask by SQL</a>}>
      <Load of={whole} what="The rows">
        {({ columns, total }) => <Rows digest={digest} columns={columns} all={total} />}
      </Load>
    </Card>
  );
}

function Rows({
  digest,
  columns,
  all,
}: {
  readonly digest: string;
  readonly columns: readonly Column[];
  readonly all: number;
}): JSX.Element {
  const filters = filtersIn(search.value);
  const sort = queryValue('rows.sort');
  const route = `datasets/${digest}/rows${viewQuery(filters, sort, columns)}`;
  const chosen = useResource<RowsAnswer>(`${route}&limit=1`);
  const rows = useCallback(
    async (offset: number, limit: number, signal: AbortSignal): Promise<readonly GridRow[]> =>
      (await get<RowsAnswer>(`${route}&offset=${offset}&limit=${limit}`, signal)).rows,
    [route],
  );
  const masked = columns.filter((column) => column.masked === true).map(({ name }) => name);
  return (
    <>
      <p class="says">
        {filters.length === 0 || chosen.data === undefined
          ? `${counted(all, 'row')}, ${sort === undefined ? 'in the order of the source' : 'sorted'}.`
          : `${number(chosen.data.total, 0)} of ${counted(all, 'row')} meet ${filters.length === 1 ? 'the condition' : 'all conditions'}; a missing value meets no comparison.`}
        {masked.length > 0 && (
          <>
            {' '}
            {masked.join(', ')} {masked.length === 1 ? 'is' : 'are'} personal or sensitive: hidden from you, shown to a data steward.
          </>
        )}
      </p>
      <Filters columns={columns.filter((column) => column.masked !== true)} filters={filters} />
      <Load of={chosen} what="The rows">
        {({ total }) => (
          <Grid
            caption="Rows of this version"
            columns={columns.map(({ name, type, masked: isMasked }) => ({
              name,
              number: type === 'number' || type === 'integer',
              ...(isMasked === true ? { note: 'hidden', fixed: true } : {}),
            }))}
            total={total}
            rows={rows}
            of={route}
            sort={sort}
            onSort={(column) => setQuery({ 'rows.sort': nextSort(sort, column) })}
          />
        )}
      </Load>
    </>
  );
}

/** The query of the rows route for what the address asks. */
function viewQuery(filters: readonly RowFilter[], sort: string | undefined, columns: readonly Column[]): string {
  const query = new URLSearchParams();
  const where = conditionOf(filters, new Map(columns.map(({ name, type }) => [name, type])));
  if (where !== undefined) query.set('where', where);
  if (sort !== undefined) query.set('sort', sort);
  return `?${query.toString()}`;
}

function show(filters: readonly RowFilter[]): void {
  navigate(`${location.pathname}${searchWith(location.search, filters)}`, { replace: true });
}

/** Conditions that rows have to meet, each of which can be taken away, and a form for one more. */
function Filters({
  columns,
  filters,
}: {
  readonly columns: readonly Column[];
  readonly filters: readonly RowFilter[];
}): JSX.Element | null {
  const [column, setColumn] = useState(columns[0]?.name ?? '');
  const type = columns.find(({ name }) => name === column)?.type ?? 'string';
  const operators = operatorsOf(type);
  const [chosen, setOperator] = useState('=');
  const operator = operators.includes(chosen) ? chosen : '=';
  if (columns.length === 0) return null;
  return (
    <div class="row-filters">
      <form
        class="inline-form"
        aria-label="Select rows"
        onSubmit={(event) => {
          event.preventDefault();
          const entered = new FormData(event.currentTarget);
          show([...filters, { column, operator, value: takesValue(operator) ? String(entered.get('value')) : '' }]);
          event.currentTarget.reset();
        }}
      >
        <label>
          <span class="visually-hidden">Column</span>
          <select value={column} onChange={(event) => setColumn(event.currentTarget.value)}>
            {columns.map(({ name }) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span class="visually-hidden">Comparison</span>
          <select value={operator} onChange={(event) => setOperator(event.currentTarget.value)}>
            {operators.map((each) => (
              <option key={each} value={each}>
                {each.replace('!=', '≠').replace('>=', '≥').replace('<=', '≤')}
              </option>
            ))}
          </select>
        </label>
        {takesValue(operator) && (
          <label>
            <span class="visually-hidden">Value</span>
            {type === 'boolean' ? (
              <select name="value">
                <option value="true">true</option>
                <option value="false">false</option>
              </select>
            ) : (
              <input
                name="value"
                autocomplete="off"
                required={type !== 'string'}
                placeholder={type === 'instant' ? '2026-01-31' : 'value'}
                inputMode={type === 'number' || type === 'integer' ? 'decimal' : 'text'}
              />
            )}
          </label>
        )}
        <button type="submit">Add condition</button>
      </form>
      {filters.length > 0 && (
        <ul class="chips" aria-label="Conditions">
          {filters.map((filter) => (
            <li key={`${filter.column}${filter.operator}${filter.value}`}>
              <button
                type="button"
                class="chip"
                title="Take this condition away"
                onClick={() => show(filters.filter((other) => other !== filter))}
              >
                {filter.column} {filter.operator} {filter.value} <span aria-hidden="true">×</span>
                <span class="visually-hidden">, take away</span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
