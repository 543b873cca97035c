import type { ModelVersion, PackageFile } from '#contract';

/** Where a package of a tested version keeps the files that were brought. */
export const broughtFolder = 'brought/';

/** A file under the path that it was brought by. */
export interface BroughtFile extends PackageFile {
  /** Its path in the package. */
  readonly packed: string;
}

/** The files of a version as they were when it was registered: clients load them, whatever Gyre has put around the model since. */
export function filesAsBrought({ files, brought }: Pick<ModelVersion, 'files' | 'brought'>): readonly BroughtFile[] {
  if (brought === undefined) return files.map((file) => ({ ...file, packed: file.path }));
  return files.flatMap((file) =>
    file.path.startsWith(broughtFolder) ? [{ ...file, path: file.path.slice(broughtFolder.length), packed: file.path }] : [],
  );
}
