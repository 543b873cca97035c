import type { BlobStore } from '#blobs';
import type { PythonServing } from '#contract';
import type { RegistryDeps } from '#registry';
import { GyreError } from '#core';
import { blobSource, interpreterFor, openPython } from '#serving';
import type { PythonSettings } from '#serving';
import { pythonFlags, pythonSettings } from './python-settings.ts';

export interface PythonModelsOptions {
  /** What the project allows now. */
  readonly allowed: () => PythonServing | undefined;
  readonly cacheFolder: string;
  readonly blobs: BlobStore;
}

/** A network of some size is loaded, exported, and run by then. */
const longestConversionMs = 600_000;

/** How versions that only Python can load are opened to be tested, and converted: as data planes open them. */
export function pythonModels({ allowed, cacheFolder, blobs }: PythonModelsOptions): NonNullable<RegistryDeps['python']> {
  const settingsNow = (): PythonSettings | undefined => pythonSettings(pythonFlags(allowed(), cacheFolder), process.env);
  return {
    isAllowed: () => allowed()?.enabled === true,
    async converter(folder, needs) {
      const settings = settingsNow();
      if (settings === undefined)
        throw new GyreError('FAILED_PRECONDITION', 'models in Python are not allowed here (serve.python in gyre.yaml)');
      return {
        python: await interpreterFor(folder, settings, needs),
        limits: { ...settings.limits, timeoutMs: longestConversionMs },
      };
    },
    open: (model) => {
      const settings = settingsNow();
      return openPython(model, {
        source: blobSource(blobs),
        elapsed: () => performance.now(),
        ...(settings === undefined ? {} : { settings }),
      });
    },
  };
}
