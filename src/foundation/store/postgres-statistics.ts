import type pg from 'pg';

/** No look is worth it before so many rows have changed, nor before a tenth more of them. */
const fewRows = 1_000;
const shareBetweenLooks = 0.1;
/** Vacuums of ours that are under way; those of other processes on this schema are begun again by them. */
const cancel = `select pg_cancel_backend(pid) from pg_stat_activity
  where datname = current_database() and usename = current_user and query like 'vacuum (analyze) ' || quote_ident($1) || '.%' and state = 'active'`;
/** Tables of which more has changed since they were last analysed: so many rows, and this share of theirs. */
const stale = `select quote_ident(schemaname) || '.' || quote_ident(relname) as name from pg_stat_user_tables
  where schemaname = $1 and n_mod_since_analyze > 500 + 0.1 * n_live_tup`;

/**
 * Has PostgreSQL look at tables again that have grown or changed much. Its planner takes a table that it has never looked at for nearly
 * empty, and reads a hundred thousand runs one by one for a page of them; and what an index holds is looked up in the table again until a
 * vacuum has seen that all may see it. Its own autovacuum comes a minute later, or is off.
 */
export class PlannerStatistics {
  readonly #pool: pg.Pool;
  readonly #schema: string;
  #changed = 0;
  #nextLook = fewRows;
  #looking: Promise<void> | undefined;
  #stopped = false;

  constructor(pool: pg.Pool, schema: string) {
    this.#pool = pool;
    this.#schema = schema;
  }

  /** So many rows were changed. Whoever changed them does not wait for what follows from it. */
  changed(rows: number): void {
    this.#changed += rows;
    if (this.#changed < this.#nextLook) return;
    this.#nextLook = this.#changed + Math.max(fewRows, Math.ceil(this.#changed * shareBetweenLooks));
    this.look();
  }

  /** Looks for tables that PostgreSQL knows too little of, unless that is being done. */
  look(): void {
    if (this.#stopped) return;
    // What it fails at costs time later, and is tried again: nobody needs to hear of it.
    this.#looking ??= this.#analyse()
      .catch(() => undefined)
      .then(() => {
        this.#looking = undefined;
      });
  }

  /** Ends it; a vacuum that is under way, which may take minutes, is called off. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#looking === undefined) return;
    // Where that fails it is waited for.
    await this.#pool.query(cancel, [this.#schema]).catch(() => undefined);
    await this.#looking;
  }

  async #analyse(): Promise<void> {
    const { rows } = await this.#pool.query<{ name: string }>(stale, [this.#schema]);
    for (const { name } of rows) if (!this.#stopped) await this.#pool.query(`vacuum (analyze) ${name}`);
  }
}
