import { hasCode } from '#core';
import type { KeptSources } from '#registry';
import { ownRunId } from '#training';
import type { Training } from '#training';

/** Finds what clients name by `runs:/<run>/<path>` among the artifacts of Gyre's runs. */
export function keptSources(training: Pick<Training, 'getRun'>): KeptSources {
  return {
    async filesAt({ source }) {
      const [, id, path = ''] = /^runs:\/+([^/]+)(?:\/(.*?))?\/*$/i.exec(source) ?? [];
      if (id === undefined) return undefined;
      const run = await training.getRun(ownRunId(id)).catch((error: unknown) => {
        if (hasCode(error, 'NOT_FOUND')) return undefined;
        throw error;
      });
      const under = path === '' ? '' : `${path}/`;
      const files = (run?.artifacts ?? []).flatMap(({ path: at, digest, size }) =>
        at.startsWith(under) ? [{ path: at.slice(under.length), digest, size }] : [],
      );
      return run === undefined || files.length === 0 ? undefined : { files, run: run.id };
    },
  };
}
