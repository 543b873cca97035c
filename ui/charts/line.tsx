import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { LineSpec, LineDrawing } from './line-drawing.ts';
import { useWidth } from './size.ts';
import { isDark } from '../lib/theme.ts';
import { toCsv } from '../lib/table-rows.ts';
import { saveFile } from '../parts/save-file.ts';

export type { LineSeries, LineSpec } from './line-drawing.ts';

/** Lines over time or steps: hover reads all series, a drag zooms, a double click resets. The drawing code comes when the first line does. */
export function LineChart({ spec, label, file }: { readonly spec: LineSpec; readonly label: string; readonly file: string }): JSX.Element {
  const { ref, width } = useWidth<HTMLDivElement>();
  const place = useRef<HTMLDivElement>(null);
  const drawing = useRef<LineDrawing | undefined>(undefined);
  const [read, setRead] = useState<number | undefined>(undefined);
  const dark = isDark();
  useEffect(() => {
    const target = place.current;
    if (target === null || width === 0) return undefined;
    let gone = false;
    void import('./line-drawing.ts').then(({ drawLines }) => {
      if (gone) return;
      drawing.current = drawLines(target, spec, width, setRead);
    });
    return () => {
      gone = true;
      drawing.current?.destroy();
      drawing.current = undefined;
    };
  }, [width, dark, JSON.stringify(spec)]);
  const at = read ?? spec.x.length - 1;
  return (
    <figure class="plot line-chart">
      {spec.unit !== '' && <div class="unit quiet">{spec.unit}</div>}
      <div ref={ref} role="img" aria-label={label}>
        <div ref={place} style={{ height: `${spec.height}px` }} />
      </div>
      <figcaption class="readout">
        <span class="quiet">{spec.x[at] === undefined ? '' : spec.xText(spec.x[at])}</span>
        {spec.series.map((series) => {
          const value = series.values[at];
          return (
            <span key={series.name} class="reading">
              <i class={`key series-${series.colour}`} />
              {series.name} <b>{value === null || value === undefined ? '—' : spec.text(value, series, at)}</b>
            </span>
          );
        })}
        <button type="button" class="plain" onClick={() => saveFile(`${file}.csv`, 'text/csv', csvOf(spec))}>
          CSV
        </button>
        <button type="button" class="plain" onClick={() => drawing.current?.savePng(`${file}.png`)}>
          PNG
        </button>
      </figcaption>
    </figure>
  );
}

function csvOf(spec: LineSpec): string {
  const rows = spec.x.map((_, index) => index);
  return toCsv(rows, [
    { key: 'x', head: spec.xName, value: (row) => (spec.time ? new Date((spec.x[row] ?? 0) * 1000).toISOString() : spec.x[row]) },
    ...spec.series.map((series) => ({ key: series.name, head: series.name, value: (row: number) => series.values[row] })),
  ]);
}
