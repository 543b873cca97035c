import type { TSchema } from 'typebox';
import { Project, ReleasePolicy, TableSchema } from '#contract';
import { withDefaultsOptional } from './defaults.ts';
import { jsonSchema } from './shape.ts';

/** The JSON Schema of gyre.yaml, as editors use it for completion (`# yaml-language-server: $schema=…`). */
export function publishedSchema(): Readonly<Record<string, unknown>> {
  return published(Project, 'gyre.yaml');
}

/** The JSON Schema of a reviewed schema file. */
export function publishedTableSchema(): Readonly<Record<string, unknown>> {
  return published(TableSchema, 'reviewed schema of a dataset');
}

/** The JSON Schema of a release policy. */
export function publishedPolicySchema(): Readonly<Record<string, unknown>> {
  return published(ReleasePolicy, 'release policy');
}

function published(schema: TSchema, title: string): Readonly<Record<string, unknown>> {
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', title, ...withDefaultsOptional(jsonSchema(schema)) };
}
