import { hasCode } from '#core';
import type { KeptSources } from '#registry';
import { modelArtifactsOf, ownPathOf, ownRunId } from '#training';
import type { ArtifactFile } from '#contract';
import type { Training } from '#training';

/** Finds what clients name by `runs:/<run>/<path>`, `models:/m-<id>` or an address of the tree of artifacts among what Gyre keeps. */
export function keptSources(training: Pick<Training, 'artifacts' | 'artifactFolder' | 'loggedModels'>): KeptSources {
  return {
    async filesAt({ source, run: named, loggedModel }) {
      const [, run, path = ''] = /^runs:\/+([^/]+)(?:\/(.*?))?\/*$/i.exec(source) ?? [];
      const [, model] = /^models:\/+(m-[^/@]+)\/*$/i.exec(source) ?? [];
      const said = model ?? loggedModel;
      const logged = said === undefined ? undefined : await orNothing(training.loggedModels.get(said));
      const folder = await orNothing(
        run !== undefined
          ? training.artifactFolder(run).then((root) => (path === '' ? root : `${root}/${path}`))
          : model !== undefined
            ? Promise.resolve(logged === undefined ? undefined : ownPathOf(modelArtifactsOf(logged)))
            : Promise.resolve(ownPathOf(source)),
      );
      const files = folder === undefined || folder === '' ? [] : await filesBelow(training, folder);
      const left = named ?? logged?.sourceRun ?? (files.length === 0 ? undefined : run);
      return { files, ...(left === undefined ? {} : { run: ownRunId(left) }) };
    },
  };
}

/** The files below a folder, or the file that the path is, with paths relative to it. */
async function filesBelow({ artifacts }: Pick<Training, 'artifacts'>, folder: string): Promise<readonly ArtifactFile[]> {
  const found: ArtifactFile[] = [];
  let after: string | undefined;
  do {
    const page = await orNothing(artifacts.files(folder, { limit: 10_000, ...(after === undefined ? {} : { after }) }));
    if (page === undefined) return [];
    for (const { path, digest, size } of page.items) found.push({ path: path.slice(folder.length + 1), digest, size });
    after = page.next;
  } while (after !== undefined);
  if (found.length > 0) return found;
  const entry = await orNothing(artifacts.stat(folder));
  if (entry?.kind !== 'file') return [];
  return [{ path: folder.slice(folder.lastIndexOf('/') + 1), digest: entry.digest, size: entry.size }];
}

/** What an address leads to; one that is none of ours, or that nothing stands at, leads nowhere. */
async function orNothing<T>(finding: Promise<T>): Promise<T | undefined> {
  try {
    return await finding;
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND') || hasCode(error, 'INVALID_ARGUMENT') || hasCode(error, 'FAILED_PRECONDITION')) return undefined;
    throw error;
  }
}
