import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { number } from '../lib/format.ts';
import { toCsv } from '../lib/table-rows.ts';
import { isDark } from '../lib/theme.ts';
import { saveFile } from '../parts/save-file.ts';
import type { DrawRunLines, RunLinesDrawing, RunLinesSpec } from './run-lines-drawing.ts';
import { useWidth } from './size.ts';

/** As many values as somebody reads at once: those nearest to the pointer. */
const mostRead = 8;

/** One metric of many runs. A drag zooms, a double click shows all again; hover reads the nearest lines. @param spec the same object while nothing changes */
export function RunLinesFigure({
  spec,
  label,
  file,
  nameOf,
  xText,
  onZoom,
}: {
  readonly spec: RunLinesSpec;
  readonly label: string;
  readonly file: string;
  readonly nameOf: (line: string) => string;
  readonly xText: (x: number) => string;
  readonly onZoom: (range: { readonly from: number; readonly to: number } | undefined) => void;
}): JSX.Element {
  const { ref, width } = useWidth<HTMLDivElement>();
  const place = useRef<HTMLDivElement>(null);
  const drawing = useRef<RunLinesDrawing | undefined>(undefined);
  const drawer = useRef<DrawRunLines | undefined>(undefined);
  const [read, setRead] = useState<{ readonly place: number; readonly y: number } | undefined>(undefined);
  const dark = isDark();
  useEffect(() => {
    const target = place.current;
    if (target === null || width === 0) return undefined;
    let gone = false;
    const draw = (): void => {
      if (!gone) drawing.current = drawer.current?.(target, spec, { width, onRead: setRead, onZoom });
    };
    // Drawn at once where the code is there: a figure that becomes wider is never empty in between.
    if (drawer.current !== undefined) draw();
    else
      void import('./run-lines-drawing.ts').then(({ drawRunLines }) => {
        drawer.current = drawRunLines;
        draw();
      });
    return () => {
      gone = true;
      drawing.current?.destroy();
      drawing.current = undefined;
    };
  }, [width, dark, spec]);
  const at = read?.place ?? spec.x.length - 1;
  const readings = spec.lines.flatMap(({ id, values }, index) => {
    const value = read === undefined ? values.findLast((one) => one !== null) : values[at];
    return value === null || value === undefined ? [] : [{ id, value, colour: ((spec.colours[index] ?? 0) % 6) + 1 }];
  });
  if (read !== undefined) readings.sort((a, b) => Math.abs(a.value - read.y) - Math.abs(b.value - read.y));
  return (
    <figure class="plot line-figure">
      <div ref={ref} role="img" aria-label={label}>
        <div ref={place} style={{ height: `${spec.height}px` }} />
      </div>
      <figcaption class="readout">
        <span class="quiet">{spec.x[at] === undefined || read === undefined ? 'last values' : xText(spec.x[at])}</span>
        {readings.slice(0, mostRead).map(({ id, value, colour }) => (
          <span key={id} class="reading">
            <i class={`key series-${colour}`} />
            {nameOf(id)} <b>{number(value)}</b>
          </span>
        ))}
        {readings.length > mostRead && <span class="quiet">and {readings.length - mostRead} more</span>}
        <button type="button" class="plain" onClick={() => saveFile(`${file}.csv`, 'text/csv', csvOf(spec, nameOf))}>
          CSV
        </button>
        <button type="button" class="plain" onClick={() => drawing.current?.savePng(`${file}.png`)}>
          PNG
        </button>
      </figcaption>
    </figure>
  );
}

function csvOf(spec: RunLinesSpec, nameOf: (line: string) => string): string {
  return toCsv(
    spec.x.map((_, index) => index),
    [
      { key: 'x', head: spec.xName, value: (row) => (spec.isTime ? new Date(spec.x[row] ?? 0).toISOString() : spec.x[row]) },
      ...spec.lines.map(({ id, values }) => ({ key: id, head: nameOf(id), value: (row: number) => values[row] })),
    ],
  );
}
