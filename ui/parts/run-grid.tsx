import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Sparkline } from '../charts/sparkline.tsx';
import { counted, number } from '../lib/format.ts';
import { recordPath } from '../lib/records.ts';
import { navigate } from '../lib/router.ts';
import { rowsThatFit, scrolledHeight, scrollTopOf } from '../lib/row-window.ts';
import { useRunRows, useSparks } from '../lib/run-rows.ts';
import { narrowest, widest } from '../lib/run-view.ts';
import type { RunColumns, RunRow } from '../lib/tracking-shapes.ts';
import { useRowWindow } from '../lib/use-row-window.ts';
import { NotLoaded } from './not-loaded.tsx';

export interface RunGridColumn {
  readonly id: string;
  readonly head: string;
  readonly number: boolean;
  /** Pixels. */
  readonly width: number;
  readonly pinned: boolean;
  /** Undefined: its head does not sort. */
  readonly sortable: boolean;
  /** The metric whose line stands beside the value. */
  readonly line?: string;
  readonly draw: (row: RunRow) => ComponentChildren;
}

export interface RunGridProps {
  readonly positions: readonly number[];
  readonly columns: readonly RunGridColumn[];
  /** What the rows hold. */
  readonly asked: RunColumns;
  /** Changes when runs may have changed. */
  readonly turn: unknown;
  readonly sort: string | undefined;
  readonly onSort: (column: string) => void;
  readonly onResize: (column: string, width: number) => void;
  readonly selected: ReadonlySet<string>;
  readonly onSelect: (runs: ReadonlySet<string>) => void;
}

const rowPx = 32;
const selectPx = 40;

/** Runs by the hundred thousand: rows in sight only, columns that can be pinned and made wider. */
export function RunGrid(props: RunGridProps): JSX.Element {
  const { positions, columns, selected, onSelect } = props;
  const total = positions.length;
  const { scroller, head, onScroll, view, first, last } = useRowWindow(total, rowPx);
  const [active, setActive] = useState<number | undefined>(undefined);
  const { rowAt, error, retry } = useRunRows({ positions, first, last, columns: props.asked, turn: props.turn });
  const shown = Array.from({ length: last - first }, (_, index) => rowAt(first + index));
  const lines = columns.flatMap(({ line }) => line ?? []);
  const lineOf = useSparks(
    lines,
    shown.flatMap((row) => row?.id ?? []),
    props.turn,
  );
  const places = useMemo(() => placesOf(columns), [columns]);
  useEffect(() => setActive(undefined), [total]);

  const goTo = (row: number): void => {
    const to = Math.max(0, Math.min(total - 1, row));
    setActive(to);
    if (to < first) scroller.current?.scrollTo({ top: scrollTopOf(to, view) });
    else if (to >= last - 1) scroller.current?.scrollTo({ top: scrollTopOf(to - rowsThatFit(view) + 2, view) });
  };
  const toggle = (id: string): void => {
    const next = new Set(selected);
    if (!next.delete(id)) next.add(id);
    onSelect(next);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.target !== scroller.current || event.ctrlKey || event.metaKey || event.altKey || total === 0) return;
    const at = active ?? first - 1;
    const page = Math.max(1, last - first - 2);
    const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: page, PageUp: -page, Home: -total, End: total }[event.key];
    const row = active === undefined ? undefined : rowAt(active);
    if (step !== undefined) goTo(at + step);
    else if (event.key === 'x' && row !== undefined) toggle(row.id);
    else if (event.key === 'Enter' && row !== undefined) navigate(recordPath('run', row.id));
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const activeRow = active === undefined ? undefined : rowAt(active);
  const width = selectPx + columns.reduce((sum, column) => sum + column.width, 0);

  return (
    <div class="run-grid">
      <p class="quiet" role="status">
        {total === 0
          ? 'no runs'
          : active === undefined
            ? `runs ${number(first + 1, 0)} to ${number(last, 0)} of ${counted(total, 'run')}`
            : `run ${number(active + 1, 0)} of ${number(total, 0)}${activeRow === undefined ? '' : `: ${activeRow.name}${selected.has(activeRow.id) ? ', selected' : ''}`}`}
      </p>
      {error !== undefined && <NotLoaded what="Runs" error={error} retry={retry} />}
      <div
        class="run-grid-scroll"
        ref={scroller}
        role="region"
        aria-label="Runs, table"
        tabIndex={0}
        onScroll={onScroll}
        onKeyDown={onKeyDown}
      >
        <div style={{ height: `${scrolledHeight(view) + (head.current?.offsetHeight ?? rowPx)}px`, width: `${width}px` }}>
          <table aria-rowcount={total + 1} style={{ width: `${width}px` }}>
            <caption class="visually-hidden">Runs</caption>
            <colgroup>
              <col style={{ width: `${selectPx}px` }} />
              {columns.map((column) => (
                <col key={column.id} style={{ width: `${column.width}px` }} />
              ))}
            </colgroup>
            <thead ref={head}>
              <tr aria-rowindex={1}>
                <td class="pinned" style={{ left: 0 }} />
                {columns.map((column, index) => (
                  <Head key={column.id} column={column} left={places[index]} {...props} />
                ))}
              </tr>
            </thead>
            <tbody>
              {shown.map((row, index) => (
                <Row
                  key={index}
                  index={first + index}
                  row={row}
                  columns={columns}
                  places={places}
                  lines={row === undefined ? undefined : columns.map(({ line }) => (line === undefined ? undefined : lineOf(line, row.id)))}
                  active={active === first + index}
                  selected={row !== undefined && selected.has(row.id)}
                  toggle={toggle}
                />
              ))}
            </tbody>
          </table>
        </div>
      </div>
    </div>
  );
}

