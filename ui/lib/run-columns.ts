import { send } from './api.ts';
import type { Cell } from './table-rows.ts';
import { columnParts, ownColumns } from './run-view.ts';
import type { MetricValue, RunColumns, RunRow } from './tracking-shapes.ts';

/** What the server is asked for, so that a row has these columns. */
export function askedOf(ids: readonly string[]): RunColumns {
  const of = (entity: string): string[] => ids.map(columnParts).flatMap((part) => (part.entity === entity ? [part.key] : []));
  return { metrics: of('metrics'), parameters: of('params'), tags: of('tags') };
}

/** A metric's value as a number; what is no number or infinite is too. */
export function metricNumber(value: MetricValue | undefined): number | undefined {
  return value === null || value === undefined ? undefined : Number(value);
}

/** The value of a column in a row that was asked for with `asked`, for drawing and for CSV. */
export function cellOf(row: RunRow, id: string, asked: RunColumns): Cell {
  const { entity, key } = columnParts(id);
  switch (entity) {
    case 'metrics':
      return metricNumber(row.metrics[asked.metrics.indexOf(key)]);
    case 'params':
      return row.parameters[asked.parameters.indexOf(key)];
    case 'tags':
      return row.tags[asked.tags.indexOf(key)];
    case 'own':
      return ownCell(row, key);
  }
}

function ownCell(row: RunRow, key: string): Cell {
  switch (key) {
    case 'name':
      return row.name;
    case 'status':
      return row.status;
    case 'start_time':
      return row.startedAt;
    case 'user_id':
      return row.user;
    case 'run_id':
      return row.id;
    case 'duration':
      return row.endedAt === undefined ? undefined : Date.parse(row.endedAt) - Date.parse(row.startedAt);
    default:
      return undefined;
  }
}

/** A column's head: the key itself; whose it is shows where two could be taken for one another. */
export function headOf(id: string): string {
  const { entity, key } = columnParts(id);
  return entity === 'own' ? (ownColumns.find((own) => own.id === id)?.head ?? id) : key;
}

/** Rows at positions, some hundred at a time. @param each told how many are there */
export async function rowsAt(positions: readonly number[], columns: RunColumns, each: (done: number) => void): Promise<readonly RunRow[]> {
  const rows: RunRow[] = [];
  for (let start = 0; start < positions.length; start += 500) {
    const body = { positions: positions.slice(start, start + 500), columns };
    const { items } = await send<{ readonly items: readonly RunRow[] }>('POST', 'runs/rows', body);
    rows.push(...items);
    each(rows.length);
  }
  return rows;
}
