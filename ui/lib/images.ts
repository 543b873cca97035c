import type { DatasetImage } from '#contract';
import { apiUrl } from './api.ts';

/** The images of a version, by class and check; further members of the query may follow with `&`. */
export function imagesRoute(digest: string, chosen: { readonly label: string | undefined; readonly check: string | undefined }): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(chosen)) if (value !== undefined) query.set(name, value);
  return `datasets/${digest}/images?${query.toString()}`;
}

export function imageUrl(digest: string, sha256: string): string {
  return apiUrl(`datasets/${digest}/images/${sha256}`);
}

export function thumbnailUrl(digest: string, sha256: string, size: number): string {
  return apiUrl(`datasets/${digest}/images/${sha256}/thumbnail?size=${size}`);
}

/** Problems that leave something to see: others have no pixels, and their thumbnails are not asked for. */
const visible = ['none', 'damaged', 'truncated'];

export function hasPicture(item: DatasetImage): item is DatasetImage & { readonly sha256: string } {
  return item.sha256 !== null && visible.includes(item.problem.replace(/:.*/, ''));
}

/** An image for whoever listens. */
export function imageWords({ label, path, problem }: Pick<DatasetImage, 'label' | 'path' | 'problem'>): string {
  return `${label ?? 'no label'}, ${path}${problem === 'none' ? '' : `, ${problem}`}`;
}

/** The images of the group that the one at a position belongs to, itself among them; alone where it stands alone. */
export function groupAround(items: readonly DatasetImage[], at: number): readonly DatasetImage[] {
  const here = items[at];
  if (here === undefined) return [];
  return here.group === undefined ? [here] : items.filter(({ group }) => group === here.group);
}
