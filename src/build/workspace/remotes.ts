import { existsSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { GyreError } from '#core';
import { parseConfig, withValue, withoutSection, withoutValue } from './config-file.ts';
import { replaceFile } from './replace-file.ts';
import { configOf, settingOf } from './root.ts';

/** A remote as `.dvc/config` and `.dvc/config.local` describe it. */
export interface Remote {
  readonly name: string;
  /** As it is written. */
  readonly url: string;
  readonly isDefault: boolean;
  /** Absolute, of a folder remote. */
  readonly folder?: string;
  /** What else the configuration says: `endpointurl`, `region`, `profile`, … Credentials among it: never shown. */
  readonly settings: ReadonlyMap<string, string>;
}

const sectionOf = (name: string): string => `remote "${name}"`;
const secretKeys: ReadonlySet<string> = new Set(['access_key_id', 'secret_access_key', 'session_token', 'password', 'sse_customer_key']);

export function remotesOf(root: string): Remote[] {
  const config = configOf(root);
  const preferred = settingOf(config, 'core', 'remote');
  const names = [...new Set(config.flatMap(({ name }) => /^remote "(.+)"$/.exec(name)?.[1] ?? []))];
  return names.flatMap((name) => {
    const url = settingOf(config, sectionOf(name), 'url');
    if (url === undefined) return [];
    const settings = new Map(config.filter((section) => section.name === sectionOf(name)).flatMap(({ values }) => [...values]));
    const folder = folderOf(root, url);
    return [{ name, url, isDefault: name === preferred, settings, ...(folder === undefined ? {} : { folder }) }];
  });
}

/** A url that names a folder, relative to the `.dvc` folder as DVC has it. */
function folderOf(root: string, url: string): string | undefined {
  if (url.startsWith('file://')) return url.slice('file://'.length);
  if (/^[a-z0-9+]+:\/\//i.test(url)) return undefined;
  return isAbsolute(url) ? url : resolve(root, '.dvc', url);
}

/** The remote of a name, or the default one. @throws GyreError NOT_FOUND, FAILED_PRECONDITION when there is no default */
export function remoteNamed(root: string, name: string | undefined): Remote {
  const remotes = remotesOf(root);
  const found =
    name === undefined
      ? (remotes.find(({ isDefault }) => isDefault) ?? (remotes.length === 1 ? remotes[0] : undefined))
      : remotes.find((each) => each.name === name);
  if (found !== undefined) return found;
  const names = remotes.map((each) => `"${each.name}"`).join(', ');
  if (name !== undefined)
    throw new GyreError('NOT_FOUND', `there is no remote "${name}"; ${names === '' ? 'there is none at all' : `there are ${names}`}`, {
      remote: name,
    });
  throw new GyreError(
    'FAILED_PRECONDITION',
    remotes.length === 0
      ? 'there is no remote: "gyre data remote add NAME URL" makes one'
      : `none of the remotes ${names} is the default: name one with --remote, or make one the default with "gyre data remote add --default"`,
  );
}

export interface NewRemote {
  readonly name: string;
  /** An address, or a folder relative to `folder`. */
  readonly url: string;
  /** Absolute: what a relative folder is relative to. */
  readonly folder: string;
  readonly isDefault: boolean;
  /** Further settings, such as `endpointurl`; credentials go to `config.local`, which git does not see. */
  readonly settings: Readonly<Record<string, string>>;
  /** Replace a remote of this name. */
  readonly force: boolean;
}

/** Writes a remote into the configuration. @throws GyreError INVALID_ARGUMENT for a name or url that is none, ALREADY_EXISTS */
export function addRemote(root: string, { name, url, folder, isDefault, settings, force }: NewRemote): Remote {
  if (!/^[\w.-]+$/.test(name))
    throw new GyreError('INVALID_ARGUMENT', `"${name}" is no name for a remote: letters, digits, ".", "_" and "-"`);
  if (!force && remotesOf(root).some((each) => each.name === name)) {
    throw new GyreError('ALREADY_EXISTS', `there is a remote "${name}" already: --force replaces it`, { remote: name });
  }
  const scheme = /^([a-z0-9+]+):\/\//i.exec(url)?.[1].toLowerCase();
  if (scheme !== undefined && scheme !== 's3' && scheme !== 'file') {
    throw new GyreError('INVALID_ARGUMENT', `"${url}": a folder or s3://BUCKET/PREFIX is needed`, { url });
  }
  const written = scheme === undefined && !isAbsolute(url) ? relative(join(root, '.dvc'), resolve(folder, url)).split(sep).join('/') : url;
  const section = sectionOf(name);
  editConfig(root, 'config', (text) => {
    const fresh = withValue(force ? withoutSection(text, section) : text, section, 'url', written);
    const plain = Object.entries(settings).filter(([key]) => !secretKeys.has(key));
    const all = plain.reduce((so, [key, value]) => withValue(so, section, key, value), fresh);
    return isDefault || remotesOf(root).length === 0 ? withValue(all, 'core', 'remote', name) : all;
  });
  const secrets = Object.entries(settings).filter(([key]) => secretKeys.has(key));
  if (secrets.length > 0)
    editConfig(root, 'config.local', (text) => secrets.reduce((so, [key, value]) => withValue(so, section, key, value), text), 0o600);
  return remoteNamed(root, name);
}

/** Takes a remote out of the configuration; what it holds stays where it is. @throws GyreError NOT_FOUND */
export function removeRemote(root: string, name: string): void {
  const { isDefault } = remoteNamed(root, name);
  for (const file of ['config', 'config.local']) {
    editConfig(root, file, (text) => {
      const kept = withoutSection(text, sectionOf(name));
      const core = parseConfig(kept).find((section) => section.name === 'core');
      return isDefault && core?.values.get('remote') === name ? withoutValue(kept, 'core', 'remote') : kept;
    });
  }
}

/** Changes a file of the configuration, whole. @param name `config`, or `config.local`, which git does not see */
export function editConfig(root: string, name: string, change: (text: string) => string, mode = 0o666): void {
  const file = join(root, '.dvc', name);
  const old = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const text = change(old);
  if (text !== old) replaceFile(file, text, { mode });
}

/** Whether a folder remote's disk is there: a remote that is not mounted must not be taken for an empty one. */
export function requireParent({ name, folder }: Remote): void {
  if (folder === undefined || existsSync(folder) || existsSync(dirname(folder))) return;
  throw new GyreError('UNAVAILABLE', `the remote "${name}" is at ${folder}, and there is not even the folder above it: is it mounted?`, {
    remote: name,
  });
}
