/**
 * The one table of rooms. It generates package.json's `imports`, the lint walls in .oxlintrc.json and the map in ARCHITECTURE.md
 * (`tools/generate-walls.ts`), and `tools/check-imports.ts` judges every import by it.
 * The order is the order in which data flows: a room may use the rooms before it, never those after it.
 */
export interface Room {
  /** The name that other rooms import, without its `#`. */
  readonly name: string;
  readonly floor: Floor;
  /** The folder, from the repository's root; its `index.ts` is the door. */
  readonly folder: string;
  readonly purpose: string;
  /** The only rooms that this one may use, where that is stricter than "all before it". Its tests may use all before it. */
  readonly only?: readonly string[];
  /** The only modules of Node that it may use. Left out: all. */
  readonly builtins?: readonly string[];
  /** The only npm packages that it may use. Left out: all that `packageHomes` allows it. */
  readonly packages?: readonly string[];
}

export type Floor = 'foundation' | 'build' | 'deploy' | 'monitor' | 'edge' | 'app';

const on = (
  floor: Floor,
  name: string,
  purpose: string,
  rules: Partial<Pick<Room, 'folder' | 'only' | 'builtins' | 'packages'>> = {},
): Room => ({
  name,
  floor,
  folder: `src/${floor}/${name}`,
  purpose,
  ...rules,
});

export const rooms: readonly Room[] = [
  on('foundation', 'core', 'errors, ids, clock, random, digests, configuration; no I/O', { builtins: ['node:crypto'], packages: [] }),
  on('foundation', 'contract', 'the shapes that cross a wire (TypeBox schemas and their types); runs in a browser too', {
    only: [],
    builtins: [],
    packages: ['typebox'],
  }),
  on('foundation', 'store', 'the metadata database: SQLite or PostgreSQL behind one port; transactions and migrations'),
  on('foundation', 'blobs', 'content-addressed bytes, in a folder or a bucket; objects by key; fetching what an address names'),
  on('foundation', 'events', 'the outbox: a state change and its event in one transaction; subscribers with their own cursor'),
  on('foundation', 'access', 'identities, roles, tokens, permission checks'),
  on('foundation', 'executors', 'where a process runs'),
  on('foundation', 'telemetry', 'logs, metrics, traces'),
  on('foundation', 'tables', 'columns and rows: DuckDB behind a small face, confined'),
  on('foundation', 'onnx', 'ONNX graphs: write, read, check, run (inline or in worker threads)'),
  on('foundation', 'images', 'pictures: decode and resize as one versioned function, examine, measure, show (off the calling thread)'),
  on('foundation', 'stats', 'formulas on typed arrays, pure, each with its source and reference check', { builtins: [], packages: [] }),
  on('foundation', 'learners', 'learning algorithms on typed arrays: fit, predict, toOnnx'),
  on(
    'foundation',
    'explain',
    'why a graph says what it says: contributions, KernelSHAP, occlusion; outlier scores; off the calling thread',
    {
      only: ['core', 'contract', 'onnx', 'stats', 'learners'],
    },
  ),
  on('foundation', 'project', 'gyre.yaml: loading, messages with line and column, the charter'),
  on('foundation', 'pipelines', 'the run graph: steps, cache keys, leases, resume'),
  on('build', 'workspace', 'data files of a working folder, in DVC’s formats: cache, `.dvc` files, remotes'),
  on('build', 'data', 'sources, dataset versions, schemas, profiles, quality reports, splits'),
  on('build', 'features', 'transforms: fitted once, applied the same everywhere, exported to ONNX'),
  on('build', 'training', 'experiments, runs, metrics, artifacts; trainers; search'),
  on('build', 'evaluation', 'metrics, slices, explanations, test reports, champion against challenger'),
  on('build', 'registry', 'registered models, versions, aliases; packages, model cards, evidence'),
  on('build', 'imports', 'records of other tools, brought in: MLflow, TensorBoard, wandb, DVCLive; and written out again'),
  on('build', 'ci', 'commits: run, compared with the base branch, judged, reported; the workflows that CI services run'),
  on('deploy', 'release', 'environments, application tests, certification, approval, rollout, rollback'),
  on('deploy', 'machine', 'what a machine has that a data plane is to run on, and whether that is enough for its manifest', {
    only: ['core', 'contract', 'onnx'],
  }),
  on(
    'deploy',
    'fleet',
    'agents on other machines: who is enrolled, what each environment is to serve, what each agent says that it serves',
  ),
  on('deploy', 'serving', 'the data plane: routing by manifest, ONNX lanes, prediction log; runs alone, without a database', {
    only: ['core', 'contract', 'blobs', 'telemetry', 'onnx', 'images', 'explain'],
  }),
  on('deploy', 'packaging', 'packages that run elsewhere: images without Docker, their bills of materials and signatures, archives', {
    only: ['core', 'contract', 'store', 'blobs', 'events'],
  }),
  on('deploy', 'video', 'frames of a video, a camera or a stream to a model, in real time, by ffmpeg', {
    only: ['core', 'contract', 'images'],
  }),
  on('deploy', 'batch', 'batch predictions: any table in, each row out with its prediction or the reason why not, exactly once'),
  on('deploy', 'streams', 'stream predictions: messages of a topic in, predictions to another, at least once; NATS, Redis, Kafka'),
  on('monitor', 'monitoring', 'prediction windows, labels, drift, performance, alerts'),
  on('monitor', 'triggers', 'policy: which alert leads to which action'),
  on('monitor', 'governance', 'audit log, lineage, traces; reads events and renders what others own'),
  on('monitor', 'mail', 'people are told by e-mail of what waits for them'),
  on('edge', 'oip', 'the Open Inference Protocol: decode, validate, map errors', {
    folder: 'src/edge/protocols/oip',
    only: ['core', 'contract', 'serving'],
  }),
  on('edge', 'scoring', 'the routes of TensorFlow Serving, TorchServe and MLflow’s scoring server on the data plane', {
    folder: 'src/edge/protocols/scoring',
    only: ['core', 'contract', 'serving', 'oip'],
  }),
  on('edge', 'lfs', 'the Git LFS protocol: batch, basic transfer, locks; map errors', {
    folder: 'src/edge/protocols/lfs',
    only: ['core', 'contract', 'access', 'data'],
  }),
  on('edge', 'mlflow', 'the MLflow REST protocol: messages, routes, words for errors', {
    folder: 'src/edge/protocols/mlflow',
    only: ['core', 'contract', 'access', 'training', 'registry'],
  }),
  on('edge', 'relay', 'a journal on a training machine that speaks MLflow’s tracking API while the server is away; runs alone', {
    only: ['core'],
  }),
  on(
    'edge',
    'agent',
    'on another machine: fetches what its environment is to serve, has it served, reports; runs alone, without a database',
    {
      only: ['core', 'contract', 'blobs', 'machine', 'serving'],
    },
  ),
  on('edge', 'api', 'our HTTP API (OpenAPI 3.1) and the web pages’ server'),
  on('edge', 'cli', 'the command line'),
  on('app', 'app', 'composition root: the only place that reads configuration, picks backends, opens rooms', { folder: 'src/app' }),
];

