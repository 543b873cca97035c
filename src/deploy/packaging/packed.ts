import type { PackageFile } from '#contract';

/** What an image serves: the files of a package, as they lie on this disk. */
export interface PackedModel {
  readonly name: string;
  /** The number of a registered version. */
  readonly version?: string;
  /** The id of a registered version. */
  readonly modelVersion?: string;
  /** Of the package. */
  readonly digest: string;
  readonly files: readonly (PackageFile & { readonly file: string })[];
}
