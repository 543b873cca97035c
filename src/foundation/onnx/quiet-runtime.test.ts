import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Runs a graph in ONNX Runtime itself, inline or on a worker thread. */
const program = (lanes: number): string => `
  const { encodeModel, graphBuilder, openSession, openSessionPool, tensor } = await import(${JSON.stringify(join(import.meta.dirname, 'index.ts'))});
  const graph = graphBuilder({ name: 'g' });
  graph.input('x', 'FLOAT', ['N']);
  graph.output('y', 'FLOAT', ['N'], graph.op('Abs', ['x']));
  const open = ${lanes} === 0 ? openSession(encodeModel(graph)) : openSessionPool(encodeModel(graph), { workers: ${lanes} });
  const session = await open;
  const { y } = await session.run({ x: tensor('FLOAT', [1], Float32Array.of(-2)) });
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await session[Symbol.asyncDispose]();
  console.log(y.data[0]);
`;

describe('ONNX Runtime', () => {
  for (const [where, lanes] of [
    ['on the calling thread', 0],
    ['on a worker thread', 1],
  ] as const)
    test(`keeps no record of its use in the user’s home, ${where}`, async () => {
      const root = await mkdtemp(join(tmpdir(), 'gyre-quiet-'));
      const [home, file] = [join(root, 'home'), join(root, 'program.mjs')];
      try {
        await mkdir(home);
        await writeFile(file, program(lanes));
        const { ORT_DISABLE_TELEMETRY: _, ...environment } = process.env;
        const { stdout } = await run(process.execPath, [file], {
          env: { ...environment, HOME: home, XDG_CACHE_HOME: join(home, 'cache'), NODE_DISABLE_COMPILE_CACHE: '1' },
        });
        assert.equal(stdout.trim(), '2');
        assert.deepEqual(await readdir(home), []);
      } finally {
        await rm(root, { recursive: true, force: true });
      }
    });
});
