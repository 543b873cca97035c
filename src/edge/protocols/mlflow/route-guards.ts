import type { RouteGuard } from './authorize.ts';
import type { MlflowRoute } from './port.ts';
import {
  onArtifact,
  onExperiment,
  onExperimentNamed,
  onLoggedModel,
  onModel,
  onNewVersion,
  onRun,
  onRunAndModels,
  onRuns,
} from './touches.ts';
import type { Touches } from './touches.ts';

const api = '/2.0/mlflow';
const artifacts = '/2.0/mlflow-artifacts';

const touching: readonly (readonly [routes: readonly string[], touches: Touches])[] = [
  [[`GET ${api}/experiments/get`], onExperiment('read')],
  [[`GET ${api}/experiments/get-by-name`], onExperimentNamed('read')],
  [
    [`POST ${api}/experiments/update`, `POST ${api}/experiments/set-experiment-tag`, `POST ${api}/experiments/delete-experiment-tag`],
    onExperiment('update'),
  ],
  [[`POST ${api}/experiments/delete`, `POST ${api}/experiments/restore`], onExperiment('delete')],
  [[`POST ${api}/runs/create`, `POST ${api}/logged-models`], onExperiment('update')],

  [[`GET ${api}/runs/get`, `GET ${api}/artifacts/list`, 'GET /get-artifact', `GET ${api}/metrics/get-history`], onRun('read')],
  [[`GET ${api}/metrics/get-history-bulk`, `GET ${api}/metrics/get-history-bulk-interval`], onRuns('read')],
  [
    ['update', 'log-parameter', 'log-model', 'set-tag', 'delete-tag']
      .map((verb) => `POST ${api}/runs/${verb}`)
      .concat(`POST ${api}/upload-artifact`),
    onRun('update'),
  ],
  [['log-metric', 'log-batch', 'log-inputs', 'outputs'].map((verb) => `POST ${api}/runs/${verb}`), onRunAndModels],
  [[`POST ${api}/runs/delete`, `POST ${api}/runs/restore`], onRun('delete')],

  [['', '/artifacts/directories', '/artifacts/files'].map((rest) => `GET ${api}/logged-models/:model_id${rest}`), onLoggedModel('read')],
  [
    [
      `PATCH ${api}/logged-models/:model_id`,
      `POST ${api}/logged-models/:model_id/params`,
      `PATCH ${api}/logged-models/:model_id/tags`,
      `DELETE ${api}/logged-models/:model_id/tags/:tag_key`,
    ],
    onLoggedModel('update'),
  ],
  [[`DELETE ${api}/logged-models/:model_id`], onLoggedModel('delete')],

  [
    [
      `GET ${api}/registered-models/get`,
      `GET ${api}/registered-models/get-latest-versions`,
      `POST ${api}/registered-models/get-latest-versions`,
      `GET ${api}/registered-models/alias`,
      `GET ${api}/model-versions/get`,
      `GET ${api}/model-versions/get-download-uri`,
      'GET /model-versions/get-artifact',
    ],
    onModel('read'),
  ],
  [
    [
      `PATCH ${api}/registered-models/update`,
      `POST ${api}/registered-models/rename`,
      `POST ${api}/registered-models/set-tag`,
      `DELETE ${api}/registered-models/delete-tag`,
      `POST ${api}/registered-models/alias`,
      `DELETE ${api}/registered-models/alias`,
      `PATCH ${api}/model-versions/update`,
      `POST ${api}/model-versions/transition-stage`,
      `POST ${api}/model-versions/set-tag`,
      `DELETE ${api}/model-versions/delete-tag`,
    ],
    onModel('update'),
  ],
  [[`DELETE ${api}/registered-models/delete`, `DELETE ${api}/model-versions/delete`], onModel('delete')],
  [[`POST ${api}/model-versions/create`], onNewVersion],

  [[`GET ${artifacts}/artifacts`, `GET ${artifacts}/artifacts/*`, `GET ${artifacts}/presigned/*`], onArtifact('read')],
  [
    [`PUT ${artifacts}/artifacts/*`, ...['create', 'complete', 'abort'].map((verb) => `POST ${artifacts}/mpu/${verb}/*`)],
    onArtifact('update'),
  ],
  [[`DELETE ${artifacts}/artifacts/*`], onArtifact('delete')],
];

/** They leave out what the caller may not read. */
const searches: readonly string[] = [
  `GET ${api}/experiments/search`,
  `POST ${api}/experiments/search`,
  `POST ${api}/experiments/search-datasets`,
  `POST ${api}/runs/search`,
  `POST ${api}/logged-models/search`,
  `GET ${api}/registered-models/search`,
  `POST ${api}/registered-models/search`,
  `GET ${api}/model-versions/search`,
];

/** They make a record that nobody has rights on yet, or are about the server and its users and look themselves at what a user may. */
const elsewhere: readonly string[] = [
  `POST ${api}/experiments/create`,
  `POST ${api}/registered-models/create`,
  'GET /3.0/mlflow/server-info',
  `PUT ${artifacts}/mpu/parts/:upload/:part`,
  ...['POST create', 'GET get', 'GET current', 'GET list', 'PATCH update-password', 'PATCH update-admin', 'DELETE delete'].map((verb) =>
    verb.replace(' ', ` ${api}/users/`),
  ),
  ...['POST permissions/grant', 'POST permissions/revoke', 'GET permissions/get', 'GET permissions/list', 'GET current/permissions'].map(
    (verb) => verb.replace(' ', ' /3.0/mlflow/users/'),
  ),
  'GET /3.0/mlflow/users/roles/list',
  ...['POST create', 'GET get', 'GET list', 'PATCH update', 'DELETE delete', 'POST assign', 'DELETE unassign', 'GET users/list'].map(
    (verb) => verb.replace(' ', ' /3.0/mlflow/roles/'),
  ),
  ...['POST add', 'DELETE remove', 'GET list', 'PATCH update'].map((verb) => verb.replace(' ', ' /3.0/mlflow/roles/permissions/')),
  ...['experiments', 'registered-models'].flatMap((records) =>
    ['POST create', 'GET get', 'PATCH update', 'DELETE delete'].map((verb) => verb.replace(' ', ` ${api}/${records}/permissions/`)),
  ),
];

/** They tell somebody else of every change of every model. */
const everywhere: readonly string[] = [
  `POST ${api}/webhooks`,
  `GET ${api}/webhooks`,
  ...['GET', 'PATCH', 'DELETE'].map((method) => `${method} ${api}/webhooks/:webhook_id`),
  `POST ${api}/webhooks/:webhook_id/test`,
];

const guards: ReadonlyMap<string, RouteGuard> = new Map<string, RouteGuard>([
  ...touching.flatMap(([routes, touches]) => routes.map((route) => [route, { touches }] as const)),
  ...searches.map((route) => [route, { touches: 'itself' }] as const),
  ...elsewhere.map((route) => [route, { touches: 'nothing' }] as const),
  ...everywhere.map((route) => [route, { touches: 'everything' }] as const),
]);

/** What a route of the protocol does to which record; undefined for one that the table lacks. */
export function guardOf({ method, path }: Pick<MlflowRoute, 'method' | 'path'>): RouteGuard | undefined {
  return guards.get(`${method} ${path}`);
}

/** What a route does, for all of the table. */
export function allGuards(): readonly RouteGuard[] {
  return [...guards.values()];
}
