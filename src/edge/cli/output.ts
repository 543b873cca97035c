import { styleText } from 'node:util';

/** Where a verb writes: anything with `write`, such as a process's streams. */
export interface Sink {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

type Cell = string | number | boolean | null | undefined;
type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

export interface TableColumn<T> {
  readonly title: string;
  readonly of: (item: T) => Cell;
  readonly align?: 'left' | 'right';
}

/** What a verb says: for people in words and tables, for programs (`--json`) as one JSON document. */
export class Output {
  readonly #out: Sink;
  readonly #err: Sink;
  readonly #colours: boolean;
  readonly json: boolean;

  constructor(
    out: Sink,
    err: Sink,
    options: { readonly json: boolean; readonly environment: Readonly<Record<string, string | undefined>> },
  ) {
    this.#out = out;
    this.#err = err;
    this.json = options.json;
    const { NO_COLOR, FORCE_COLOR } = options.environment;
    const isForced = FORCE_COLOR !== undefined && FORCE_COLOR !== '' && FORCE_COLOR !== '0';
    this.#colours = (NO_COLOR === undefined || NO_COLOR === '') && (out.isTTY === true || isForced);
  }

  /** Whether a person looks at it as it is written. */
  get isTerminal(): boolean {
    return this.#out.isTTY === true;
  }

  style(style: Style, text: string): string {
    return this.#colours ? styleText(style, text, { validateStream: false }) : text;
  }

  /** A line for people; nothing when JSON was asked for. */
  line(text = ''): void {
    if (!this.json) this.#out.write(`${text}\n`);
  }

  /** A line about what is going on, beside the facts: on standard error. */
  note(text: string): void {
    this.#err.write(`${text}\n`);
  }

  /** How far something is, on standard error: written over on a terminal, a line each time elsewhere. The empty text wipes it away. */
  progress(text: string): void {
    if (this.#err.isTTY === true) this.#err.write(`\r\u001b[K${text}`);
    else if (text !== '') this.#err.write(`${text}\n`);
  }

  /** The facts: as JSON when it was asked for, else as `people` writes them. */
  facts(value: unknown, people: () => void): void {
    if (this.json) this.#out.write(`${JSON.stringify(value, undefined, 2)}\n`);
    else people();
  }

  /** Columns in line; `none` when there is nothing. */
  table<T>(items: readonly T[], columns: readonly TableColumn<T>[], none = 'none'): void {
    if (items.length === 0) return this.line(this.style('dim', none));
    const rows = items.map((item) => columns.map(({ of }) => cellText(of(item))));
    const widths = columns.map(({ title }, index) => Math.max(width(title), ...rows.map((row) => width(row[index]))));
    const aligned = (cells: readonly string[]): string =>
      cells
        .map((cell, index) => pad(cell, widths[index], columns[index].align ?? 'left', index === cells.length - 1))
        .join('  ')
        .trimEnd();
    this.line(this.style('bold', aligned(columns.map(({ title }) => title))));
    for (const row of rows) this.line(aligned(row));
  }

  /** Names and values, the values in one column. */
  pairs(pairs: readonly (readonly [string, Cell])[]): void {
    const shown = pairs.filter(([, value]) => value !== undefined);
    const widest = Math.max(0, ...shown.map(([name]) => width(name)));
    for (const [name, value] of shown) this.line(`${this.style('dim', name.padEnd(widest))}  ${cellText(value)}`);
  }
}

function cellText(cell: Cell): string {
  if (cell === null || cell === undefined) return '-';
  if (typeof cell === 'number') return Number.isInteger(cell) ? String(cell) : String(Number(cell.toPrecision(4)));
  if (typeof cell === 'boolean') return cell ? 'yes' : 'no';
  return cell.replaceAll(/\s*\n\s*/g, ' ');
}

function pad(text: string, to: number, align: 'left' | 'right', isLast: boolean): string {
  const space = ' '.repeat(Math.max(0, to - width(text)));
  if (align === 'right') return space + text;
  return isLast ? text : text + space;
}

/** Code points, not UTF-16 units: good enough for names and figures. */
function width(text: string): number {
  return Array.from(text).length;
}

/** A digest as people read it. */
export function short(digest: string | undefined): string {
  return digest === undefined ? '-' : /^[0-9a-f]{64}$/.test(digest) ? digest.slice(0, 12) : digest;
}

/** An instant to the second, without the T. */
export function when(instant: string | undefined): string {
  return instant === undefined ? '-' : instant.replace('T', ' ').replace(/\.\d+Z$/, 'Z');
}
