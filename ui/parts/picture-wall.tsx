import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { counted, number } from '../lib/format.ts';
import { type Paged, pageLength, usePages } from '../lib/use-pages.ts';
import { columnsOf, wallAt } from '../lib/wall-window.ts';
import { NotLoaded } from './not-loaded.tsx';

export interface PictureWallProps<T> extends Paged<T> {
  readonly caption: string;
  /** What is shown; default: image. */
  readonly noun?: string;
  /** Side of a tile's square, pixels. */
  readonly side: number;
  /** What is drawn of a picture, its words included: they name it for whoever listens. */
  readonly tile: (item: T) => ComponentChildren;
  /** Further classes of a tile. */
  readonly look?: (item: T) => string | undefined;
  readonly onOpen: (position: number) => void;
}

const captionPx = 44;
const gapPx = 8;

/** Any number of pictures in rows, asked for as they come in sight; arrow keys go from one to the next, Enter opens it. */
export function PictureWall<T>(props: PictureWallProps<T>): JSX.Element {
  const { caption, total, side, of } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const id = useId();
  const [scrollTop, setScrollTop] = useState(0);
  const [box, setBox] = useState({ widthPx: 0, heightPx: 0 });
  const [active, setActive] = useState(0);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    const measure = (): void => setBox({ widthPx: element.clientWidth, heightPx: element.clientHeight });
    measure();
    const watch = new ResizeObserver(measure);
    watch.observe(element);
    return () => watch.disconnect();
  }, []);
  useEffect(() => {
    setActive(0);
    scroller.current?.scrollTo({ top: 0 });
  }, [of]);

  const columns = columnsOf(box.widthPx, side, gapPx);
  const rowPx = side + captionPx + gapPx;
  const wall = wallAt({ total, columns, rowPx, heightPx: box.heightPx, scrollTop });
  const { known, error, retry } = usePages<T>(props, wall.first, wall.last);

  const goTo = (position: number): void => {
    const to = Math.min(total - 1, Math.max(0, position));
    setActive(to);
    const at = wall.scrollTopFor(Math.floor(to / columns));
    if (at !== undefined) scroller.current?.scrollTo({ top: at });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = columns * Math.max(1, Math.floor(box.heightPx / rowPx));
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, PageDown: page, PageUp: -page }[event.key];
    const to = event.key === 'Home' ? 0 : event.key === 'End' ? total - 1 : step === undefined ? undefined : active + step;
    if (to !== undefined) goTo(to);
    else if (event.key === 'Enter' || event.key === ' ') props.onOpen(active);
    else return;
    event.preventDefault();
  };
  const shown = Array.from({ length: wall.last - wall.first }, (_, index) => wall.first + index);

  return (
    <div class="wall">
      <p class="quiet" role="status">
        {counted(total, props.noun ?? 'image')}
        {wall.seen < total && `, ${number(wall.seenFirst + 1, 0)} to ${number(wall.seenFirst + wall.seen, 0)} in sight`}
      </p>
      {error !== undefined && <NotLoaded what={props.noun === undefined ? 'Images' : `The ${props.noun}s`} error={error} retry={retry} />}
      <div
        class="wall-scroll"
        ref={scroller}
        role="listbox"
        aria-label={`${caption}: arrow keys go from one to the next, Enter opens it`}
        aria-activedescendant={`${id}-${active}`}
        tabIndex={0}
        onScroll={(event) => setScrollTop(event.currentTarget.scrollTop)}
        onKeyDown={onKeyDown}
      >
        <div class="wall-height" style={{ height: `${wall.tallPx}px` }}>
          <div
            class="wall-rows"
            style={{
              top: `${wall.topPx}px`,
              gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`,
              gridAutoRows: `${rowPx - gapPx}px`,
              gap: `${gapPx}px`,
            }}
          >
            {shown.map((position) => {
              const item = known.get(Math.floor(position / pageLength))?.[position % pageLength];
              return (
                <div
                  key={position}
                  id={`${id}-${position}`}
                  role="option"
                  aria-selected={position === active}
                  aria-setsize={total}
                  aria-posinset={position + 1}
                  aria-label={item === undefined ? 'on its way' : undefined}
                  class={['tile', item === undefined ? 'coming-tile' : props.look?.(item)].filter(Boolean).join(' ')}
                  onClick={() => {
                    setActive(position);
                    props.onOpen(position);
                  }}
                >
                  {item === undefined ? undefined : props.tile(item)}
                </div>
              );
            })}
          </div>
        </div>
      </div>
    </div>
  );
}
