import type { TSchema } from 'typebox';
import {
  Action,
  Revocation,
  Rollout,
  ReleaseDiff,
  ReleasePolicy,
  PublishedPolicy,
  ModelImage,
  ModelConversion,
  EndpointState,
  CiRun,
  CiReport,
  ApplicationTestRun,
  AgentDetail,
  Agent,
  Alert,
  ApplicationTestReport,
  Approval,
  AuditEntry,
  BatchPrediction,
  StreamPrediction,
  Certification,
  CharterVersion,
  Comparison,
  DatasetIngestion,
  DatasetProfile,
  DatasetVersion,
  Deployment,
  EnvironmentState,
  Evidence,
  Experiment,
  Explanation,
  GyreEvent,
  Identity,
  LoggedModel,
  ModelVersion,
  Overview,
  PipelineRun,
  Prediction,
  Problem,
  QualityReport,
  Readiness,
  RegisteredModel,
  Reproduction,
  Run,
  RunComment,
  Schedule,
  SignedManifest,
  Split,
  StepItem,
  Study,
  TableSchema,
  TestReport,
  Token,
  Trace,
  Transform,
  Window,
} from '#contract';
import { problemType } from './problems.ts';
import type { Route } from './route.ts';
import { routeTags } from './route.ts';

/** Plain JSON. */
type Json = { readonly [name: string]: unknown };

export interface OpenApiDocument extends Json {
  readonly openapi: string;
}

/** Records that are described once and referred to by name. */
const named: Readonly<Record<string, TSchema>> = {
  Action,
  Revocation,
  Rollout,
  ReleaseDiff,
  ReleasePolicy,
  PublishedPolicy,
  ModelImage,
  ModelConversion,
  EndpointState,
  CiRun,
  CiReport,
  ApplicationTestRun,
  AgentDetail,
  Agent,
  Alert,
  ApplicationTestReport,
  Approval,
  AuditEntry,
  BatchPrediction,
  StreamPrediction,
  Certification,
  CharterVersion,
  Comparison,
  DatasetIngestion,
  DatasetProfile,
  DatasetVersion,
  Deployment,
  EnvironmentState,
  Evidence,
  Experiment,
  Explanation,
  GyreEvent,
  Identity,
  LoggedModel,
  ModelVersion,
  Overview,
  PipelineRun,
  Prediction,
  Problem,
  QualityReport,
  Readiness,
  RegisteredModel,
  Reproduction,
  Run,
  RunComment,
  Schedule,
  SignedManifest,
  Split,
  StepItem,
  Study,
  TableSchema,
  TestReport,
  Token,
  Trace,
  Transform,
  Window,
};

const tagTexts: Readonly<Record<(typeof routeTags)[number], string>> = {
  platform: 'The control plane itself',
  access: 'Identities, tokens, sessions',
  project: 'The project’s file and its charter',
  pipelines: 'Runs of the project’s steps',
  ci: 'Commits: run, compared with the base branch, judged',
  data: 'Dataset versions, profiles, quality reports, splits',
  features: 'Fitted transforms',
  training: 'Experiments, studies, runs',
  evaluation: 'Test reports and comparisons',
  registry: 'Models, versions, packages, aliases',
  release: 'Environments, application tests, certification, approval, rollout, rollback',
  batch: 'Predictions of whole tables',
  streams: 'Predictions for the messages of a topic',
  monitoring: 'Predictions, labels, windows, alerts',
  triggers: 'What alerts set in motion',
  governance: 'Audit log, traces, reproduction',
  events: 'What happened, as it happens',
};

/** The API as an OpenAPI 3.1 document, made from the table of routes. @param version of Gyre */
export function openApiDocument(routes: readonly Route[], version: string): OpenApiDocument {
  const names = new Map(Object.entries(named).map(([name, schema]) => [JSON.stringify(schema), name]));
  const shape = (schema: unknown): unknown => withReferences(schema, names);
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}').replace(/\*$/, '{path}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route, shape) };
  }
  return {
    openapi: '3.1.1',
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    info: {
      title: 'Gyre',
      version,
      description: 'One control loop for machine learning: build, deploy, monitor, and build again, every claim with its evidence.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: routeTags.map((name) => ({ name, description: tagTexts[name] })),
    security: [{ token: [] }, { session: [] }],
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'A token of an identity: gyre_…' },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: 'gyre_session',
          description: 'A browser session; changes also need the Origin header.',
        },
      },
      schemas: Object.fromEntries(Object.entries(named).map(([name, schema]) => [name, withReferences(schema, names, true)])),
    },
  };
}

