import { hasCode } from '#core';
import type { KeptSources } from '#registry';
import type { Training } from '#training';

/** Finds what clients name by `runs:/<run>/<path>` among the artifacts of Gyre's runs. */
export function keptSources(training: Pick<Training, 'getRun'>): KeptSources {
  return {
    async filesAt({ source }) {
      const [, id, path = ''] = /^runs:\/+([^/]+)(?:\/(.*?))?\/*$/i.exec(source) ?? [];
      if (id === undefined) return undefined;
      const run = await training.getRun(dashed(id)).catch((error: unknown) => {
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

/** Clients write a run's id without its dashes. */
function dashed(id: string): string {
  return /^[0-9a-f]{32}$/.test(id) ? id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5') : id;
}
