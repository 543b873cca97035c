import { createWriteStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { GyreError, sha256 } from '#core';
import { type Part, partNames, partsOf, settingsOf } from './contents.ts';
import { archiveOf } from './oci/tar.ts';
import type { ImageConfig } from './oci/words.ts';
import type { PackedModel } from './packed.ts';
import type { PlaneRuntime } from './runtime/plane-runtime.ts';

export interface WrittenContext {
  readonly folder: string;
  /** Relative to the folder. */
  readonly files: readonly string[];
}

/** By which a folder is known to be one of ours. */
const firstLine = '# Written by `gyre package`; the digest of what follows: ';
const file = 'Containerfile';

/**
 * Writes what Docker, BuildKit and Buildah build the image of: a Containerfile, and an archive for each layer, which `ADD` unpacks. An earlier one of
 * ours in the same folder is replaced.
 * @param folder absolute
 * @throws GyreError ALREADY_EXISTS when the folder holds anything else
 */
export async function writeContainerfile(
  folder: string,
  runtime: PlaneRuntime,
  model: PackedModel,
  labels: Readonly<Record<string, string>> = {},
): Promise<WrittenContext> {
  await requireOurs(folder);
  const fresh = `${folder}.${process.pid}.new`;
  const parts = partsOf(runtime, model);
  try {
    await mkdir(fresh, { recursive: true });
    for (const part of parts) {
      const packed = createWriteStream(join(fresh, archiveName(part)), { flush: true });
      await pipeline(Readable.from(archiveOf(part.entries)), createGzip({ level: 6 }), packed);
    }
    const rest = textOf(parts, settingsOf(model, labels));
    await writeFile(join(fresh, file), `${firstLine}${sha256(rest)}\n${rest}`, { flush: true });
    // Checked again: it took a while, and whatever came meanwhile is not ours to remove.
    await requireOurs(folder);
    await rm(folder, { recursive: true, force: true });
    await rename(fresh, folder);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return { folder, files: [file, ...parts.map(archiveName)] };
}

const archiveName = ({ name }: Part): string => `${name}.tar.gz`;

function textOf(parts: readonly Part[], settings: ImageConfig['config']): string {
  const { User, Env, Entrypoint, WorkingDir, ExposedPorts, Labels, StopSignal } = settings;
  const said = (name: string, value: string): string => `${name}=${quoted(value)}`;
  return [
    '# Build it in this folder with `docker build .` or `buildah build .`. Files of your own, such as certificates, are added behind the last ADD.',
    'FROM scratch',
    ...parts.flatMap((part) => [`# ${part.what}`, `ADD ["${archiveName(part)}", "/"]`]),
    ...Object.entries(Labels).map(([name, value]) => `LABEL ${said(name, value)}`),
    ...Env.map((variable) => {
      const at = variable.indexOf('=');
      return `ENV ${said(variable.slice(0, at), variable.slice(at + 1))}`;
    }),
    `USER ${User}`,
    `WORKDIR ${WorkingDir}`,
    ...Object.keys(ExposedPorts).map((exposed) => `EXPOSE ${exposed}`),
    `STOPSIGNAL ${StopSignal}`,
    `ENTRYPOINT ${JSON.stringify(Entrypoint)}`,
    '',
  ].join('\n');
}

/** A Containerfile's words take `$` for a variable, and end with their line. */
const quoted = (text: string): string => `"${text.replaceAll(/[\\"$]/g, '\\$&').replaceAll(/[\r\n]+/g, ' ')}"`;

async function requireOurs(folder: string): Promise<void> {
  const found = await readdir(folder).catch(() => []);
  if (found.length === 0) return;
  const others = found.filter((name) => name !== file && !partNames.includes(name.replace(/\.tar\.gz$/, '')));
  const text = await readFile(join(folder, file), 'utf8').catch(() => '');
  const end = text.indexOf('\n') + 1;
  if (others.length === 0 && text.slice(0, end) === `${firstLine}${sha256(text.slice(end))}\n`) return;
  const what = others.length > 0 ? `other files (${others.slice(0, 3).join(', ')})` : 'a Containerfile that is not as it was written here';
  throw new GyreError('ALREADY_EXISTS', `${folder} holds ${what}: name a folder that is empty or not there`, { folder });
}
