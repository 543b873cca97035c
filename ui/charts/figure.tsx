import type { ComponentChildren, JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { saveFile } from '../parts/save-file.ts';
import { svgWithStyle } from './svg-file.ts';
import { useWidth } from './size.ts';

export interface PlotProps {
  /** What the drawing shows, for whoever cannot see it: a sentence with its figures. */
  readonly label: string;
  readonly height: number;
  readonly maxWidth?: number;
  /** Offers the drawing as a file of this name. */
  readonly file?: string;
  readonly children: (width: number) => ComponentChildren;
}

/** An SVG as wide as its place, drawn in pixels so that text keeps its size. */
export function Plot({ label, height, maxWidth, file, children }: PlotProps): JSX.Element {
  const { ref, width } = useWidth<HTMLDivElement>();
  const svg = useRef<SVGSVGElement>(null);
  const drawn = maxWidth === undefined ? width : Math.min(width, maxWidth);
  return (
    <figure class="plot">
      <div ref={ref}>
        {drawn > 0 && (
          <svg ref={svg} role="img" aria-label={label} width={drawn} height={height} viewBox={`0 0 ${drawn} ${height}`}>
            {children(drawn)}
          </svg>
        )}
      </div>
      {file !== undefined && (
        <button
          type="button"
          class="plain plot-file"
          onClick={() => {
            if (svg.current !== null) saveFile(`${file}.svg`, 'image/svg+xml', svgWithStyle(svg.current));
          }}
        >
          SVG
        </button>
      )}
    </figure>
  );
}
