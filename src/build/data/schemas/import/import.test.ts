import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ColumnSchema, SchemaFormat, SchemaImport } from '#contract';
import { importSchema } from './import.ts';
import { parseTextProto } from './text-proto.ts';

const left = ({ notTaken }: SchemaImport): readonly string[] => notTaken.map(({ at }) => at);
const columnOf = ({ schema }: SchemaImport, name: string): ColumnSchema => {
  const found = schema.columns.find((column) => column.name === name);
  assert.ok(found, `a column ${name}`);
  return found;
};
const refuses = (text: string, message: RegExp, format?: SchemaFormat): void => {
  assert.throws(() => importSchema(text, format === undefined ? {} : { format }), { code: 'INVALID_ARGUMENT', message });
};

describe('a protocol buffer as text', () => {
  test('has messages in two notations, lists, joined texts, escapes of bytes, comments and numbers of all kinds', () => {
    const read = parseTextProto(`# a comment
      a: 1 a: 0x1F, a: -2.5e3f; a: 010 b { c: "x\\303\\251" 'y\\n' } b: < c: "z" > d: [1, 2] e: TRUE [com.x/ext]: 3 f: -inf g: "\\u00e9\\"#"`);
    assert.deepEqual(read, {
      a: [1, 31, -2500, 8],
      b: [{ message: { c: ['xéy\n'] } }, { message: { c: ['z'] } }],
      d: [1, 2],
      e: [{ word: 'TRUE' }],
      '[com.x/ext]': [3],
      f: [-Infinity],
      g: ['é"#'],
    });
  });

  test('that is broken is refused with line and column', () => {
    for (const [text, message] of [
      ['a {\n  b: 1', /line 2, column 7: the text ends where "}" is needed/],
      ['a 1', /line 1, column 3: ":" or "{" is needed before "1"/],
      ['a: }', /line 1, column 4: "}" is no value/],
      ['a: [1 2]', /"," or "]" is needed/],
      ['{', /"{" is no name of a field/],
      ['a: "x', /no value/],
      ['a {'.repeat(200), /more than 100 deep/],
    ] as const)
      assert.throws(() => parseTextProto(text), { code: 'INVALID_ARGUMENT', message });
  });
});

