import type { JSX } from 'preact';
import { useCallback, useMemo, useState } from 'preact/hooks';
import { duration, number } from '../../lib/format.ts';
import { recordPath } from '../../lib/records.ts';
import { search, setQuery } from '../../lib/router.ts';
import { askedOf, cellOf, headOf } from '../../lib/run-columns.ts';
import { useOrder } from '../../lib/run-rows.ts';
import { columnParts, orderOf, runViewOf, runViewQuery, sorts, usualColumns, type RunView } from '../../lib/run-view.ts';
import { nextSort } from '../../lib/table-rows.ts';
import type { RunKeys, RunRow, RunSelection } from '../../lib/tracking-shapes.ts';
import { usePosted } from '../../lib/use-posted.ts';
import { ColumnDialog } from '../../parts/column-dialog.tsx';
import { FilterBox } from '../../parts/filter-box.tsx';
import { NotLoaded } from '../../parts/not-loaded.tsx';
import { Card, Empty, Skeleton } from '../../parts/page.tsx';
import { RunGrid, type RunGridColumn } from '../../parts/run-grid.tsx';
import { WordState } from '../../parts/state.tsx';
import { Command, When } from '../../parts/values.tsx';
import { RunActions } from './run-actions.tsx';
import { RunGroups } from './run-groups.tsx';
import { ViewTools } from './view-tools.tsx';

const change = (view: Partial<RunView>): void => setQuery(runViewQuery(view));

/** All runs of experiments as one table: filtered, sorted, grouped, looked at as the address says. @param experiments undefined: of all */
export function RunsCard({ experiments }: { readonly experiments?: readonly string[] }): JSX.Element {
  const view = runViewOf(search.value);
  const scope = experiments === undefined ? {} : { experiments };
  const keys = usePosted<RunKeys>('runs/keys', scope, ['run.finished']);
  const selection: RunSelection = { ...scope, filter: view.filter, order: orderOf(view.sort), view: view.lifecycle };
  const { order, error, asking, reload } = useOrder(selection);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [choosing, setChoosing] = useState(false);
  const ids = view.columns ?? (keys.data === undefined ? undefined : usualColumns(keys.data));
  return (
    <Card
      title="Runs"
      wide
      aside={
        <div class="table-tools">
          <label>
            <span class="visually-hidden">Group by a parameter</span>
            <select value={view.group ?? ''} onChange={(event) => change({ group: event.currentTarget.value })}>
              <option value="">not grouped</option>
              {keys.data?.parameters.map(({ key }) => (
                <option key={key} value={key}>
                  by {key}
                </option>
              ))}
            </select>
          </label>
          <label>
            <span class="visually-hidden">Lifecycle</span>
            <select
              value={view.lifecycle}
              onChange={(event) => {
                const chosen = event.currentTarget.value;
                change({ lifecycle: chosen === 'deleted' || chosen === 'all' ? chosen : 'active' });
              }}
            >
              <option value="active">active</option>
              <option value="deleted">deleted</option>
              <option value="all">active and deleted</option>
            </select>
          </label>
          <button type="button" onClick={() => setChoosing(true)}>
            Columns
          </button>
          <ViewTools experiment={experiments?.length === 1 ? experiments[0] : undefined} />
        </div>
      }
    >
      <FilterBox value={view.filter} keys={keys.data} onApply={(filter) => change({ filter })} />
      {error !== undefined && <NotLoaded what="Runs" error={error} retry={reload} />}
      {view.group !== undefined && view.group !== '' && (
        <RunGroups selection={selection} by={view.group} columns={ids ?? []} onEnter={(filter) => change({ filter, group: undefined })} />
      )}
      {order === undefined || ids === undefined ? (
        error === undefined && <Skeleton />
      ) : order.positions.length === 0 && view.filter === '' && view.lifecycle === 'active' ? (
        <Empty title="No run yet.">
          <p>
            <Command>gyre run</Command> trains what <code>steps</code> in gyre.yaml describes; each trial shows here.
          </p>
          <p>
            Any MLflow client logs here too: <Command>{`export MLFLOW_TRACKING_URI=${location.origin}`}</Command>
          </p>
        </Empty>
      ) : (
        <div aria-busy={asking}>
          <RunActions selection={selection} positions={order.positions} columns={ids} selected={selected} onSelect={setSelected} />
          {order.more && <p class="says">More runs meet the filter than are shown: the first {number(order.positions.length, 0)}.</p>}
          <Rows view={view} ids={ids} positions={order.positions} turn={order} selected={selected} onSelect={setSelected} />
        </div>
      )}
      {choosing && ids !== undefined && (
        <ColumnDialog
          chosen={{ columns: ids, pinned: view.pinned, sparks: view.sparks }}
          keys={keys.data}
          onChange={change}
          close={() => setChoosing(false)}
        />
      )}
    </Card>
  );
}

