// Measures the ONNX room: writing and reading a forest of 200 trees, and runs inline against worker threads.
// node bench/onnx.ts [rows per request]
import { attr, checkModel, encodeModel, graphBuilder, mlDomain, openSession, openSessionPool, tensor } from '#onnx';
import { seeded } from '#core';

const columns = 30;
const random = seeded(7);
const rows = Number(process.argv[2] ?? 1);

/** Complete trees of 63 leaves on random columns: 200 trees have 25,000 nodes, their attributes 225,000 values. */
function forest(trees: number): Uint8Array {
  const depth = 6;
  const perTree = 2 ** (depth + 1) - 1;
  const inner = 2 ** depth - 1;
  const total = trees * perTree;
  const node = (index: number): number => index % perTree;
  const isLeaf = (index: number): boolean => node(index) >= inner;
  const fill = (value: (index: number) => number): Int32Array => Int32Array.from({ length: total }, (_, index) => value(index));
  const leaves = fill((index) => index).filter(isLeaf);
  const graph = graphBuilder({ name: 'forest' });
  graph.input('x', 'FLOAT', ['N', columns]);
  const attributes = {
    nodes_treeids: attr.ints(fill((index) => Math.floor(index / perTree))),
    nodes_nodeids: attr.ints(fill(node)),
    nodes_featureids: attr.ints(fill((index) => (isLeaf(index) ? 0 : Math.floor(random.next() * columns)))),
    nodes_values: attr.floats(Float32Array.from({ length: total }, () => random.next())),
    nodes_modes: attr.strings(Array.from({ length: total }, (_, index) => (isLeaf(index) ? 'LEAF' : 'BRANCH_LEQ'))),
    nodes_truenodeids: attr.ints(fill((index) => (isLeaf(index) ? 0 : 2 * node(index) + 1))),
    nodes_falsenodeids: attr.ints(fill((index) => (isLeaf(index) ? 0 : 2 * node(index) + 2))),
    nodes_missing_value_tracks_true: attr.ints(fill((index) => (isLeaf(index) ? 0 : 1))),
    target_treeids: attr.ints(leaves.map((index) => Math.floor(index / perTree))),
    target_nodeids: attr.ints(leaves.map(node)),
    target_ids: attr.ints(new Int32Array(leaves.length)),
    target_weights: attr.floats(Float32Array.from(leaves, () => random.next() - 0.5)),
    n_targets: attr.int(1),
  };
  const margin = graph.op('TreeEnsembleRegressor', ['x'], { domain: mlDomain, attributes });
  graph.output('p', 'FLOAT', ['N', 1], graph.op('Sigmoid', [margin]));
  const times = Array.from({ length: 9 }, () => timed(() => encodeModel(graph)));
  console.log(`encode ${trees} trees, ${total} nodes: ${times[0].toFixed(1)} ms cold, ${median(times).toFixed(1)} ms median`);
  return encodeModel(graph);
}

function timed(work: () => unknown): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1];

const bytes = forest(200);
console.log(`size ${(bytes.length / 1e6).toFixed(2)} MB`);
console.log(`decode and check: ${median(Array.from({ length: 9 }, () => timed(() => checkModel(bytes)))).toFixed(1)} ms median`);

const x = tensor(
  'FLOAT',
  [rows, columns],
  Float32Array.from({ length: rows * columns }, () => random.next()),
);
const requests = Math.max(200, Math.round(20_000 / rows));

async function throughput(label: string, run: () => Promise<unknown>): Promise<void> {
  for (let warm = 0; warm < 50; warm++) await run();
  const start = performance.now();
  const inFlight = 16;
  let left = requests;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (left-- > 0) await run();
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  console.log(`${label}: ${Math.round(requests / seconds)} requests/s of ${rows} rows (${Math.round((requests * rows) / seconds)} rows/s)`);
}

{
  const start = performance.now();
  await using session = await openSession(bytes);
  console.log(`load inline: ${(performance.now() - start).toFixed(0)} ms (with the import of the runtime)`);
  await throughput('inline', () => session.run({ x }));
}
for (const workers of [1, 2]) {
  const start = performance.now();
  await using pool = await openSessionPool(bytes, { workers });
  console.log(`load in ${workers} worker(s): ${(performance.now() - start).toFixed(0)} ms`);
  await throughput(`${workers} worker(s)`, () => pool.run({ x }));
}
