import { realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { GyreError } from '#core';
import type { Component } from '../bill-of-materials.ts';
import type { ArchiveEntry, ArchiveFile } from '../oci/tar.ts';
import { debianPackageOf } from './debian-package.ts';
import { licenceFiles, npmComponent, npmFiles } from './npm-package.ts';
import { sharedLibraries } from './shared-libraries.ts';

/** The data plane's modules, joined. */
export interface PlaneProgram {
  /** The entry is `inference-main.mjs`. */
  readonly files: readonly { readonly name: string; readonly bytes: Uint8Array }[];
  /** Packages of npm whose code is in them. */
  readonly joined: readonly string[];
  /** Where packages of npm are installed. */
  readonly modules: string;
  /** The program that runs them. */
  readonly node: string;
  readonly version: string;
}

/** Everything but the model: what changes least first. */
export interface PlaneRuntime {
  readonly architecture: 'amd64' | 'arm64';
  readonly system: readonly ArchiveEntry[];
  readonly libraries: readonly ArchiveEntry[];
  readonly program: readonly ArchiveEntry[];
  readonly components: readonly Component[];
}

/** Where all of it lies in an image. */
export const home = 'app';
const nodeArch = { amd64: 'x64', arm64: 'arm64' } as const;

/**
 * Collects what a data plane runs on from this machine: Node, the shared libraries that it and the native modules need, those modules, and the program.
 * @param options.pictures with the decoder of pictures
 * @throws GyreError FAILED_PRECONDITION on a machine that is not Linux; NOT_FOUND naming what is missing
 */
export async function planeRuntime(program: PlaneProgram, options: { readonly pictures: boolean }): Promise<PlaneRuntime> {
  if (process.platform !== 'linux')
    throw new GyreError('FAILED_PRECONDITION', `an image is made of what runs here, and here is ${process.platform}: run this on Linux`);
  const at = (name: string): string => join(program.modules, name);
  const arch = process.arch;
  const native = `bin/napi-v6/linux/${arch}`;
  const parts = [
    { name: 'onnxruntime-node', keeps: (path: string) => !path.startsWith('bin/') || path.startsWith(`${native}/`) },
    { name: 'onnxruntime-common', keeps: (path: string) => !/^dist\/(esm|ort)/.test(path) },
    ...(options.pictures
      ? ['sharp', '@img/colour', 'detect-libc', 'semver', `@img/sharp-linux-${arch}`, `@img/sharp-libvips-linux-${arch}`].map((name) => ({
          name,
          keeps: () => true,
        }))
      : []),
  ];
  const libraries: ArchiveFile[] = [];
  for (const { name, keeps } of parts) libraries.push(...(await npmFiles(await realpath(at(name)), `${home}/node_modules/${name}`, keeps)));
  const loaded = libraries.flatMap(({ content }) =>
    content instanceof Uint8Array || !/\.(node|so(\.\d+)*)$/.test(content.file) ? [] : [content.file],
  );
  const node = await realpath(program.node);
  const shared = await sharedLibraries(node, loaded, [await realpath(program.modules)]);
  if (nodeArch[shared.machine] !== arch)
    throw new GyreError('FAILED_PRECONDITION', `${node} is made for ${shared.machine}, this process is ${arch}`);
  const licences = await Promise.all(program.joined.map(async (name) => licenceFiles(at(name), `${home}/licences/${name}`)));
  return {
    architecture: shared.machine,
    system: [
      ...files(),
      { path: `${home}/bin/node`, content: { file: node }, mode: 0o755 },
      ...(await licenceFiles(dirname(dirname(node)), `${home}/licences/node`)),
      ...shared.libraries.map(({ path, file }) => ({ path: path.slice(1), content: { file }, mode: 0o755 })),
    ],
    libraries,
    program: [...program.files.map(({ name, bytes }) => ({ path: `${home}/program/${name}`, content: bytes })), ...licences.flat()],
    components: [
      { type: 'application', name: 'gyre', version: program.version },
      { type: 'platform', name: 'node', version: process.versions.node, purl: `pkg:generic/node@${process.versions.node}`, license: 'MIT' },
      ...(await Promise.all([...parts.map(({ name }) => name), ...program.joined].map((name) => npmComponent(at(name))))),
      ...(await Promise.all(shared.libraries.map(({ path, file }) => debianPackageOf(path, file)))),
    ],
  };
}

/** The few files that a system without a shell has: who runs, where names are looked up, and a folder for what is passing. */
function files(): readonly ArchiveEntry[] {
  const text = (path: string, content: string): ArchiveFile => ({ path, content: Buffer.from(content) });
  return [
    text('etc/passwd', `root:x:0:0:root:/:/sbin/nologin\nnonroot:x:${user}:${user}:nonroot:/tmp:/sbin/nologin\n`),
    text('etc/group', `root:x:0:\nnonroot:x:${user}:\n`),
    text('etc/nsswitch.conf', 'hosts: files dns\n'),
    { path: 'tmp', folder: true, mode: 0o1777 },
  ];
}

/** Nobody on the machine that runs the container: the number that images without a shell have in common. */
export const user = 65_532;
