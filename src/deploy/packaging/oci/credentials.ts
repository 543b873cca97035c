import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Credentials } from './registry-client.ts';

/** As docker, podman and skopeo write what they were told at a login. */
interface AuthFile {
  readonly auths?: Readonly<Record<string, { readonly auth?: string } | undefined>>;
}

/**
 * Who pushes to a registry: GYRE_REGISTRY_USER and GYRE_REGISTRY_PASSWORD, else what a login of skopeo, podman or docker left (REGISTRY_AUTH_FILE,
 * $XDG_RUNTIME_DIR/containers/auth.json, ~/.docker/config.json). Helpers that those files may name are not started.
 */
export async function registryCredentials(
  host: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Credentials | undefined> {
  const {
    GYRE_REGISTRY_USER: user,
    GYRE_REGISTRY_PASSWORD: password,
    REGISTRY_AUTH_FILE: named,
    XDG_RUNTIME_DIR: runtime,
    HOME: home,
  } = environment;
  if (user !== undefined && password !== undefined) return { user, password };
  const files = [
    ...(named === undefined ? [] : [named]),
    ...(runtime === undefined ? [] : [join(runtime, 'containers/auth.json')]),
    ...(home === undefined ? [] : [join(home, '.docker/config.json')]),
  ];
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => undefined);
    const auth = text === undefined ? undefined : (JSON.parse(text) as AuthFile).auths?.[host]?.auth;
    const [, found, secret] = /^([^:]*):(.*)$/s.exec(Buffer.from(auth ?? '', 'base64').toString('utf8')) ?? [];
    if (found !== undefined && secret !== undefined) return { user: found, password: secret };
  }
  return undefined;
}
