import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { send } from '../../lib/api.ts';
import { counted, number } from '../../lib/format.ts';
import { askedOf, cellOf, headOf, rowsAt } from '../../lib/run-columns.ts';
import { toCsv } from '../../lib/table-rows.ts';
import { tagsIn } from '../../lib/tag-lines.ts';
import type { RunSelection } from '../../lib/tracking-shapes.ts';
import { Action } from '../../parts/action.tsx';
import { saveFile } from '../../parts/save-file.ts';
import { comparePath, mostCompared } from './compare-path.ts';

/** As many as are changed at once. */
const mostChanged = 1000;
const firstRuns = 20;

/** What can be done with runs that are selected, or with all that are shown. */
export function RunActions({
  selection,
  positions,
  columns,
  selected,
  onSelect,
}: {
  readonly selection: RunSelection;
  readonly positions: readonly number[];
  readonly columns: readonly string[];
  readonly selected: ReadonlySet<string>;
  readonly onSelect: (runs: ReadonlySet<string>) => void;
}): JSX.Element {
  const [saving, setSaving] = useState<number | undefined>(undefined);
  const runs = [...selected];
  const nothing = runs.length === 0 ? ['select runs first (x)'] : runs.length > mostChanged ? [`at most ${mostChanged} at once`] : [];
  const alter = async (body: object): Promise<void> => {
    await send('POST', 'runs/change', { runs, ...body });
    onSelect(new Set());
  };
  const exportCsv = async (): Promise<void> => {
    setSaving(0);
    try {
      const asked = askedOf(columns);
      const rows = await rowsAt(positions, asked, setSaving);
      const chosen = runs.length === 0 ? rows : rows.filter(({ id }) => selected.has(id));
      const all = ['run_id', 'name', ...columns.filter((id) => id !== 'run_id')];
      const heads = all.map((id) => ({
        key: id,
        head: id === 'duration' ? 'duration_ms' : id === 'name' ? 'Run' : id.includes('.') ? id : headOf(id),
        value: (row: (typeof rows)[number]) => cellOf(row, id, asked),
      }));
      saveFile('runs.csv', 'text/csv', toCsv(chosen, heads));
    } finally {
      setSaving(undefined);
    }
  };
  const selectFirst = async (): Promise<void> => {
    const rows = await rowsAt(positions.slice(0, firstRuns), askedOf([]), () => undefined);
    onSelect(new Set(rows.map(({ id }) => id)));
  };
  return (
    <div class="run-actions" role="group" aria-label="With the selected runs">
      {runs.length === 0 ? (
        <button type="button" class="plain" onClick={() => void selectFirst()}>
          Select the first {Math.min(firstRuns, positions.length)}
        </button>
      ) : (
        <>
          <b>{counted(runs.length, 'run')} selected</b>
          <button type="button" class="plain" onClick={() => onSelect(new Set())}>
            Select none
          </button>
          {runs.length <= mostCompared ? (
            <a class="button" href={comparePath(runs)}>
              {runs.length === 1 ? 'Charts' : 'Compare'}
            </a>
          ) : (
            <span class="quiet">at most {mostCompared} can be compared</span>
          )}
          <Action
            label="Tag"
            permission="log"
            missing={nothing}
            explain={<p>Sets tags of {counted(runs.length, 'run')}. A key without a value takes the tag away.</p>}
            statement={{ label: 'Tags, one a line', hint: 'team=vision' }}
            act={(text) => alter({ tags: tagsIn(text) })}
          />
          {selection.view !== 'deleted' && (
            <Action
              label="Delete"
              permission="log"
              missing={nothing}
              explain={<p>Deletes {counted(runs.length, 'run')}. They can be restored until garbage is collected.</p>}
              act={() => alter({ lifecycle: 'deleted' })}
            />
          )}
          {selection.view !== 'active' && (
            <Action
              label="Restore"
              permission="log"
              missing={nothing}
              explain={<p>Restores {counted(runs.length, 'run')}.</p>}
              act={() => alter({ lifecycle: 'active' })}
            />
          )}
        </>
      )}
      <button type="button" class="plain" disabled={saving !== undefined || positions.length === 0} onClick={() => void exportCsv()}>
        {saving === undefined ? 'CSV' : `${number(saving, 0)} of ${number(positions.length, 0)}`}
      </button>
    </div>
  );
}
