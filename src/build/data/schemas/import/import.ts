import { parse } from 'yaml';
import { schemaFormats } from '#contract';
import type { SchemaFormat, SchemaImport } from '#contract';
import { GyreError, messageOf } from '#core';
import { schemaProblems, tableSchemaText } from '#project';
import { isRecord, openNotes } from './account.ts';
import { importFrictionless } from './frictionless.ts';
import { importJsonSchema } from './json-schema.ts';
import { importTfdv } from './tfdv.ts';

export interface ImportOptions {
  /** Told by the text without it. */
  readonly format?: SchemaFormat;
  /** Which resource of a Frictionless package. */
  readonly resource?: string;
  /** The file's name, for the head of the text and for messages. */
  readonly name?: string;
}

/**
 * Reads a schema that was written for another tool. What a reviewed schema cannot say is named, never dropped in silence.
 * @throws GyreError INVALID_ARGUMENT when it is none, or one that contradicts itself
 */
export function importSchema(text: string, { format, resource, name = 'the file' }: ImportOptions = {}): SchemaImport {
  const notes = openNotes();
  const value = format === 'tfdv' ? undefined : valueOf(text);
  const known = format ?? formatOf(text, value);
  if (known === undefined)
    throw new GyreError('INVALID_ARGUMENT', `${name} is no schema that can be told: say which of ${schemaFormats.join(', ')} it is`, {
      name,
    });
  const schema =
    known === 'tfdv'
      ? importTfdv(text, notes)
      : known === 'json-schema'
        ? importJsonSchema(value, notes)
        : importFrictionless(value, notes, resource);
  if (schema.columns.length === 0) throw new GyreError('INVALID_ARGUMENT', `${name} describes no column that a table can have`, { name });
  const problems = schemaProblems(schema);
  if (problems.length > 0)
    throw new GyreError('INVALID_ARGUMENT', `${name} contradicts itself: ${problems.slice(0, 5).join('; ')}`, { problems });
  const head = [
    `Imported from ${name} (${known}): read it, and say what must hold.`,
    ...(notes.all.length === 0 ? [] : ['Not taken over:']),
  ];
  const left = notes.all.map(({ at, what }) => `  ${at}: ${what}`.replaceAll(/\s*\n\s*/g, ' '));
  return { format: known, schema, notTaken: notes.all, text: tableSchemaText(schema, { head: [...head, ...left] }) };
}

function valueOf(text: string): unknown {
  try {
    return text.trimStart().startsWith('{') ? JSON.parse(text) : parse(text);
  } catch (error) {
    // it may be a protocol buffer's text, which is read next; a text that begins like JSON is none
    if (!text.trimStart().startsWith('{')) return undefined;
    throw new GyreError('INVALID_ARGUMENT', `no JSON: ${messageOf(error)}`, {}, { cause: error });
  }
}

function formatOf(text: string, value: unknown): SchemaFormat | undefined {
  if (isRecord(value)) {
    if (Array.isArray(value['fields']) || Array.isArray(value['resources']) || isRecord(value['schema'])) return 'frictionless';
    if (isRecord(value['properties']) || '$ref' in value || '$schema' in value || 'type' in value) return 'json-schema';
  }
  return /^\s*(?:#[^\n]*\n\s*)*(?:feature|string_domain|int_domain|float_domain|sparse_feature|default_environment|dataset_constraints)\s*[:{]/.test(
    text,
  )
    ? 'tfdv'
    : undefined;
}
