import { messageOf } from '#core';
import { isFinal } from './bringing.ts';
import type { Bringing } from './bringing.ts';
import type { FilesPlace } from './source.ts';

/**
 * Brings files in below a path of the tree of artifacts; one that is there already, with the same size, is left.
 * @returns whether some could not be brought
 */
export async function bringFiles(bringing: Bringing, place: FilesPlace, to: string): Promise<boolean> {
  const { source, artifacts, tally, signal } = bringing;
  let left = false;
  try {
    for await (const file of source.files(place)) {
      signal.throwIfAborted();
      tally.read('artifacts');
      const path = `${to}/${file.path}`;
      try {
        const there = await artifacts.stat(path);
        if (there?.kind === 'file' && there.size === file.size) tally.present('artifacts');
        else {
          await artifacts.put(path, file.open());
          tally.imported('artifacts');
        }
      } catch (error) {
        if (isFinal(error, signal)) throw error;
        left = true;
        tally.refused('artifacts', { what: `file ${file.path} of ${place.model ?? place.run ?? ''}`, why: messageOf(error) });
      }
    }
  } catch (error) {
    if (isFinal(error, signal)) throw error;
    tally.read('artifacts');
    tally.refused('artifacts', { what: `the files of ${place.model ?? place.run ?? ''}`, why: messageOf(error) });
    return true;
  }
  return left;
}
