import { Type } from 'typebox';
import { Name, SchemaComparison, SchemaFormat, SchemaImport, SchemaInForce, SchemaInference, strict } from '#contract';
import { GyreError } from '#core';
import { importSchema } from '#data';
import { tableSchemaText } from '#project';
import type { LoadedProject } from '#project';
import { route, type Route } from '../../route.ts';
import { personalOf } from './masks.ts';
import { ByVersion } from './shapes.ts';

const flag = (description: string) => Type.Boolean({ default: false, description });

export const schemaRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/datasets/:digest/inferred-schema',
    permission: 'read',
    tag: 'data',
    summary: 'The schema that a version’s rows suggest, for a person to review; it holds in all of them',
    params: ByVersion,
    query: strict({
      key: Type.Optional(Type.String({ minLength: 1, description: 'the column that names a row; default: the one that gyre.yaml names' })),
      tight: flag('hold later rows to the ranges and lengths that were seen'),
      why: flag('in the text, what was seen as comments'),
    }),
    answer: SchemaInference,
    handle: async (rooms, { params, query: { key, tight, why } }) => {
      const version = await rooms.data.named(params.digest);
      const columns = version.schema.columns.map(({ name }) => name);
      if (key !== undefined && !columns.includes(key))
        throw new GyreError('INVALID_ARGUMENT', `there is no column "${key}"; the columns are ${columns.slice(0, 20).join(', ')}`, { key });
      const usual = key ?? usualKey(rooms.project.current(), version.dataset);
      return rooms.data.inferSchema(version.digest, {
        tight,
        why,
        // a schema is a file that everybody reads: no value of a person is written into it, whoever asks
        masked: await personalOf(rooms, version),
        ...(usual === undefined ? {} : { key: usual }),
      });
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/datasets/:digest/schema-comparison',
    permission: 'read',
    tag: 'data',
    summary:
      'How a version and the dataset’s reviewed schema differ: what its rows break, what they suggest, what the schema allows in vain',
    params: ByVersion,
    answer: SchemaComparison,
    handle: async (rooms, { params }) => {
      const version = await rooms.data.named(params.digest);
      const project = rooms.project.current();
      const { schemas } = project;
      if (!Object.hasOwn(schemas, version.dataset)) {
        const message = `"${version.dataset}" has no reviewed schema: make one with "gyre data schema infer ${version.dataset}", and name it in gyre.yaml with "expect"`;
        throw new GyreError('FAILED_PRECONDITION', message, { dataset: version.dataset });
      }
      const key = usualKey(project, version.dataset);
      return rooms.data.compareSchema(version.digest, schemas[version.dataset], {
        masked: await personalOf(rooms, version),
        ...(key === undefined ? {} : { key }),
      });
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/dataset-schemas/:dataset',
    permission: 'read',
    tag: 'data',
    summary: 'The schema that versions of a dataset are held against today',
    params: strict({ dataset: Name }),
    answer: SchemaInForce,
    handle: async ({ data, project }, { params: { dataset } }) => {
      const { schemas, resolved } = project.current();
      if (Object.hasOwn(schemas, dataset)) {
        const file = resolved.datasets.find(({ name }) => name === dataset)?.expect;
        const schema = schemas[dataset];
        return { dataset, origin: 'reviewed' as const, ...(file === undefined ? {} : { file }), schema, text: tableSchemaText(schema) };
      }
      const [newest] = (await data.list({ dataset, part: null, limit: 1 })).items;
      if (newest === undefined)
        throw new GyreError('NOT_FOUND', `there is no dataset "${dataset}" with a reviewed schema or a version`, { dataset });
      return { dataset, origin: 'read' as const, schema: newest.schema, text: tableSchemaText(newest.schema) };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/schema-imports',
    permission: 'read',
    tag: 'data',
    summary: 'Reads a schema that was written for another tool, as a reviewed one; nothing is kept',
    body: strict({
      text: Type.String({ minLength: 1, maxLength: 4_000_000 }),
      format: Type.Optional(SchemaFormat),
      resource: Type.Optional(Type.String({ minLength: 1, description: 'which resource of a Frictionless package' })),
    }),
    bodyLimit: 8 * 2 ** 20,
    answer: SchemaImport,
    handle: (_rooms, { body: { text, ...options } }) => Promise.resolve(importSchema(text, options)),
  }),
];

function usualKey({ resolved }: LoadedProject, dataset: string): string | undefined {
  return resolved.datasets.find(({ name }) => name === dataset)?.key;
}