/** How far from the left each pinned column stays; undefined for those that move. */
function placesOf(columns: readonly RunGridColumn[]): readonly (number | undefined)[] {
  let left = selectPx;
  return columns.map(({ pinned, width }) => {
    if (!pinned) return undefined;
    const place = left;
    left += width;
    return place;
  });
}

interface RowProps {
  readonly index: number;
  readonly row: RunRow | undefined;
  readonly columns: readonly RunGridColumn[];
  readonly places: readonly (number | undefined)[];
  readonly lines: readonly (readonly number[] | undefined)[] | undefined;
  readonly active: boolean;
  readonly selected: boolean;
  readonly toggle: (id: string) => void;
}

/** Drawn anew only when what it shows has changed: most rows of a table that is scrolled by one stay as they are. */
function Row({ index, row, columns, places, lines, active, selected, toggle }: RowProps): JSX.Element {
  const latest = useRef(toggle);
  latest.current = toggle;
  const drawn = lines?.map((line) => line?.length ?? -1).join(' ');
  return useMemo(
    () => (
      <tr
        aria-rowindex={index + 2}
        class={`${active ? 'active ' : ''}${selected ? 'selected ' : ''}${row?.lifecycle === 'deleted' ? 'deleted' : ''}`}
        onDblClick={row === undefined ? undefined : () => navigate(recordPath('run', row.id))}
      >
        <td class="pinned select" style={{ left: 0 }}>
          {row !== undefined && (
            <input
              type="checkbox"
              tabIndex={-1}
              aria-label={`Select ${row.name}`}
              checked={selected}
              onChange={() => latest.current(row.id)}
            />
          )}
        </td>
        {columns.map((column, at) => {
          const left = places[at];
          const line = lines?.[at];
          return (
            <td
              key={column.id}
              class={`${column.number ? 'number ' : ''}${left === undefined ? '' : 'pinned '}${row === undefined ? 'coming' : ''}`}
              style={left === undefined ? undefined : { left: `${left}px` }}
            >
              {row !== undefined && column.draw(row)}
              {line !== undefined && line.length > 1 && (
                <Sparkline label={`${column.head} over steps`} values={line} width={64} height={22} />
              )}
            </td>
          );
        })}
      </tr>
    ),
    [index, row, columns, places, drawn, active, selected],
  );
}

function Head({
  column,
  left,
  sort,
  onSort,
  onResize,
}: { readonly column: RunGridColumn; readonly left: number | undefined } & Pick<
  RunGridProps,
  'sort' | 'onSort' | 'onResize'
>): JSX.Element {
  const direction = sort === column.id ? 'ascending' : sort === `-${column.id}` ? 'descending' : undefined;
  const begin = useRef<{ readonly x: number; readonly width: number } | undefined>(undefined);
  const within = (width: number): number => Math.min(widest, Math.max(narrowest, width));
  const text = (
    <>
      <span class="head-text">{column.head}</span>
      {direction !== undefined && (
        <span aria-hidden="true" class="sort-mark">
          {direction === 'ascending' ? '▲' : '▼'}
        </span>
      )}
    </>
  );
  return (
    <th
      scope="col"
      class={`${column.number ? 'number ' : ''}${left === undefined ? '' : 'pinned'}`}
      aria-sort={direction}
      style={left === undefined ? undefined : { left: `${left}px` }}
      title={column.head}
    >
      {column.sortable ? (
        <button type="button" onClick={() => onSort(column.id)}>
          {text}
        </button>
      ) : (
        <span class="grid-head">{text}</span>
      )}
      <span
        class="resize"
        role="separator"
        tabIndex={0}
        aria-orientation="vertical"
        aria-label={`Width of ${column.head}`}
        aria-valuenow={column.width}
        aria-valuemin={narrowest}
        aria-valuemax={widest}
        onPointerDown={(event) => {
          begin.current = { x: event.clientX, width: column.width };
          event.currentTarget.setPointerCapture(event.pointerId);
        }}
        onPointerMove={(event) => {
          if (begin.current !== undefined) onResize(column.id, within(begin.current.width + event.clientX - begin.current.x));
        }}
        onPointerUp={() => {
          begin.current = undefined;
        }}
        onKeyDown={(event) => {
          const step = { ArrowLeft: -16, ArrowRight: 16 }[event.key];
          if (step === undefined) return;
          event.preventDefault();
          onResize(column.id, within(column.width + step));
        }}
      />
    </th>
  );
}
