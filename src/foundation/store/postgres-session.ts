import type { QueryResult } from 'kysely';
import type pg from 'pg';
import { encodeParameter } from './columns.ts';
import type { Cell, RowsInto } from './port.ts';
import { fromPostgres, isAborted } from './postgres-errors.ts';
import type { Session } from './session.ts';
import type { StatementNames } from './statement-names.ts';

const arrayTypes = { text: 'text[]', integer: 'bigint[]', real: 'double precision[]', boolean: 'boolean[]' } as const;
const ignore = (): void => undefined;

/** A session whose transaction is its own to begin and to end. */
export interface PostgresSession extends Session {
  /** Begins a transaction. It is not waited for: the first query goes out with it. @param begin such as `begin` */
  begin(begin: string): void;
  /** Resolves when the transaction has begun. @throws GyreError when it was refused: what was read is no snapshot */
  begun(): Promise<void>;
  /** @throws GyreError what made the transaction fail, when it cannot be committed */
  commit(): Promise<void>;
  /** Resolves when nothing is on its way any more. */
  rollback(): Promise<void>;
  /** How many rows were changed so far. */
  readonly changedRows: number;
}

/**
 * Queries go out at once, whether those before them are answered or not (pg's pipeline mode); PostgreSQL does them in their order.
 * @param named gives statements that come again a name
 */
export function sessionOn(client: pg.PoolClient, named: StatementNames | undefined): PostgresSession {
  let begun: Promise<unknown> | undefined;
  let failure: unknown;
  let changedRows = 0;
  const unanswered: Promise<void>[] = [];

  const answered = async <Result>(text: string, query: () => Promise<Result>): Promise<Result> => {
    try {
      // Were the transaction refused, a change that went out with it would stand.
      if (begun !== undefined && !/^\s*select\b/i.test(text)) await begun;
      return await query();
    } catch (thrown) {
      const error = fromPostgres(thrown);
      failure ??= error;
      // What follows a query that failed is refused for that alone.
      throw isAborted(error) ? failure : error;
    }
  };
  const send = (query: Query): Promise<pg.QueryResult<Record<string, unknown>>> => answered(query.text, () => client.query(query));
  const change = async (query: Query): Promise<void> => {
    // Queries that need no beginning must not overtake it.
    await begun;
    const counted = send(query).then(({ rowCount }) => {
      changedRows += rowCount ?? 0;
    });
    unanswered.push(counted.catch(ignore));
  };
  const sendForValues = async (query: Query): Promise<unknown[][]> => {
    const { rows } = await answered(query.text, () => client.query<unknown[]>({ ...query, rowMode: 'array' }));
    return rows;
  };

  return {
    begin: (begin) => {
      const beginning = send({ text: begin }).then(() => {
        begun = undefined;
      });
      beginning.catch(ignore);
      begun = beginning;
    },
    begun: async () => {
      await begun;
    },
    commit: async () => {
      const committing = send({ text: 'commit' });
      await Promise.all(unanswered);
      const { command } = await committing;
      if (command !== 'COMMIT') throw failure;
    },
    rollback: async () => {
      await client.query('rollback');
    },
    // Most are searches, whose best plan is another one for other values: these go without a name.
    values: (text, parameters, { planOnce = false } = {}) =>
      sendForValues({ ...(planOnce ? named?.of(text) : {}), text, values: parameters.map(encodeParameter) }),
    rowsOf: async ({ table, select, by }, keys) => {
      const columns = select.map((name) => `t.${name}`).join(', ');
      const places = by.map(({ name }) => `t.${name} = k.${name}`).join(' and ');
      const text = `select ${columns}, k.at from unnest(${arrayMarks(by)}) with ordinality as k(${namesOf(by)}, at) join ${table} t on ${places}`;
      const found = keys.map((): unknown[][] => []);
      for (const row of await sendForValues({ ...named?.of(text), text, values: arraysOf(by, keys) }))
        found[Number(row.pop()) - 1].push(row);
      return found;
    },
    insertRows: async ({ table, columns, onConflict = '' }, rows) => {
      const text = `insert into ${table} (${namesOf(columns)}) select * from unnest(${arrayMarks(columns)}) ${onConflict}`;
      await change({ ...named?.of(text), text, values: arraysOf(columns, rows) });
    },
    change: (text, parameters) => change({ ...named?.of(text), text, values: parameters.map(encodeParameter) }),
    run: async (text, parameters): Promise<QueryResult<unknown>> => {
      const { rows, rowCount, command } = await send({ ...named?.of(text), text, values: parameters.map(encodeParameter) });
      if (command === 'SELECT' || rowCount === null) return { rows };
      changedRows += rowCount;
      return { rows, numAffectedRows: BigInt(rowCount) };
    },
    get changedRows() {
      return changedRows;
    },
  };
}

interface Query {
  readonly name?: string;
  readonly text: string;
  readonly values?: unknown[];
}

type Columns = RowsInto['columns'];

const namesOf = (columns: Columns): string => columns.map(({ name }) => name).join(', ');
const arrayMarks = (columns: Columns): string => columns.map(({ type }, at) => `$${at + 1}::${arrayTypes[type]}`).join(', ');

/** Rows as an array literal for each column: the driver's own way to write arrays costs more than the database's to read them. */
function arraysOf(columns: Columns, rows: readonly (readonly Cell[])[]): string[] {
  return columns.map((_, at) => `{${rows.map((row) => literal(row[at])).join(',')}}`);
}

function literal(cell: Cell): string {
  const value = encodeParameter(cell);
  if (value === null) return 'NULL';
  return typeof value === 'string' ? `"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"` : String(value);
}
