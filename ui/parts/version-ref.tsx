import type { JSX } from 'preact';
import { versionName, versionOf } from '../lib/versions.ts';
import { recordPath, versionPath } from '../lib/records.ts';

/** A model version by the id that other records keep. */
export function VersionRef({ id }: { readonly id: string }): JSX.Element {
  const version = versionOf(id);
  return <a href={version === undefined ? recordPath('model_version', id) : versionPath(version)}>{versionName(id)}</a>;
}
