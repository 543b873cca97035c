import type { ModelVersion } from '#contract';
import { isTrained } from '#contract';
import { hasCode, isoInstant } from '#core';
import type { Data } from '#data';
import { git, isCommitName } from '#project';
import type { Training } from '#training';

/**
 * When the newest of what a version was made of was there: the dataset versions of its training run, and the commit of its code where it lies in
 * the project's repository. What came after the training began did not lead to it.
 * @param folder of the project
 * @returns ISO 8601; undefined for a version that was not trained here
 */
export async function changedAt(
  version: ModelVersion,
  { training, data, folder }: { readonly training: Pick<Training, 'getRun'>; readonly data: Pick<Data, 'get'>; readonly folder: string },
): Promise<string | undefined> {
  if (!isTrained(version)) return undefined;
  const { inputs, code, startedAt } = await training.getRun(version.run);
  const instants = await Promise.all([...inputs.map(({ digest }) => addedAt(data, digest)), committedAt(folder, code.commit)]);
  return instants.reduce(
    (newest, instant) => (instant !== undefined && instant <= startedAt && (newest === undefined || instant > newest) ? instant : newest),
    undefined,
  );
}

async function addedAt(data: Pick<Data, 'get'>, digest: string): Promise<string | undefined> {
  try {
    return (await data.get(digest)).createdAt;
  } catch (error) {
    // A transform is no dataset version.
    if (hasCode(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}

async function committedAt(folder: string, commit: string | null): Promise<string | undefined> {
  if (commit === null || !isCommitName(commit)) return undefined;
  try {
    const seconds = (await git(folder, ['show', '--no-patch', '--format=%ct', commit])).toString('utf8').trim();
    return isoInstant(Number(seconds) * 1000);
  } catch {
    // The repository is another one by now, or not here.
    return undefined;
  }
}
