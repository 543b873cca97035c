/*
 * Writes into docs/mlflow.md which routes of MLflow's protocol are answered: it asks a server of this checkout for each.
 * Usage: node tools/document-mlflow-routes.ts
 */
import { writeFileSync } from 'node:fs';
import { openForVerb } from '#app';
import { protocolRoutes } from '#mlflow';
import { temporaryFolder } from '../test/harness/gyre-fixture.ts';
import { smallProject } from '../test/harness/projects-fixture.ts';
import { documentation, documented, type Standing, standingOf, tableOf } from '../test/interop/mlflow-routes.ts';

await using folder = await temporaryFolder();
await using server = await openForVerb({ projectFolder: await smallProject(folder.path, { rows: 20 }), flags: {}, environment: {} });
const standings = new Map<(typeof protocolRoutes)[number], Standing>();
for (const route of protocolRoutes) standings.set(route, await standingOf(server, route.method, route.path));
const { before, after } = await documented();
writeFileSync(documentation, `${before}\n${tableOf(standings)}\n${after}`);
console.log(
  tableOf(standings)
    .match(/^###.*$/gm)
    ?.join(', '),
);