function operation(route: Route, shape: (schema: unknown) => unknown): Json {
  const { permission } = route;
  return {
    operationId: operationId(route),
    tags: [route.tag],
    summary: route.summary,
    description: [route.description, permission === 'public' ? undefined : `Needs the permission \`${permission}\`.`]
      .filter(Boolean)
      .join('\n\n'),
    ...(permission === 'public' ? { security: [] } : { 'x-permission': permission }),
    parameters: [...parameters('path', route.params, shape), ...parameters('query', route.query, shape)],
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: needsBody(route.body), content: { 'application/json': { schema: shape(route.body) } } } }),
    responses: { ...success(route, shape), default: problemResponse },
  };
}

const problemResponse = {
  description: 'What went wrong, as problem details (RFC 9457).',
  content: { [problemType]: { schema: { $ref: '#/components/schemas/Problem' } } },
};

function success({ answer }: Route, shape: (schema: unknown) => unknown): Json {
  switch (answer.kind) {
    case 'json':
      return { [answer.status]: { description: 'Done.', content: { 'application/json': { schema: shape(answer.schema) } } } };
    case 'file':
      return { 200: { description: answer.description, content: Object.fromEntries(answer.types.map((type) => [type, { schema: {} }])) } };
    case 'stream':
      return {
        200: {
          description: 'Server-sent events, until the caller leaves.',
          content: { 'text/event-stream': { schema: { type: 'string' } } },
        },
      };
  }
}

function parameters(where: 'path' | 'query', schema: TSchema | undefined, shape: (schema: unknown) => unknown): readonly Json[] {
  const { properties = {}, required = [] } = plain(schema);
  return Object.entries(properties).map(([name, member]) => {
    const { description, ...rest } = plainMember(shape(member));
    return {
      name: name === '*' ? 'path' : name,
      in: where,
      required: where === 'path' || (required.includes(name) && !('default' in rest)),
      ...(description === undefined ? {} : { description }),
      schema: rest,
    };
  });
}

/** A body whose members all have a default or are optional may stay away. */
function needsBody(schema: TSchema): boolean {
  const { properties, required = [] } = plain(schema);
  if (properties === undefined) return true;
  return required.some((name) => !('default' in plainMember(properties[name])));
}

interface ObjectSchema {
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
}

/** A schema is plain JSON Schema underneath. */
function plain(schema: TSchema | undefined): ObjectSchema {
  return schema ?? {};
}

function plainMember(schema: unknown): { readonly [name: string]: unknown } {
  return typeof schema === 'object' && schema !== null ? { ...schema } : {};
}

/** GET /api/v1/datasets/:digest/rows → `getDatasetsDigestRows`. */
function operationId({ method, path }: Route): string {
  const words = path
    .replace('/api/v1/', '/')
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== '');
  return method.toLowerCase() + words.map((word) => word[0].toUpperCase() + word.slice(1)).join('') + (path.endsWith('*') ? 'Path' : '');
}

/** Puts references where a named record stands. @param isTop the schema is itself the record: it is written out */
function withReferences(schema: unknown, names: ReadonlyMap<string, string>, isTop = false): unknown {
  if (Array.isArray(schema)) return schema.map((item: unknown) => withReferences(item, names));
  if (typeof schema !== 'object' || schema === null) return schema;
  const name = isTop ? undefined : names.get(JSON.stringify(schema));
  if (name !== undefined) return { $ref: `#/components/schemas/${name}` };
  return Object.fromEntries(
    Object.entries(inDialect(schema)).map(([key, value]: [string, unknown]) => [key, withReferences(value, names)]),
  );
}

/** TypeBox writes tuples as drafts before 2020-12 did. */
function inDialect(schema: object): object {
  if (!('items' in schema) || !Array.isArray(schema.items)) return schema;
  const { items, ...rest } = schema;
  const kept = Object.entries(rest).filter(([key]) => key !== 'additionalItems');
  return { ...Object.fromEntries(kept), prefixItems: items, items: false };
}
