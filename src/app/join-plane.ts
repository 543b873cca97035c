import { basename, join, resolve } from 'node:path';
import type { PlaneProgram } from '#packaging';
import { keepPlaces } from './kept-places.ts';
import { gyreVersion } from './version.ts';

const checkout = resolve(import.meta.dirname, '../..');
const entry = 'src/app/inference-main.ts';
/** Native code, which goes along as it is installed. */
const apart = ['onnxruntime-node', 'sharp'];

/** Joins the modules of a data plane, those alone, for a computer that has no checkout. Equal sources give equal bytes. */
export async function joinPlane(): Promise<PlaneProgram> {
  const { build } = await import('esbuild');
  const modules = join(checkout, 'node_modules');
  const entries = new Set([entry]);
  for (;;) {
    const known = entries.size;
    const started: string[] = [];
    const { outputFiles, metafile } = await build({
      absWorkingDir: checkout,
      entryPoints: [...entries].map((file) => ({ in: file, out: basename(file, '.ts') })),
      outdir: join(checkout, 'program'),
      outExtension: { '.js': '.mjs' },
      chunkNames: '[name]-[hash]',
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      target: 'node26',
      external: apart,
      metafile: true,
      write: false,
      // What a module of CommonJS asks for while it runs.
      banner: { js: `import { createRequire as requireFrom } from 'node:module';\nconst require = requireFrom(import.meta.url);` },
      plugins: [keepPlaces(checkout, join(checkout, 'program'), (file) => started.push(file))],
      logLevel: 'silent',
    });
    for (const file of started.sort()) entries.add(file);
    // A thread may start threads of its own.
    if (entries.size > known) continue;
    return {
      files: outputFiles.map(({ path, contents }) => ({ name: basename(path), bytes: contents })),
      joined: packagesAmong(Object.keys(metafile.inputs)),
      modules,
      node: process.execPath,
      version: gyreVersion,
    };
  }
}

function packagesAmong(inputs: readonly string[]): readonly string[] {
  const names = inputs.flatMap((input) => {
    const [, name] = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input) ?? [];
    return name === undefined ? [] : [name];
  });
  return [...new Set(names)].sort();
}
