import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type, type Static } from 'typebox';
import { Check } from 'typebox/schema';
import { GyreError, parsedJson } from '#core';
import type { Credentials } from './registry-client.ts';

/** As docker, podman and skopeo write what they were told at a login. */
const AuthFile = Type.Object({
  auths: Type.Optional(Type.Record(Type.String(), Type.Object({ auth: Type.Optional(Type.String()) }))),
});
type AuthFile = Static<typeof AuthFile>;

/**
 * Who pushes to a registry: GYRE_REGISTRY_USER and GYRE_REGISTRY_PASSWORD, else what a login of skopeo, podman or docker left (REGISTRY_AUTH_FILE,
 * $XDG_RUNTIME_DIR/containers/auth.json, ~/.docker/config.json). Helpers that those files may name are not started.
 * @throws GyreError INVALID_ARGUMENT naming the file that is none of a login
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
    const auth = text === undefined ? undefined : authFile(file, text).auths?.[host]?.auth;
    const [, found, secret] = /^([^:]*):(.*)$/s.exec(Buffer.from(auth ?? '', 'base64').toString('utf8')) ?? [];
    if (found !== undefined && secret !== undefined) return { user: found, password: secret };
  }
  return undefined;
}

/** What is wrong with it is not said: the words of a parser quote what it read, which may be a password. */
function authFile(file: string, text: string): AuthFile {
  const value = parsedJson(text);
  if (Check(AuthFile, value)) return value;
  throw new GyreError('INVALID_ARGUMENT', `${file} is no file of a login, as docker, podman or skopeo write it: log in again`, { file });
}