const usualWidths: Readonly<Record<string, number>> = { name: 220, status: 110, start_time: 130, duration: 110, user_id: 110, run_id: 290 };
const lineWidth = 80;

function Rows({
  view,
  ids,
  positions,
  turn,
  selected,
  onSelect,
}: {
  readonly view: RunView;
  readonly ids: readonly string[];
  readonly positions: readonly number[];
  readonly turn: unknown;
  readonly selected: ReadonlySet<string>;
  readonly onSelect: (runs: ReadonlySet<string>) => void;
}): JSX.Element {
  // The address changes with every pixel of a head that is drawn wider: what does not change then stays the same.
  const shape = JSON.stringify([ids, view.pinned, view.sparks, [...view.widths]]);
  const asked = useMemo(() => askedOf(ids), [ids.join('\n')]);
  const columns = useMemo((): readonly RunGridColumn[] => {
    const pinned = ids.filter((id) => view.pinned.includes(id));
    const free = ids.filter((id) => !view.pinned.includes(id));
    return ['name', ...pinned, ...free].map((id) => {
      const { entity, key } = columnParts(id);
      const hasLine = entity === 'metrics' && view.sparks.includes(id);
      const usual = usualWidths[id] ?? Math.min(220, Math.max(90, headOf(id).length * 8 + 36)) + (hasLine ? lineWidth : 0);
      return {
        id,
        head: id === 'name' ? 'Run' : headOf(id),
        number: entity === 'metrics' || id === 'duration',
        width: view.widths.get(id) ?? usual,
        pinned: id === 'name' || view.pinned.includes(id),
        sortable: sorts(id),
        ...(hasLine ? { line: key } : {}),
        draw: (row: RunRow) => drawn(row, id, cellOf(row, id, asked)),
      };
    });
  }, [shape]);
  const onSort = useCallback((id: string) => {
    const now = runViewOf(search.value).sort;
    change({ sort: fromName(nextSort(toName(now), id)) });
  }, []);
  const onResize = useCallback((id: string, width: number) => {
    change({ widths: new Map([...runViewOf(search.value).widths, [id, width]]) });
  }, []);
  return (
    <RunGrid
      positions={positions}
      columns={columns}
      asked={asked}
      turn={turn}
      sort={toName(view.sort)}
      onSort={onSort}
      onResize={onResize}
      selected={selected}
      onSelect={onSelect}
    />
  );
}

/** The grammar's word for the column `name` is `run_name`. */
const toName = (sort: string | undefined): string | undefined => sort?.replace(/^(-?)run_name$/, '$1name');
const fromName = (sort: string | undefined): string | undefined => sort?.replace(/^(-?)name$/, '$1run_name');

function drawn(row: RunRow, id: string, value: ReturnType<typeof cellOf>): JSX.Element | string {
  if (id === 'name') return <a href={recordPath('run', row.id)}>{row.name === '' ? row.id.slice(-8) : row.name}</a>;
  if (id === 'status') return <WordState word={row.lifecycle === 'deleted' ? 'deleted' : row.status} />;
  if (id === 'start_time') return <When at={row.startedAt} />;
  if (id === 'duration') return typeof value === 'number' ? duration(Math.max(0, value)) : '—';
  if (value === null || value === undefined) return '—';
  return typeof value === 'number' ? number(value) : String(value);
}
