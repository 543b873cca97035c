import { GyreError } from '#core';

/*
 * Triggers that refuse to change or delete a row, whoever asks: our own code, or a person at the database's prompt. Who owns the
 * database can drop a trigger; a table that has to be trusted beyond that also needs a chain of hashes.
 */

/** SQLite has no TRUNCATE; a DELETE without WHERE fires the trigger as well. */
export function sqliteAppendOnly(table: string): readonly string[] {
  const name = plainName(table);
  return ['update', 'delete'].map(
    (change) => `create trigger ${name}_no_${change} before ${change} on ${name} begin select raise(abort, '${reasonOf(name)}'); end`,
  );
}

export function postgresAppendOnly(table: string): readonly string[] {
  const name = plainName(table);
  return [
    `create function ${name}_refuse() returns trigger language plpgsql as $$ begin raise exception using errcode = 'check_violation', message = '${reasonOf(name)}'; end $$`,
    `create trigger ${name}_no_change before update or delete on ${name} for each row execute function ${name}_refuse()`,
    `create trigger ${name}_no_truncate before truncate on ${name} for each statement execute function ${name}_refuse()`,
  ];
}

const reasonOf = (table: string): string => `${table} is append-only: rows are neither changed nor deleted`;

function plainName(table: string): string {
  if (/^[a-z][a-z0-9_]{0,40}$/.test(table)) return table;
  throw new GyreError('INVALID_ARGUMENT', `"${table}" is no table name: lower-case letters, digits and _ are right`, { table });
}
