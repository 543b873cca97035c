import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { TableSchema } from '#contract';
import { seeded } from '#core';
import { importSchema, validateFrame } from '#data';
import { frameFromRecords, readCsv } from '#tables';
import type { ColumnType, TableRecord } from '#tables';
import { pythonMissing, runPython } from './python.ts';

interface Peer {
  readonly tfdv: {
    readonly texts: readonly string[];
    readonly features: readonly {
      readonly name: string;
      readonly type: string;
      readonly min_fraction: number;
      readonly values: readonly string[] | null;
      readonly mass: number | null;
      readonly integers: boolean;
      readonly min?: number;
      readonly max?: number;
    }[];
  };
  readonly json_schema: readonly boolean[];
  readonly frictionless: { readonly rows: readonly number[]; readonly types: readonly string[] };
}

const jsonSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  required: ['id', 'amount'],
  properties: {
    id: { type: 'string', pattern: '[A-Z]-[0-9]{2}' },
    amount: { type: 'number', exclusiveMinimum: 0, maximum: 100 },
    state: { $ref: '#/$defs/state' },
    stars: { type: ['integer', 'null'], minimum: 1, exclusiveMaximum: 6 },
    note: { type: 'string', minLength: 2, maxLength: 4 },
    paid: { type: 'boolean' },
  },
  $defs: { state: { enum: ['open', 'done'] } },
};
const jsonTypes: Readonly<Record<string, ColumnType>> = {
  id: 'string',
  amount: 'number',
  state: 'string',
  stars: 'integer',
  note: 'string',
  paid: 'boolean',
};

const random = seeded(4);
const pick = <T>(...values: readonly T[]): T => values[random.int(values.length)];
const jsonRows: readonly TableRecord[] = Array.from({ length: 400 }, () => ({
  id: pick('A-10', 'xx B-22 yy', 'A-1', 'b-33', null),
  amount: pick(0, 0.01, 55, 100, 100.5, null),
  state: pick('open', 'done', 'gone', null),
  stars: pick(0, 1, 5, 6, null),
  note: pick('ab', 'a', 'äöüß', 'abcde', '😀😀', null),
  paid: pick(true, false, null),
}));

const tableSchema = {
  fields: [
    { name: 'id', type: 'integer', constraints: { minimum: 1 } },
    { name: 'shop', type: 'string', constraints: { required: true, enum: ['N1', 'S1'] } },
    { name: 'code', type: 'string', constraints: { pattern: '[A-Z]{2}[0-9]*', minLength: 3, maxLength: 5 } },
    { name: 'day', type: 'date', constraints: { minimum: '2020-01-01', maximum: '2020-12-31' } },
    { name: 'price', type: 'number', constraints: { maximum: 9.5 } },
  ],
  primaryKey: 'id',
};
const header = tableSchema.fields.map(({ name }) => name);
const textRows = Array.from({ length: 200 }, (_, i) => [
  i % 25 === 9 ? '5' : i % 40 === 3 ? '0' : String(i + 1),
  pick('N1', 'N1', 'S1', 'S1', 'W1', ''),
  pick('AB1', 'AB', 'XY123', 'XY1234', 'ab1', ''),
  pick('2020-01-01', '2020-12-31', '2019-12-31', '2021-01-01', ''),
  pick('9.5', '9.6', '-3', ''),
]);

const without = (record: TableRecord): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(record).filter(([, value]) => value !== null));

/** Which rows fail, each looked at by itself. @param seen the key's values of the rows before */
const failing = (rows: readonly TableRecord[], types: Readonly<Record<string, ColumnType>>, schema: TableSchema): number[] =>
  rows.flatMap((row, index) => {
    const frame = frameFromRecords(
      [row],
      Object.entries(types).map(([name, type]) => ({ name, type })),
    );
    return validateFrame(frame, schema).some(({ outcome }) => outcome === 'fail') ? [index] : [];
  });

