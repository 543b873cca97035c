import type { ComponentChildren, JSX } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { navigate, queryValue, setQuery } from '../lib/router.ts';
import { type Cell, nextSort, rowsInSight, toCsv, viewed } from '../lib/table-rows.ts';
import { counted } from '../lib/format.ts';
import { saveFile } from './save-file.ts';

export interface Column<Row> {
  readonly key: string;
  readonly head: string;
  readonly value: (row: Row) => Cell;
  /** What is drawn; default: the value. */
  readonly cell?: (row: Row) => ComponentChildren;
  /** Numbers stand on the right. */
  readonly number?: boolean;
}

export interface TableProps<Row> {
  /** Names this table in the address: two on a page differ. */
  readonly name: string;
  readonly caption: string;
  readonly rows: readonly Row[];
  readonly columns: readonly Column<Row>[];
  readonly rowKey: (row: Row) => string;
  /** The page of a row: Enter opens it. */
  readonly href?: (row: Row) => string | undefined;
  readonly marked?: (row: Row) => boolean;
  readonly sort?: string;
  /** Default: with eight rows or more. */
  readonly filterable?: boolean;
}

const virtualFrom = 200;
const rowHeight = 32;

/** Rows with sorting and filter in the address, j and k from row to row, Enter to open; long ones draw what is in sight. */
export function Table<Row>(props: TableProps<Row>): JSX.Element {
  const { name, rows, columns, rowKey, href } = props;
  const sort = queryValue(`${name}.sort`) ?? props.sort;
  const filter = queryValue(`${name}.filter`);
  const shown = viewed(rows, columns, { sort, filter });
  const virtual = shown.length > virtualFrom;
  const scroller = useRef<HTMLDivElement>(null);
  const [scrollTop, setScrollTop] = useState(0);
  const [height, setHeight] = useState(600);
  useLayoutEffect(() => {
    if (scroller.current !== null) setHeight(scroller.current.clientHeight);
  }, [virtual]);
  const { first, last } = virtual ? rowsInSight({ scrollTop, height, rowHeight, rows: shown.length }) : { first: 0, last: shown.length };

  const onKeyDown = (event: KeyboardEvent): void => {
    const at = event.target instanceof Element ? event.target.closest('tr[data-row]') : null;
    if (event.key === 'Enter' && event.target === at && at instanceof HTMLElement) {
      const row = shown[Number(at.dataset['row'])];
      const address = row === undefined ? undefined : href?.(row);
      if (address !== undefined) navigate(address);
    }
    const step = event.key === 'j' || event.key === 'ArrowDown' ? 1 : event.key === 'k' || event.key === 'ArrowUp' ? -1 : 0;
    if (step === 0 || at === null || event.ctrlKey || event.metaKey || event.altKey) return;
    const next = scroller.current?.querySelector<HTMLElement>(`tr[data-row="${Number(at.getAttribute('data-row')) + step}"]`);
    if (next === null || next === undefined) return;
    event.preventDefault();
    next.focus();
  };
  const filterable = props.filterable ?? rows.length >= 8;
  const csvName = `${props.caption.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.csv`;

  return (
    <div class="table">
      {filterable && (
        <div class="table-tools">
          <label>
            <span class="visually-hidden">Filter {props.caption}</span>
            <input
              type="search"
              placeholder="Filter"
              value={filter ?? ''}
              onInput={(event) => setQuery({ [`${name}.filter`]: event.currentTarget.value })}
            />
          </label>
          <span class="quiet" role="status">
            {shown.length === rows.length ? counted(rows.length, 'row') : `${shown.length} of ${counted(rows.length, 'row')}`}
          </span>
          <button type="button" class="plain" onClick={() => saveFile(csvName, 'text/csv', toCsv(shown, columns))}>
            CSV
          </button>
        </div>
      )}
      <div
        class={virtual ? 'table-scroll virtual' : 'table-scroll'}
        ref={scroller}
        role="region"
        aria-label={`${props.caption}, table`}
        tabIndex={0}
        onScroll={virtual ? (event) => setScrollTop(event.currentTarget.scrollTop) : undefined}
        onKeyDown={onKeyDown}
      >
        <table aria-rowcount={shown.length + 1}>
          <caption class="visually-hidden">{props.caption}</caption>
          <thead>
            <tr>
              {columns.map((column) => (
                <Head
                  key={column.key}
                  column={column}
                  sort={sort}
                  onSort={() => setQuery({ [`${name}.sort`]: nextSort(sort, column.key) })}
                />
              ))}
            </tr>
          </thead>
          <tbody>
            <Gap rows={first} columns={columns.length} />
            {shown.slice(first, last).map((row, index) => (
              <tr
                key={rowKey(row)}
                data-row={first + index}
                class={props.marked?.(row) === true ? 'marked' : undefined}
                tabIndex={-1}
                onDblClick={href === undefined ? undefined : () => open(href(row))}
              >
                {columns.map((column) => (
                  <td key={column.key} class={column.number === true ? 'number' : undefined}>
                    {column.cell === undefined ? (column.value(row) ?? '—') : column.cell(row)}
                  </td>
                ))}
              </tr>
            ))}
            <Gap rows={shown.length - last} columns={columns.length} />
          </tbody>
        </table>
        {shown.length === 0 && rows.length > 0 && (
          <p class="quiet no-rows">
            No row holds “{filter}”.{' '}
            <button type="button" class="plain" onClick={() => setQuery({ [`${name}.filter`]: undefined })}>
              Show all
            </button>
          </p>
        )}
      </div>
    </div>
  );
}

function open(address: string | undefined): void {
  if (address !== undefined) navigate(address);
}

/** The height of rows that are not drawn. */
function Gap({ rows, columns }: { readonly rows: number; readonly columns: number }): JSX.Element | null {
  if (rows <= 0) return null;
  return (
    <tr aria-hidden="true" class="gap">
      <td colSpan={columns} style={{ height: `${rows * rowHeight}px` }} />
    </tr>
  );
}

function Head<Row>({
  column,
  sort,
  onSort,
}: {
  readonly column: Column<Row>;
  readonly sort: string | undefined;
  readonly onSort: () => void;
}): JSX.Element {
  const direction = sort === column.key ? 'ascending' : sort === `-${column.key}` ? 'descending' : undefined;
  return (
    <th scope="col" class={column.number === true ? 'number' : undefined} aria-sort={direction}>
      <button type="button" onClick={onSort}>
        {column.head}
        <span aria-hidden="true" class="sort-mark">
          {direction === undefined ? '' : direction === 'ascending' ? '▲' : '▼'}
        </span>
      </button>
    </th>
  );
}
