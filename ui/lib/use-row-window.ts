import type { RefObject } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { firstRowAt, rowsThatFit, type Window } from './row-window.ts';

export interface RowWindow {
  /** The element that scrolls, and its head, which stays in sight. */
  readonly scroller: RefObject<HTMLDivElement | null>;
  readonly head: RefObject<HTMLTableSectionElement | null>;
  readonly onScroll: (event: { readonly currentTarget: HTMLElement }) => void;
  readonly view: Window;
  /** Rows in sight; `last` is the one after the last. */
  readonly first: number;
  readonly last: number;
}

const usualPx = 480;

/** Which rows of a long table are in sight, followed as it is scrolled and as its place changes. @param shape changes when the head may become higher */
export function useRowWindow(total: number, rowPx: number, shape: unknown = 0): RowWindow {
  const scroller = useRef<HTMLDivElement>(null);
  const head = useRef<HTMLTableSectionElement>(null);
  const [scrollTop, setScrollTop] = useState(0);
  const [heightPx, setHeightPx] = useState(usualPx);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    const measure = (): void => setHeightPx(Math.max(rowPx, element.clientHeight - (head.current?.offsetHeight ?? rowPx)));
    measure();
    const watch = new ResizeObserver(measure);
    watch.observe(element);
    return () => watch.disconnect();
  }, [rowPx, shape]);
  const view = { total, rowPx, heightPx };
  const first = firstRowAt(scrollTop, view);
  return {
    scroller,
    head,
    onScroll: (event) => setScrollTop(event.currentTarget.scrollTop),
    view,
    first,
    last: Math.min(total, first + rowsThatFit(view)),
  };
}
