/** A version as an address of MLflow names it. */
export interface AddressedVersion {
  readonly model: string;
  /** Its number, `latest`, or an alias. */
  readonly version: string;
}

/**
 * The registered version that a source names: `models:/<name>/<version>` or `models:/<name>@<alias>`.
 * @returns undefined for any other source, such as a logged model's (`models:/m-…`)
 */
export function versionNamedBy(source: string): AddressedVersion | undefined {
  const [, path] = /^models:\/+(.+?)\/*$/i.exec(source) ?? [];
  if (path === undefined) return undefined;
  const slash = path.indexOf('/');
  if (slash > 0) return { model: path.slice(0, slash), version: path.slice(slash + 1) };
  const at = path.lastIndexOf('@');
  return at > 0 ? { model: path.slice(0, at), version: path.slice(at + 1) } : undefined;
}