/** Modules that start a process. They are the composition root's outposts: they may open any door, and read clock and chance. */
export const entryPoints: readonly string[] = ['src/edge/cli/main.ts', 'src/app/build-ui.ts'];

/** Packages that have a home: only these rooms import them. `*-store.ts` and `migrations/` of any room may import `kysely` as well. */
export const packageHomes: Readonly<Record<string, readonly string[]>> = {
  kysely: ['store'],
  pg: ['store', 'data', 'imports', 'batch'],
  'pg-copy-streams': ['data', 'batch'],
  mysql2: ['data'],
  'read-excel-file': ['data'],
  // The app's, the workspace's, packaging's and batch's: their locks are SQLite's exclusive file lock. The data room reads SQLite files as sources, and imports
  // do; batch writes predictions into them.
  'node:sqlite': ['store', 'workspace', 'data', 'imports', 'packaging', 'batch', 'app'],
  '@duckdb/node-api': ['tables'],
  '@duckdb/node-bindings': ['tables'],
  'onnxruntime-node': ['onnx'],
  sharp: ['images'],
  ignore: ['workspace'],
  pino: ['telemetry'],
  fastify: ['api', 'app'],
  commander: ['cli'],
  esbuild: ['app'],
  croner: ['project'],
  nodemailer: ['mail'],
  ioredis: ['streams'],
  '@nats-io/transport-node': ['streams'],
  '@nats-io/jetstream': ['streams'],
  '@platformatic/kafka': ['streams'],
};

/** Files that may read the machine's clock and chance although they are in a room. */
export const ambientHomes: readonly string[] = [
  'src/foundation/core/clock.ts',
  // Sets a file's time, which is compared with times that the file system gave.
  'src/foundation/blobs/touch.ts',
];

/** What the web pages may import: they run in a browser and know the server only by its contract. */
export const ui = { folder: 'ui', only: ['contract'], packages: ['marked', 'preact', '@preact/signals', 'uplot'] } as const;

/** @returns the names of the rooms that code of this room may import; `inTest` lifts a room's own strictness, never the order */
export function visibleFrom(room: Room, inTest: boolean): readonly string[] {
  const before = rooms.slice(0, rooms.indexOf(room)).map(({ name }) => name);
  return room.only === undefined || inTest ? before : room.only;
}
