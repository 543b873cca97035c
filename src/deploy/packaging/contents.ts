import type { ArchiveEntry, ArchiveFile } from './oci/tar.ts';
import type { ImageConfig } from './oci/words.ts';
import { home, type PlaneRuntime, user } from './runtime/plane-runtime.ts';
import type { PackedModel } from './packed.ts';

/** One layer: what changes least comes first. */
export interface Part {
  readonly name: string;
  readonly what: string;
  readonly entries: readonly ArchiveEntry[];
}

export const port = 8080;
export const partNames: readonly string[] = ['system', 'libraries', 'program', 'model'];

/** What an image of a data plane and a model is made of, from the system to the model. */
export function partsOf(runtime: PlaneRuntime, model: PackedModel): readonly Part[] {
  const files = model.files.map(({ path, file }): ArchiveFile => ({ path: `${home}/model/${path}`, content: { file } }));
  return [
    { name: 'system', what: 'node and the shared libraries that it needs', entries: runtime.system },
    { name: 'libraries', what: 'native modules', entries: runtime.libraries },
    { name: 'program', what: 'the data plane', entries: runtime.program },
    { name: 'model', what: `the package of ${oneLine(model.name)}`, entries: files },
  ];
}

/** How a container of it runs. */
export function settingsOf(model: PackedModel, labels: Readonly<Record<string, string>> = {}): ImageConfig['config'] {
  return {
    User: `${user}:${user}`,
    Env: [`PATH=/${home}/bin`, 'HOME=/tmp', 'GYRE_CONTAINER=port', 'NODE_DISABLE_COMPILE_CACHE=1', 'ORT_DISABLE_TELEMETRY=1'],
    Entrypoint: [`/${home}/bin/node`, `/${home}/program/inference-main.mjs`, '--model', `${servedName(model.name)}=/${home}/model`],
    WorkingDir: `/${home}`,
    ExposedPorts: { [`${port}/tcp`]: {} },
    Labels: { ...labelsOf(model), ...labels },
    StopSignal: 'SIGTERM',
  };
}

function labelsOf({ name, version, modelVersion, digest }: PackedModel): Record<string, string> {
  return {
    'org.opencontainers.image.title': name,
    ...(version === undefined ? {} : { 'org.opencontainers.image.version': version }),
    'dev.gyre.model': name,
    'dev.gyre.package': digest,
    ...(modelVersion === undefined ? {} : { 'dev.gyre.model-version': modelVersion }),
  };
}

/** A text that others wrote, as files of lines may hold it: what begins a new line would be a word of theirs. */
export const oneLine = (text: string): string => text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ');

/** As `gyre serve --model NAME=…` takes it. */
export const servedName = (name: string): string => name.replaceAll(/[^A-Za-z0-9._-]/g, '-').replace(/^[^A-Za-z0-9]+/, '') || 'model';

/** What a package is called where nobody chose a name: small letters, digits and hyphens. */
export const plainName = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-+|-+$/g, '') || 'model'; // prettier-ignore
