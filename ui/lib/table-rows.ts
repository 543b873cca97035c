export type Cell = string | number | boolean | null | undefined;

/** How a table is looked at, as the address holds it: `-rows` is by `rows`, greatest first. */
export interface TableView {
  readonly sort?: string | undefined;
  readonly filter?: string | undefined;
}

export interface ReadableColumn<Row> {
  readonly key: string;
  /** What sorting, filtering and CSV go by. */
  readonly value: (row: Row) => Cell;
}

/** The rows that a view shows, in its order. Missing values come last both ways; equal ones keep their order. */
export function viewed<Row>(rows: readonly Row[], columns: readonly ReadableColumn<Row>[], view: TableView): readonly Row[] {
  const wanted = (view.filter ?? '').trim().toLowerCase();
  const kept =
    wanted === ''
      ? rows
      : rows.filter((row) =>
          columns.some(({ value }) =>
            String(value(row) ?? '')
              .toLowerCase()
              .includes(wanted),
          ),
        );
  const descending = view.sort?.startsWith('-') ?? false;
  const key = descending ? view.sort?.slice(1) : view.sort;
  const column = columns.find((candidate) => candidate.key === key);
  if (column === undefined) return kept;
  return [...kept].sort((a, b) => compared(column.value(a), column.value(b), descending));
}

function compared(a: Cell, b: Cell, descending: boolean): number {
  const missing = Number(isMissing(a)) - Number(isMissing(b));
  if (missing !== 0 || isMissing(a) || isMissing(b)) return missing;
  const order = typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b), 'en', { numeric: true });
  return descending ? -order : order;
}

function isMissing(value: Cell): value is null | undefined {
  return value === null || value === undefined || (typeof value === 'number' && Number.isNaN(value));
}

/** What a click on a column's head makes of the order: rising, falling, as it came. */
export function nextSort(current: string | undefined, key: string): string | undefined {
  if (current === key) return `-${key}`;
  return current === `-${key}` ? undefined : key;
}

/** Rows as CSV (RFC 4180). A value that a spreadsheet would take for a formula gets a quote in front. */
export function toCsv<Row>(rows: readonly Row[], columns: readonly (ReadableColumn<Row> & { readonly head: string })[]): string {
  const lines = [columns.map(({ head }) => head), ...rows.map((row) => columns.map(({ value }) => value(row)))];
  return `${lines.map((cells) => cells.map(csvCell).join(',')).join('\r\n')}\r\n`;
}

function csvCell(value: Cell): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Which rows of a long table are drawn: those in sight and a few around. */
export function rowsInSight(facts: {
  readonly scrollTop: number;
  readonly height: number;
  readonly rowHeight: number;
  readonly rows: number;
}): { readonly first: number; readonly last: number } {
  const around = 8;
  const first = Math.max(0, Math.min(facts.rows, Math.floor(facts.scrollTop / facts.rowHeight)) - around);
  const last = Math.min(facts.rows, Math.ceil((facts.scrollTop + facts.height) / facts.rowHeight) + around);
  return { first, last };
}
