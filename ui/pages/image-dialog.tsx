import type { JSX } from 'preact';
import type { DatasetImage, DatasetImages } from '#contract';
import { counted, number } from '../lib/format.ts';
import { groupAround, hasPicture, imageUrl, imageWords, thumbnailUrl } from '../lib/images.ts';
import { useResource } from '../lib/resource.ts';
import { Facts, Load } from '../parts/page.tsx';
import { PositionDialog, positionIn } from '../parts/position-dialog.tsx';
import { State } from '../parts/state.tsx';
import { DigestText } from '../parts/values.tsx';

/** Pictures side by side at most; the rest of a large group is counted. */
const mostBeside = 12;
const around = 60;
const step = 30;

export interface ImageDialogProps {
  readonly digest: string;
  /** Of the images that are shown, see `imagesRoute`. */
  readonly route: string;
  readonly total: number;
  /** Whether the pictures may be seen. */
  readonly shown: boolean;
}

/** The image that the address names by its position, with those of its group side by side. */
export function ImageDialog(props: ImageDialogProps): JSX.Element | null {
  const position = positionIn('image', props.total);
  return position === undefined ? null : <Opened {...props} position={position} />;
}

function Opened({ digest, route, total, shown, position }: ImageDialogProps & { readonly position: number }): JSX.Element {
  const from = Math.max(0, Math.floor(position / step) * step - around);
  const found = useResource<DatasetImages>(`${route}&after=${from}&limit=${2 * around + step}`);
  return (
    <PositionDialog parameter="image" label="Image" position={position} total={total}>
      <Load of={found} what="The image">
        {({ items }) => <Group digest={digest} group={groupAround(items, position - from)} here={items[position - from]} shown={shown} />}
      </Load>
    </PositionDialog>
  );
}

function Group({
  digest,
  group,
  here,
  shown,
}: {
  readonly digest: string;
  readonly group: readonly DatasetImage[];
  readonly here: DatasetImage | undefined;
  readonly shown: boolean;
}): JSX.Element {
  if (here === undefined) return <p class="quiet">There is no image at this place any more.</p>;
  const beside = [here, ...group.filter((item) => item !== here)].slice(0, mostBeside);
  return (
    <>
      {group.length > 1 && (
        <p class="says">
          {counted(group.length, 'image')} that belong together
          {group.length > mostBeside && `, ${mostBeside} of them here`}
        </p>
      )}
      <ul class={beside.length === 1 ? 'beside alone' : 'beside'}>
        {beside.map((item) => (
          <li key={item.row}>
            <Picture digest={digest} item={item} shown={shown} />
            <Facts
              facts={[
                ['Class', item.label ?? <i>no label</i>],
                ['File', item.path],
                [
                  'Size',
                  item.width === null || item.height === null
                    ? '—'
                    : `${number(item.width, 0)} × ${number(item.height, 0)} px, ${item.format ?? 'no known format'}`,
                ],
                item.problem === 'none' ? undefined : ['Problem', <State tone="bad">{item.problem}</State>],
                item.sha256 === null ? undefined : ['SHA-256', <DigestText digest={item.sha256} />],
                ['Row', number(item.row + 1, 0)],
              ]}
            />
            {shown && hasPicture(item) && (
              <a href={imageUrl(digest, item.sha256)} target="_blank" rel="noreferrer">
                As it came
              </a>
            )}
          </li>
        ))}
      </ul>
    </>
  );
}

function Picture({ digest, item, shown }: { readonly digest: string; readonly item: DatasetImage; readonly shown: boolean }): JSX.Element {
  if (!shown) return <p class="no-picture">The picture is personal data and hidden from you.</p>;
  if (!hasPicture(item)) return <p class="no-picture">{item.problem}</p>;
  return <img src={thumbnailUrl(digest, item.sha256, 512)} alt={imageWords(item)} />;
}
