import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Bench } from './testing.ts';

/** Imports an mlruns folder with one empty experiment. @returns the import's id */
export async function importFolder(bench: Bench): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gyre-mlruns-'));
  try {
    await mkdir(join(folder, '7'));
    await writeFile(join(folder, '7', 'meta.yaml'), "experiment_id: '7'\nname: brought\nlifecycle_stage: active\n");
    const { id } = await bench.deps.imports.start({ kind: 'mlflow', source: folder, by: { identity: 'test', name: 'test' } });
    await bench.deps.imports.wait(id);
    return id;
  } finally {
    await rm(folder, { recursive: true });
  }
}
