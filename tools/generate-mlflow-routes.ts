/*
 * Writes src/edge/protocols/mlflow/protocol-routes.ts from what the MLflow of the Python peers knows. A route that an older MLflow knew
 * stays: its clients are in use for years. Run it after a new MLflow is pinned in test/interop/requirements.txt.
 * Usage: node tools/generate-mlflow-routes.ts; GYRE_TEST_VENV names another Python with another MLflow.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { protocolRoutes } from '#mlflow';
import { knownRoutes } from '../test/interop/mlflow-routes.ts';

const root = join(import.meta.dirname, '..');
const file = join(root, 'src/edge/protocols/mlflow/protocol-routes.ts');
const keyOf = ({ method, path }: { readonly method: string; readonly path: string }): string => `${path} ${method}`;

const merged = new Map(protocolRoutes.map((route) => [keyOf(route), route]));
for (const route of await knownRoutes()) merged.set(keyOf(route), route);
const rows = [...merged.values()]
  .toSorted((left, right) => (keyOf(left) < keyOf(right) ? -1 : 1))
  .map(({ method, path, name, since }) => `  ['${method}', '${path}', '${name}', '${since}'],`);
writeFileSync(
  file,
  `import type { MlflowRoute } from './port.ts';

/*
 * Written by tools/generate-mlflow-routes.ts from MLflow's protocol definitions, and from what its server answers beside them.
 */

/** A route that MLflow's clients know. */
export interface ProtocolRoute {
  readonly method: MlflowRoute['method'];
  /** With \`{name}\` for a parameter, \`{name*}\` for one that may hold slashes. Below \`/api/\` it stands for its twin below \`/ajax-api/\` too. */
  readonly path: string;
  readonly name: string;
  /** The version of the protocol that brought it; empty outside of the versioned paths. */
  readonly since: string;
}

const rows: readonly (readonly [MlflowRoute['method'], string, string, string])[] = [
${rows.join('\n')}
];

export const protocolRoutes: readonly ProtocolRoute[] = rows.map(([method, path, name, since]) => ({ method, path, name, since }));
`,
);
execFileSync(process.execPath, [join(root, 'node_modules/oxfmt/bin/oxfmt'), file]);
console.log(`${merged.size} routes`);
