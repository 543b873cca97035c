import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { counted, number } from '../lib/format.ts';
import { scrolledHeight, scrollTopOf } from '../lib/row-window.ts';
import type { Cell } from '../lib/table-rows.ts';
import { type Known, pageLength as pageRows, usePages } from '../lib/use-pages.ts';
import { useRowWindow } from '../lib/use-row-window.ts';
import { NotLoaded } from './not-loaded.tsx';

export interface GridColumn {
  readonly name: string;
  /** Numbers stand on the right. */
  readonly number: boolean;
  /** Shown under the name: the column's type, or why its values are masked. */
  readonly note?: string;
  /** Its head does not sort: the reader may not see its values. */
  readonly fixed?: boolean;
}

export type GridRow = Readonly<Record<string, Cell>>;

export interface GridProps {
  readonly caption: string;
  readonly columns: readonly GridColumn[];
  readonly total: number;
  /** Rows from `offset` on. What is asked for twice may be answered from memory. */
  readonly rows: (offset: number, limit: number, signal: AbortSignal) => Promise<readonly GridRow[]>;
  /** Changes when other rows, or the same in another order, are meant: what is known is then forgotten. */
  readonly of: string;
  readonly sort?: string | undefined;
  /** Told the column whose head was clicked; without it, heads are plain. */
  readonly onSort?: (column: string) => void;
}

const rowPx = 32;
const mostCharacters = 44;

/** Any number of rows, asked for by pages as they come in sight. The scroll bar stands for the whole table. */
export function Grid(props: GridProps): JSX.Element {
  const { caption, columns, total } = props;
  const { scroller, head, onScroll, view, first, last } = useRowWindow(total, rowPx, columns.length);

  const { known, error, retry } = usePages<GridRow>({ items: props.rows, of: props.of, total }, first, last);
  const widths = useWidths(columns, known);

  const goTo = (row: number): void => {
    scroller.current?.scrollTo({ top: scrollTopOf(row, view) });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.target !== scroller.current || event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: last - first - 1, PageUp: first - last + 1 }[event.key];
    const to = event.key === 'Home' ? 0 : event.key === 'End' ? total : step === undefined ? undefined : first + step;
    if (to === undefined) return;
    event.preventDefault();
    goTo(to);
  };

  return (
    <div class="grid">
      <div class="table-tools">
        <label>
          Go to row{' '}
          <input
            type="number"
            min={1}
            max={Math.max(1, total)}
            onChange={(event) => {
              const row = event.currentTarget.valueAsNumber;
              if (Number.isFinite(row)) goTo(row - 1);
            }}
          />
        </label>
        <span class="quiet" role="status">
          {total === 0 ? 'no rows' : `rows ${number(first + 1, 0)} to ${number(last, 0)} of ${counted(total, 'row')}`}
        </span>
      </div>
      {error !== undefined && <NotLoaded what="Rows" error={error} retry={retry} />}
      <div
        class="grid-scroll"
        ref={scroller}
        role="region"
        aria-label={`${caption}, table`}
        tabIndex={0}
        onScroll={onScroll}
        onKeyDown={onKeyDown}
      >
        <div class="grid-height" style={{ height: `${scrolledHeight(view) + (head.current?.offsetHeight ?? rowPx)}px` }}>
          <table aria-rowcount={total + 1} aria-colcount={columns.length + 1}>
            <caption class="visually-hidden">{caption}</caption>
            <thead ref={head}>
              <tr aria-rowindex={1}>
                <th scope="col" class="number row-number">
                  Row
                </th>
                {columns.map((column, index) => (
                  <GridHead key={column.name} column={column} width={widths[index] ?? 8} sort={props.sort} onSort={props.onSort} />
                ))}
              </tr>
            </thead>
            <tbody>
              {Array.from({ length: last - first }, (_, index) => first + index).map((row) => (
                <DataRow key={row - first} row={row} columns={columns} values={known.get(Math.floor(row / pageRows))?.[row % pageRows]} />
              ))}
            </tbody>
          </table>
        </div>
      </div>
    </div>
  );
}

function GridHead({
  column,
  width,
  sort,
  onSort,
}: {
  readonly column: GridColumn;
  readonly width: number;
  readonly sort: string | undefined;
  readonly onSort: GridProps['onSort'];
}): JSX.Element {
  const direction = sort === column.name ? 'ascending' : sort === `-${column.name}` ? 'descending' : undefined;
  const text = (
    <>
      {column.name}
      {column.note !== undefined && <span class="grid-note">{column.note}</span>}
      {direction !== undefined && (
        <span aria-hidden="true" class="sort-mark">
          {direction === 'ascending' ? '▲' : '▼'}
        </span>
      )}
    </>
  );
  return (
    <th scope="col" class={column.number ? 'number' : undefined} aria-sort={direction} style={{ minWidth: `${width}ch` }}>
      {onSort === undefined || column.fixed === true ? (
        <span class="grid-head">{text}</span>
      ) : (
        <button type="button" onClick={() => onSort(column.name)}>
          {text}
        </button>
      )}
    </th>
  );
}

function DataRow({
  row,
  columns,
  values,
}: {
  readonly row: number;
  readonly columns: readonly GridColumn[];
  readonly values: GridRow | undefined;
}): JSX.Element {
  return (
    <tr aria-rowindex={row + 2}>
      <th scope="row" class="number row-number">
        {number(row + 1, 0)}
      </th>
      {columns.map(({ name, number: isNumber }) => {
        const value = values?.[name];
        if (values === undefined) return <td key={name} class="coming" />;
        if (value === null || value === undefined)
          return (
            <td key={name} class={isNumber ? 'number absent' : 'absent'}>
              missing
            </td>
          );
        const text = String(value);
        return (
          <td key={name} class={isNumber ? 'number' : undefined} title={text.length > mostCharacters ? text : undefined}>
            {text.length > mostCharacters ? `${text.slice(0, mostCharacters - 1)}…` : text}
          </td>
        );
      })}
    </tr>
  );
}

/** Widths in characters that fit what came first, so that columns stand still while rows pass. */
function useWidths(columns: readonly GridColumn[], known: Known<GridRow>): readonly number[] {
  const settled = useRef<{ readonly names: string; readonly widths: readonly number[] } | undefined>(undefined);
  const names = columns.map(({ name }) => name).join('\n');
  const [sample] = known.values();
  if (sample !== undefined && settled.current?.names !== names) {
    const widths = columns.map(({ name, note = '' }) =>
      Math.min(mostCharacters, Math.max(name.length, note.length, ...sample.map((row) => String(row[name] ?? '').length)) + 3),
    );
    settled.current = { names, widths };
  }
  return settled.current?.names === names ? settled.current.widths : columns.map(({ name }) => name.length + 3);
}
