import { schemaOf } from './message.ts';
import type { MountedRoute } from './port.ts';

/** The routes of the protocol as an OpenAPI 3.1 document, made from the messages that they read: what any tool may send. */
export function mlflowDescription(routes: readonly MountedRoute[], version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    if (route.request === undefined) continue;
    const path = `/api${route.path.replaceAll(/:(\w+)/g, '{$1}')}`;
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return { openapi: '3.1.0', info: { title: 'MLflow’s REST API, as Gyre answers it', version }, paths };
}

function operationOf({ method, path, request = {} }: MountedRoute): object {
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name);
  const members = Object.entries(request).filter(([name]) => !inPath.includes(name));
  const query = method === 'GET' ? members : [];
  const parameters = [
    ...inPath.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string', minLength: 1 } })),
    ...query.map(([name, { schema = {}, isRequired }]) => ({ name, in: 'query', required: isRequired, schema })),
  ];
  const body = { required: true, content: { 'application/json': { schema: schemaOf(Object.fromEntries(members)) } } };
  return {
    operationId: `${method} ${path}`,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(method === 'GET' ? {} : { requestBody: body }),
    responses: { default: { description: 'An answer, or an error with `error_code` and `message`.', content: { 'application/json': {} } } },
  };
}
