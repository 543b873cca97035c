import { createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { GyreError } from '#core';
import { partsOf, plainName, servedName } from './contents.ts';
import { archiveOf, type ArchiveEntry } from './oci/tar.ts';
import type { PackedModel } from './packed.ts';
import { home, type PlaneRuntime } from './runtime/plane-runtime.ts';
import { serviceUnit } from './service-unit.ts';

export interface WrittenArchive {
  readonly file: string;
  readonly bytes: number;
  readonly architecture: string;
  /** What it unpacks to. */
  readonly folder: string;
  /** The unit in it. */
  readonly unit: string;
}

/** The dynamic loader, by whose own name each architecture knows it. */
const loaders = { amd64: 'ld-linux-x86-64.so.2', arm64: 'ld-linux-aarch64.so.1' } as const;

/**
 * Writes what a computer without containers runs: the data plane with its own libraries, the model, a script that starts it and a unit for systemd.
 * The same model and runtime give the same bytes.
 * @param file absolute; replaced when it is there
 */
export async function writeArchive(file: string, runtime: PlaneRuntime, model: PackedModel): Promise<WrittenArchive> {
  const name = plainName(model.name);
  const folder = `${name}-${model.version ?? model.digest.slice(0, 12)}`;
  const unit = `gyre-${name}.service`;
  const [system, ...others] = partsOf(runtime, model);
  // Names and users of the machine are its own.
  const own = system.entries.filter(({ path }) => !path.startsWith('etc/') && path !== 'tmp');
  const loader = own.find(({ path }) => path.endsWith(`/${loaders[runtime.architecture]}`));
  if (loader === undefined) throw new GyreError('NOT_FOUND', `node names no loader ${loaders[runtime.architecture]} here`);
  const text = (path: string, content: string, mode?: number): ArchiveEntry => ({
    path,
    content: Buffer.from(content),
    ...(mode === undefined ? {} : { mode }),
  });
  const entries = [
    ...own,
    ...others.flatMap((part) => part.entries),
    text('serve', startScript(servedName(model.name), loader.path, librariesOf(own)), 0o755),
    text(unit, serviceUnit({ model, folder })),
  ];
  const fresh = `${file}.${process.pid}.new`;
  try {
    const inFolder = entries.map((entry) => ({ ...entry, path: `${folder}/${entry.path}` }));
    await pipeline(Readable.from(archiveOf(inFolder)), createGzip({ level: 6 }), createWriteStream(fresh, { flush: true }));
    await rename(fresh, file);
  } finally {
    await rm(fresh, { force: true });
  }
  return { file, bytes: (await stat(file)).size, architecture: runtime.architecture, folder, unit };
}

function librariesOf(entries: readonly ArchiveEntry[]): readonly string[] {
  return [...new Set(entries.flatMap(({ path }) => (path.startsWith(`${home}/`) ? [] : [dirname(path)])))].sort();
}

/** The libraries of the machine that it runs on may be older, or others: its own loader finds its own. */
function startScript(model: string, loader: string, libraries: readonly string[]): string {
  return `#!/bin/sh
# Answers for ${model} on this computer: ./serve --port 9000, --workers 2, --spool FOLDER, ...
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd -P) || exit 1
export NODE_DISABLE_COMPILE_CACHE=1 ORT_DISABLE_TELEMETRY=1
exec "$here/${loader}" --library-path "${libraries.map((folder) => `$here/${folder}`).join(':')}" \\
  "$here/${home}/bin/node" "$here/${home}/program/inference-main.mjs" --model "${model}=$here/${home}/model" "$@"
`;
}
