import type { JSX } from 'preact';
import { useCallback } from 'preact/hooks';
import type { DatasetImage, DatasetImages, DatasetVersion } from '#contract';
import { get } from '../lib/api.ts';
import { counted, number, percent } from '../lib/format.ts';
import { thumbnailUrl, hasPicture, imagesRoute } from '../lib/images.ts';
import { useResource } from '../lib/resource.ts';
import { queryValue, setQuery } from '../lib/router.ts';
import { Card, Load } from '../parts/page.tsx';
import { PictureWall } from '../parts/picture-wall.tsx';
import { ImageDialog } from './image-dialog.tsx';

const imageColumns = ['path', 'label', 'sha256', 'phash', 'pixels', 'readable', 'problem'];

/** Whether the rows of a version are those of images, as the server tells them from other rows. */
export function isOfImages({ schema }: DatasetVersion): boolean {
  return imageColumns.every((wanted) => schema.columns.some(({ name }) => name === wanted));
}

const sides = { small: 96, medium: 144, large: 240 } as const;
type Size = keyof typeof sides;
const sizes: readonly Size[] = ['small', 'medium', 'large'];

/** The images of a version as a contact sheet: by class, by what a check found, any number of them. */
export function ImagesCard({ digest }: { readonly digest: string }): JSX.Element {
  const label = queryValue('label');
  const check = queryValue('check');
  const size = sizes.find((one) => one === queryValue('size')) ?? 'medium';
  const route = imagesRoute(digest, { label, check });
  const first = useResource<DatasetImages>(`${route}&limit=1`, ['split.']);
  const items = useCallback(
    async (offset: number, limit: number, signal: AbortSignal): Promise<readonly DatasetImage[]> =>
      (await get<DatasetImages>(`${route}&after=${offset}&limit=${limit}`, signal)).items,
    [route],
  );
  return (
    <Card
      title="Images"
      wide
      says={check === undefined ? undefined : `What the check “${check}” found; images that belong together share a frame.`}
      aside={<SizeChips size={size} />}
    >
      <Load of={first} what="The images">
        {({ total, labels, checks, masked }) => (
          <div class="sheet">
            <aside class="sheet-side">
              <Findings checks={checks} chosen={check} />
              <Classes labels={labels} chosen={label} />
              {masked.length > 0 && (
                <p class="quiet">
                  {masked.join(', ')} {masked.length === 1 ? 'is' : 'are'} personal data and hidden from you; a data steward sees them.
                </p>
              )}
            </aside>
            {total === 0 ? (
              <p class="quiet">No image of this class was found by this check.</p>
            ) : (
              <PictureWall
                caption="Images of this version"
                total={total}
                items={items}
                of={route}
                side={sides[size]}
                look={({ group, problem }) =>
                  [group === undefined ? '' : `grouped group-${group % 2}`, problem === 'none' ? '' : 'has-problem'].join(' ')
                }
                tile={(item) => <Tile digest={digest} item={item} side={sides[size]} shown={!masked.includes('pixels')} />}
                onOpen={(position) => setQuery({ image: String(position) })}
              />
            )}
            <ImageDialog digest={digest} route={route} total={total} shown={!masked.includes('pixels')} />
          </div>
        )}
      </Load>
    </Card>
  );
}

function SizeChips({ size }: { readonly size: Size }): JSX.Element {
  return (
    <div class="chips" role="group" aria-label="Size of the pictures">
      {sizes.map((one) => (
        <button key={one} type="button" class="chip" aria-pressed={one === size} onClick={() => setQuery({ size: one })}>
          {one}
        </button>
      ))}
    </div>
  );
}

function Findings({ checks, chosen }: { readonly checks: DatasetImages['checks']; readonly chosen: string | undefined }): JSX.Element {
  return (
    <section aria-label="Checks">
      <h3>To look at</h3>
      {checks.length === 0 && <p class="quiet">No check found an image to look at.</p>}
      <ul class="choices">
        {checks.map(({ name, images }) => (
          <li key={name}>
            <button
              type="button"
              aria-pressed={name === chosen}
              onClick={() => setQuery({ check: name === chosen ? undefined : name, image: undefined })}
            >
              <span>{name}</span>
              <span class="choice-count">{number(images, 0)}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Each class with its images, as bars over the largest; a click shows it alone. */
function Classes({
  labels,
  chosen,
}: {
  readonly labels: DatasetImages['labels'];
  readonly chosen: string | undefined;
}): JSX.Element | null {
  const [largest] = labels;
  if (largest === undefined) return null;
  const all = labels.reduce((sum, { images }) => sum + images, 0);
  return (
    <section aria-label="Classes">
      <h3>{counted(labels.length, 'class', 'classes')}</h3>
      <ul class="choices classes">
        {labels.map(({ label, images }) => (
          <li key={label}>
            <button
              type="button"
              aria-pressed={label === chosen}
              title={`${label}: ${number(images, 0)}, ${percent(images / all)}`}
              onClick={() => setQuery({ label: label === chosen ? undefined : label, image: undefined })}
            >
              <span>{label}</span>
              <span class="choice-count">{number(images, 0)}</span>
              <span class="choice-bar" style={{ width: `${(100 * images) / largest.images}%` }} aria-hidden="true" />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Tile({
  digest,
  item,
  side,
  shown,
}: {
  readonly digest: string;
  readonly item: DatasetImage;
  readonly side: number;
  readonly shown: boolean;
}): JSX.Element {
  return (
    <>
      <span class="tile-picture" style={{ height: `${side}px` }}>
        {shown && hasPicture(item) ? (
          <img
            src={thumbnailUrl(digest, item.sha256, side > 128 ? 256 : 128)}
            alt=""
            loading="lazy"
            decoding="async"
            draggable={false}
            style={{ maxHeight: `${side}px` }}
          />
        ) : (
          <span class="no-picture">{shown ? item.problem.replace(/:.*/, '') : 'hidden'}</span>
        )}
      </span>
      <span class="tile-label">{item.label ?? <i>no label</i>}</span>
      <span class="tile-path" title={item.path}>
        <bdi>{item.problem === 'none' ? item.path : item.problem}</bdi>
      </span>
    </>
  );
}