describe('schemas of other tools', { skip: pythonMissing }, () => {
  let peer: Peer;
  before(async () => {
    peer = await runPython<Peer>('schemas_peer.py', {
      json_schema: { schema: jsonSchema, rows: jsonRows.map(without) },
      frictionless: { schema: tableSchema, header, rows: textRows },
    });
  });

  test('of TensorFlow Data Validation are read as the protobuf library reads them, however they are written', () => {
    const [first, ...others] = peer.tfdv.texts.map((text) => importSchema(text));
    assert.ok(first !== undefined && others.length === 2);
    for (const other of others) assert.deepEqual(other.schema, first.schema);
    const types: Readonly<Record<string, string>> = { INT: 'integer', FLOAT: 'number', BYTES: 'string' };
    assert.equal(first.schema.columns.length, peer.tfdv.features.length);
    for (const feature of peer.tfdv.features) {
      const column = first.schema.columns.find(({ name }) => name === feature.name);
      assert.ok(column !== undefined, feature.name);
      assert.equal(column.type, feature.integers ? 'integer' : types[feature.type]);
      assert.deepEqual(column.categories ?? null, feature.values);
      assert.equal(column.nullable === false, feature.min_fraction >= 1, feature.name);
      assert.equal(column.maxMissing, feature.min_fraction > 0 && feature.min_fraction < 1 ? 1 - feature.min_fraction : undefined);
      for (const end of ['min', 'max'] as const) {
        const limit = feature[end] === undefined || Math.abs(feature[end]) >= 2 ** 63 ? undefined : feature[end];
        // there in 32 bits
        if (limit === undefined) assert.equal(column[end], undefined, `${feature.name}.${end}`);
        else assert.equal(Math.fround(column[end] ?? NaN), Math.fround(limit), `${feature.name}.${end}`);
      }
      const limits = first.schema.checks?.[`categories: ${feature.name}`];
      assert.equal(limits?.fail ?? null, feature.mass, feature.name);
    }
    assert.deepEqual(
      first.notTaken.map(({ at }) => at),
      ['default_environment'],
    );
  });

  test('in JSON Schema give the verdicts on rows that the jsonschema library gives', () => {
    const { schema, notTaken } = importSchema(JSON.stringify(jsonSchema));
    assert.deepEqual(
      notTaken.map(({ at }) => at),
      ['additionalProperties'],
    );
    const theirs = peer.json_schema.flatMap((isValid, index) => (isValid ? [] : [index]));
    assert.ok(theirs.length > 100 && theirs.length < 400, `${theirs.length} rows are not valid`);
    assert.deepEqual(failing(jsonRows, jsonTypes, schema), theirs);
  });

  test('of Frictionless give the verdicts on rows that the frictionless library gives', () => {
    const { schema, notTaken } = importSchema(JSON.stringify(tableSchema));
    assert.deepEqual(notTaken, []);
    const csv = [header, ...textRows].map((row) => row.join(',')).join('\n');
    const { frame } = readCsv(Buffer.from(`${csv}\n`));
    const types = Object.fromEntries(frame.schema.map(({ name, type }) => [name, type]));
    assert.deepEqual(types, { id: 'integer', shop: 'string', code: 'string', day: 'instant', price: 'number' });
    const records = textRows.map((_, row): TableRecord => {
      const cells = header.map((name): [string, string | number | null] => {
        const column = frame.column(name);
        if (column.kind === 'text') return [name, column.codes[row] < 0 ? null : column.dictionary[column.codes[row]]];
        const value = column.values[row];
        return [name, Number.isNaN(value) ? null : column.kind === 'instant' ? new Date(value).toISOString() : value];
      });
      return Object.fromEntries(cells);
    });
    const ids = new Set<unknown>();
    const repeated = records.flatMap(({ id }, index) => {
      const isThere = ids.has(id);
      ids.add(id);
      return isThere ? [index] : [];
    });
    const unique = validateFrame(frame, schema).find(({ name }) => name === 'unique: id');
    assert.equal(unique?.failing, repeated.length, 'keys that repeat an earlier one');
    assert.ok(repeated.length > 3);
    const ours = [...new Set([...failing(records, types, schema), ...repeated])].sort((left, right) => left - right);
    // rows are counted with the header as the first
    assert.deepEqual(
      ours.map((row) => row + 2),
      peer.frictionless.rows,
      `they say ${peer.frictionless.types.join(', ')}`,
    );
  });
});