describe('a schema of TensorFlow Data Validation', () => {
  const imported = importSchema(`
    feature { name: "company" value_count { min: 1 max: 1 } type: BYTES domain: "company" presence { min_count: 1 }
      distribution_constraints { min_domain_mass: 0.9 } }
    feature { name: "tips" type: FLOAT presence { min_fraction: 0.75 } shape { dim { size: 1 } } float_domain { min: 0 disallow_nan: true disallow_inf: true } }
    feature { name: "hour" type: INT presence { min_fraction: 1.0 min_count: 1 } int_domain { min: 0 max: 23 is_categorical: true } }
    feature { name: "flag" type: BYTES bool_domain { true_value: "Yes" false_value: "No" } not_in_environment: "SERVING" }
    feature { name: "tags" type: BYTES value_count { min: 0 } unique_constraints { min: 2 max: 9 } }
    feature { name: "old" type: INT lifecycle_stage: DEPRECATED int_domain { min: 3 } }
    feature { name: "nested" type: STRUCT struct_domain { feature { name: "x" } } }
    string_domain { name: "company" value: "A" value: "B" }
    default_environment: "TRAINING"
    novelty: 1
  `);

  test('becomes columns with presence, domains and the share that is in them', () => {
    assert.equal(imported.format, 'tfdv');
    assert.deepEqual(columnOf(imported, 'company'), { name: 'company', type: 'string', categories: ['A', 'B'] });
    assert.deepEqual(imported.schema.checks, { 'categories: company': { fail: 0.9 } });
    assert.deepEqual(columnOf(imported, 'tips'), { name: 'tips', type: 'number', nullable: false, maxMissing: 0.25, min: 0 });
    assert.deepEqual(columnOf(imported, 'hour'), { name: 'hour', type: 'integer', nullable: false, min: 0, max: 23 });
    assert.deepEqual(columnOf(imported, 'flag'), { name: 'flag', type: 'string', presence: 'optional', categories: ['Yes', 'No'] });
    assert.deepEqual(columnOf(imported, 'old'), { name: 'old', type: 'integer', presence: 'optional' });
    assert.ok(!imported.schema.columns.some(({ name }) => name === 'nested'));
  });

  test('has each part named that cannot be said here', () => {
    assert.deepEqual(left(imported), [
      'feature "tips", float_domain.disallow_inf',
      'feature "hour", int_domain.is_categorical',
      'feature "flag", not_in_environment',
      'feature "tags", value_count',
      'feature "tags", unique_constraints',
      'feature "old", lifecycle_stage',
      'feature "old", int_domain',
      'feature "nested", type',
      'default_environment',
      'novelty',
    ]);
    assert.match(imported.text, /# {3}feature "tags", unique_constraints: how many different values/);
  });

  test('that contradicts itself or has a wrong value is refused', () => {
    refuses('feature { name: "a" type: INT int_domain { min: 3 max: 1 } }', /contradicts itself: a: min \(3\) is greater than max \(1\)/);
    refuses('feature { name: 7 type: INT }', /feature.name: a text is needed/);
    refuses('feature { name: "a" presence: 3 }', /presence: a message is needed/);
  });
});

describe('a JSON Schema', () => {
  const imported = importSchema(
    JSON.stringify({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      required: ['id', 'amount', 'state'],
      additionalProperties: false,
      properties: {
        id: { type: 'string', pattern: '^[A-Z]+-[0-9]+$', title: 'number' },
        amount: { type: 'number', minimum: 0, exclusiveMaximum: 100, multipleOf: 0.01 },
        state: { $ref: '#/$defs/state', description: 'where it is' },
        'unit price': { type: ['number', 'null'], exclusiveMinimum: 0 },
        stars: { enum: [1, 2, 3, null] },
        at: { type: 'string', format: 'date-time' },
        mail: { type: 'string', format: 'email', pattern: '@', maxLength: 80 },
        size: { anyOf: [{ type: 'integer', exclusiveMinimum: 2 }, { type: 'null' }], default: 3 },
        odd: { type: 'integer', enum: [1, 3, 5] },
        parts: { type: 'array', items: {} },
      },
      $defs: { state: { enum: ['open', 'done'] } },
      if: { properties: {} },
    }),
  );

  test('of an object becomes columns; what excludes its border becomes a rule', () => {
    assert.equal(imported.format, 'json-schema');
    assert.deepEqual(columnOf(imported, 'id'), {
      name: 'id',
      type: 'string',
      description: 'number',
      nullable: false,
      pattern: '[A-Z]+-[0-9]+',
    });
    assert.deepEqual(columnOf(imported, 'amount'), { name: 'amount', type: 'number', nullable: false, min: 0 });
    assert.deepEqual(imported.schema.rules, ['amount < 100', '"unit price" > 0']);
    assert.deepEqual(columnOf(imported, 'state').categories, ['open', 'done']);
    assert.equal(columnOf(imported, 'state').description, 'where it is');
    assert.deepEqual(columnOf(imported, 'stars'), { name: 'stars', type: 'integer', presence: 'optional', min: 1, max: 3 });
    assert.equal(columnOf(imported, 'at').type, 'instant');
    assert.deepEqual(columnOf(imported, 'mail').pattern, '[^]*(?:@)[^]*', 'a pattern is found anywhere there, and is the whole value here');
    assert.deepEqual(columnOf(imported, 'size'), { name: 'size', type: 'integer', presence: 'optional', min: 3 });
  });

  test('has each part named that cannot be said here', () => {
    assert.deepEqual(left(imported), [
      'properties.amount.multipleOf',
      'properties.mail.format',
      'properties.size.default',
      'properties.odd.enum',
      'properties.parts.type',
      'if',
    ]);
  });

  test('of draft 7 has its definitions followed, and what stands beside a reference named', () => {
    const old = importSchema(
      JSON.stringify({
        $schema: 'http://json-schema.org/draft-07/schema#',
        type: 'array',
        items: { type: 'object', additionalProperties: false, properties: { a: { $ref: '#/definitions/short', minLength: 2 } } },
        definitions: { short: { type: 'string', maxLength: 3 } },
      }),
    );
    assert.deepEqual(old.schema.columns, [{ name: 'a', type: 'string', presence: 'optional', maxLength: 3 }]);
    assert.deepEqual(left(old), ['properties.a.minLength']);
  });

  test('that is none of a table, leads nowhere or in circles is refused', () => {
    refuses('{"type": "string"}', /this one is neither/);
    refuses('{"type": "object", "properties": {"a": {"$ref": "other.json#/x"}}}', /"other.json#\/x" is not in this file/);
    refuses('{"properties": {"a": {"$ref": "#/properties/a"}}}', /references lead back to themselves/);
    refuses('{"properties": {"a": {"type": "number", "minimum": "0"}}}', /properties.a.minimum is "0": a number is needed there/);
    refuses('{"properties": {}}', /describes no column/);
    refuses('{"a": ', /no JSON/);
  });
});

describe('a Table Schema of Frictionless Data', () => {
  const schema = {
    fields: [
      { name: 'id', type: 'integer', constraints: { minimum: '1' } },
      { name: 'shop', type: 'string', constraints: { required: true, enum: ['a', 'b'] } },
      { name: 'region', type: 'string' },
      { name: 'day', type: 'date', format: '%d.%m.%Y', constraints: { minimum: '2020-01-01', maximum: '31.12.2020' } },
      { name: 'code', type: 'string', constraints: { pattern: '[A-Z]{2}', unique: true, maxLength: 2 } },
      { name: 'paid', type: 'boolean', trueValues: ['ja'] },
      { name: 'where', type: 'geopoint' },
    ],
    primaryKey: ['id', 'day'],
    foreignKeys: [
      { fields: 'shop', reference: { resource: 'shops', fields: 'code' } },
      { fields: ['shop', 'region'], reference: { resource: 'offers', fields: ['shop', 'region'] } },
      { fields: 'id', reference: { resource: '', fields: 'id' } },
    ],
    missingValues: ['', '-'],
  };
  const imported = importSchema(JSON.stringify({ name: 'shop', resources: [{ name: 'sales', path: 'sales.csv', schema }] }));

  test('becomes columns, keys and references', () => {
    assert.equal(imported.format, 'frictionless');
    assert.deepEqual(columnOf(imported, 'id'), { name: 'id', type: 'integer', min: 1, nullable: false });
    assert.deepEqual(columnOf(imported, 'shop'), {
      name: 'shop',
      type: 'string',
      nullable: false,
      categories: ['a', 'b'],
      references: { dataset: 'shops', column: 'code' },
    });
    assert.deepEqual(columnOf(imported, 'day'), { name: 'day', type: 'instant', earliest: '2020-01-01', nullable: false });
    assert.deepEqual(columnOf(imported, 'code'), { name: 'code', type: 'string', unique: true, maxLength: 2, pattern: '[A-Z]{2}' });
    assert.deepEqual(imported.schema.keys, [['id', 'day']]);
    assert.deepEqual(imported.schema.references, [{ columns: ['shop', 'region'], dataset: 'offers', to: ['shop', 'region'] }]);
  });

  test('has each part named that cannot be said here', () => {
    assert.deepEqual(left(imported), [
      'field "day".format',
      'field "day".constraints.maximum',
      'field "paid".trueValues',
      'field "where".type',
      'foreignKeys[2]',
      'missingValues',
    ]);
  });

  test('in YAML is read as well; one of several resources has to be named, and keys are fields', () => {
    const yaml = importSchema('fields:\n  - { name: a, type: year }\n');
    assert.deepEqual(yaml.schema.columns, [{ name: 'a', type: 'integer' }]);
    const two = JSON.stringify({
      resources: [
        { name: 'x', schema },
        { name: 'y', schema: { fields: [{ name: 'z' }] } },
      ],
    });
    refuses(two, /has the resources x, y/);
    assert.equal(importSchema(two, { resource: 'y' }).schema.columns[0].name, 'z');
    refuses('{"fields": [{"name": "a"}], "primaryKey": "b"}', /there is no field "b"; the fields are a/);
    refuses('{"fields": [{"name": "a"}, {"name": "a"}]}', /column "a" is described twice/);
    refuses('{"fields": []}', /has no fields/);
  });
});

test('a text that is no schema is refused with what would be one', () => {
  refuses('a,b\n1,2\n', /say which of tfdv, json-schema, frictionless it is/);
  refuses('', /say which of/);
});
