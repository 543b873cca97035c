import type { BlobStore } from '#blobs';
import type { PythonServing } from '#contract';
import type { RegistryDeps } from '#registry';
import { blobSource, openPython } from '#serving';
import { pythonFlags, pythonSettings } from './python-settings.ts';

export interface PythonModelsOptions {
  /** What the project allows now. */
  readonly allowed: () => PythonServing | undefined;
  readonly cacheFolder: string;
  readonly blobs: BlobStore;
}

/** How versions that only Python can load are opened to be tested: as data planes open them. */
export function pythonModels({ allowed, cacheFolder, blobs }: PythonModelsOptions): NonNullable<RegistryDeps['python']> {
  return {
    isAllowed: () => allowed()?.enabled === true,
    open: (model) => {
      const settings = pythonSettings(pythonFlags(allowed(), cacheFolder), process.env);
      return openPython(model, { source: blobSource(blobs), ...(settings === undefined ? {} : { settings }) });
    },
  };
}
