import { Type, type Static } from 'typebox';
import { Digest, Name, oneOf, strict } from './common.ts';
import { FailingExample } from './quality.ts';
import { TableSchema } from './table-schema.ts';

const SchemaText = Type.String({ description: 'the schema as a file to review: YAML, members and columns always in the same order' });

/** What a table suggests for its reviewed schema, each part with its reason. */
export const SchemaInference = strict({
  dataset: Type.Optional(Name),
  version: Type.Optional(Digest),
  rows: Type.Integer(),
  schema: TableSchema,
  reasons: Type.Record(Type.String(), Type.Array(Type.String()), { description: 'column → what was seen there, in sentences' }),
  tableReasons: Type.Array(Type.String(), { description: 'what was seen of the table as a whole' }),
  text: SchemaText,
});
export type SchemaInference = Static<typeof SchemaInference>;

/** What versions of a dataset are held against today. */
export const SchemaInForce = strict({
  dataset: Name,
  origin: oneOf(['reviewed', 'read'], {
    description: '`read`: nobody reviewed one; these are the types that the newest version was read with',
  }),
  file: Type.Optional(Type.String({ description: 'the reviewed file, relative to gyre.yaml' })),
  schema: TableSchema,
  text: SchemaText,
});
export type SchemaInForce = Static<typeof SchemaInForce>;

export const differenceKinds = ['broken', 'suggested', 'unused'] as const;

/** One way in which a table and a reviewed schema differ. */
export const SchemaDifference = strict({
  kind: oneOf(differenceKinds, {
    description:
      '`broken`: rows do not fit the schema; `suggested`: the rows would allow to say more; `unused`: the schema allows what no row has',
  }),
  column: Type.Optional(Type.String()),
  member: Type.String({ description: 'of the column or the schema, such as categories; of what is broken, the check' }),
  severity: Type.Optional(oneOf(['error', 'warning'], { description: 'of what is broken' })),
  message: Type.String(),
  rows: Type.Optional(Type.Integer({ description: 'how many rows break it' })),
  examples: Type.Optional(Type.Array(FailingExample)),
});
export type SchemaDifference = Static<typeof SchemaDifference>;

export const SchemaComparison = strict({
  dataset: Type.Optional(Name),
  version: Type.Optional(Digest),
  rows: Type.Integer(),
  fits: Type.Boolean({ description: 'no expectation of the schema fails' }),
  differences: Type.Array(SchemaDifference),
});
export type SchemaComparison = Static<typeof SchemaComparison>;

export const schemaFormats = ['tfdv', 'json-schema', 'frictionless'] as const;
export const SchemaFormat = oneOf(schemaFormats, {
  description: 'tfdv: a Schema of TensorFlow Data Validation as text (schema.pbtxt); frictionless: a Table Schema, a resource or a package',
});
export type SchemaFormat = Static<typeof SchemaFormat>;

/** A schema that was written for another tool, as a reviewed schema. */
export const SchemaImport = strict({
  format: SchemaFormat,
  schema: TableSchema,
  notTaken: Type.Array(strict({ at: Type.String({ description: 'where it stands there' }), what: Type.String() }), {
    description: 'what a reviewed schema cannot say, or says otherwise',
  }),
  text: SchemaText,
});
export type SchemaImport = Static<typeof SchemaImport>;
