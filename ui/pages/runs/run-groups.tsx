import type { JSX } from 'preact';
import { number } from '../../lib/format.ts';
import { columnParts, filterWithin } from '../../lib/run-view.ts';
import type { RunGroup, RunSelection } from '../../lib/tracking-shapes.ts';
import { usePosted } from '../../lib/use-posted.ts';
import { Load } from '../../parts/page.tsx';
import { type Column, Table } from '../../parts/table.tsx';

/** Runs by the value of a parameter, with mean and range of the metrics that the table shows. */
export function RunGroups({
  selection,
  by,
  columns,
  onEnter,
}: {
  readonly selection: RunSelection;
  readonly by: string;
  readonly columns: readonly string[];
  readonly onEnter: (filter: string) => void;
}): JSX.Element {
  const metrics = columns.map(columnParts).flatMap(({ entity, key }) => (entity === 'metrics' ? [key] : []));
  const { filter, view, experiments } = selection;
  const body = { ...(experiments === undefined ? {} : { experiments }), filter, view, by, metrics };
  const groups = usePosted<{ readonly items: readonly RunGroup[] }>('runs/groups', body, ['run.']);
  return (
    <section class="run-groups" aria-label={`Groups by ${by}`}>
      <Load of={groups} what="The groups">
        {({ items }) => (
          <Table
            name="groups"
            caption={`Runs by ${by}`}
            rows={items}
            rowKey={({ value }) => (value === null ? 'none' : `=${value}`)}
            columns={[
              {
                key: 'value',
                head: by,
                value: ({ value }) => value,
                cell: ({ value }) => (
                  <button type="button" class="plain" onClick={() => onEnter(filterWithin(filter, by, value))}>
                    {value ?? 'without it'}
                  </button>
                ),
              },
              { key: 'runs', head: 'Runs', number: true, value: ({ runs }) => runs, cell: ({ runs }) => number(runs, 0) },
              ...metrics.map((name, at): Column<RunGroup> => ({
                key: `m.${name}`,
                head: `${name}, mean (range)`,
                number: true,
                value: (group) => group.metrics[at]?.mean,
                cell: (group) => {
                  const figures = group.metrics[at];
                  if (figures === null || figures === undefined) return '—';
                  return figures.min === figures.max
                    ? number(figures.mean)
                    : `${number(figures.mean)} (${number(figures.min)} to ${number(figures.max)})`;
                },
              })),
            ]}
          />
        )}
      </Load>
    </section>
  );
}
