import { Type } from 'typebox';
import { CellValue, Digest, Name, strict } from '#contract';
import { route, type Route } from '../../route.ts';
import { mayNotSee, personalOf } from './masks.ts';
import { DigestOrPrefix } from './shapes.ts';

const Sql = strict({
  sql: Type.String({ minLength: 1, maxLength: 100_000, description: 'one query; tables are datasets: customers, "customers@702a45d5"' }),
  versions: Type.Optional(
    Type.Record(Name, DigestOrPrefix, { description: 'dataset → the version that its name means; default: the newest' }),
  ),
  limit: Type.Integer({ minimum: 1, maximum: 10_000, default: 1000, description: 'at most so many rows' }),
  timeoutMs: Type.Integer({ minimum: 100, maximum: 60_000, default: 10_000 }),
});
const SqlAnswer = strict({
  columns: Type.Array(strict({ name: Type.String(), type: Type.String({ description: 'in the engine’s words' }) })),
  rows: Type.Array(Type.Array(CellValue)),
  truncated: Type.Boolean({ description: 'there are more rows' }),
  tables: Type.Array(
    strict({
      name: Type.String(),
      version: Digest,
      masked: Type.Array(Type.String(), { description: 'personal columns: the query sees *** or null in them' }),
    }),
  ),
});

export const sqlRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/api/v1/sql',
    permission: 'read',
    tag: 'data',
    summary: 'Answers a SQL query over dataset versions; it reads them and nothing else',
    body: Sql,
    answer: SqlAnswer,
    handle: async (rooms, { body: { sql, versions, limit, timeoutMs }, principal, by, signal }) => {
      const hide = mayNotSee(principal);
      const found = await rooms.data.sql({
        sql,
        maxRows: limit,
        timeoutMs,
        signal,
        masked: (version) => (hide ? personalOf(rooms, version) : new Set()),
        ...(versions === undefined ? {} : { versions }),
      });
      for (const { version } of hide ? [] : found.tables) {
        const personal = await personalOf(rooms, version);
        const columns = version.schema.columns.map(({ name }) => name).filter((name) => personal.has(name));
        await rooms.data.seePersonal({ version, columns, how: 'sql', by });
      }
      return { ...found, tables: found.tables.map(({ name, version, masked }) => ({ name, version: version.digest, masked })) };
    },
  }),
];
