import type { JSX } from 'preact';
import type { TestReport } from '#contract';
import { number, percent } from '../lib/format.ts';
import { linePath, linear } from '../lib/scale.ts';
import { Axes, type Box } from './axes.tsx';
import { Plot } from './figure.tsx';

const height = 300;
const unit: readonly [number, number] = [0, 1];

function boxOf(width: number): Box {
  return { left: 40, top: 24, right: width - 8, bottom: height - 40 };
}

interface CurveProps {
  readonly points: readonly { readonly x: number; readonly y: number }[];
  readonly xLabel: string;
  readonly yLabel: string;
  readonly label: string;
  readonly file: string;
  /** The line of a model that knows nothing. */
  readonly chance: readonly [readonly [number, number], readonly [number, number]];
}

function Curve({ points, xLabel, yLabel, label, file, chance }: CurveProps): JSX.Element {
  return (
    <Plot label={label} height={height} maxWidth={460} file={file}>
      {(width) => {
        const box = boxOf(width);
        const x = linear(unit, [box.left, box.right]);
        const y = linear(unit, [box.bottom, box.top]);
        return (
          <>
            <Axes x={x} y={y} box={box} xLabel={xLabel} yLabel={yLabel} />
            <path d={linePath(chance.map(([px, py]) => [x(px), y(py)]))} class="reference" />
            <text x={x(chance[1][0]) - 4} y={y(chance[1][1]) + (chance[1][1] > 0.5 ? 28 : -6)} text-anchor="end" class="reference-label">
              by chance
            </text>
            <path d={linePath(points.map((point) => [x(point.x), y(point.y)]))} class="line series-1" />
          </>
        );
      }}
    </Plot>
  );
}

export function RocCurve({ points, auc }: { readonly points: CurveProps['points']; readonly auc: string }): JSX.Element {
  return (
    <Curve
      points={points}
      xLabel="false positive rate"
      yLabel="true positive rate"
      label={`ROC curve, area ${auc}`}
      file="roc-curve"
      chance={[
        [0, 0],
        [1, 1],
      ]}
    />
  );
}

export function PrecisionRecallCurve({
  points,
  share,
  auc,
}: {
  readonly points: CurveProps['points'];
  readonly share: number;
  readonly auc: string;
}): JSX.Element {
  return (
    <Curve
      points={points}
      xLabel="recall"
      yLabel="precision"
      label={`Precision and recall, area ${auc}`}
      file="precision-recall"
      chance={[
        [0, share],
        [1, share],
      ]}
    />
  );
}

/** Predicted probability against what happened; the area of a dot is its share of the rows. */
export function Calibration({ calibration }: { readonly calibration: NonNullable<TestReport['calibration']> }): JSX.Element {
  const total = calibration.bins.reduce((sum, { count }) => sum + count, 0);
  return (
    <Plot label={`Calibration: expected error ${number(calibration.error, 3)}`} height={height} maxWidth={460} file="calibration">
      {(width) => {
        const box = boxOf(width);
        const x = linear(unit, [box.left, box.right]);
        const y = linear(unit, [box.bottom, box.top]);
        const filled = calibration.bins.filter(({ count }) => count > 0);
        return (
          <>
            <Axes x={x} y={y} box={box} xLabel="predicted probability" yLabel="observed share" />
            <line x1={x(0)} y1={y(0)} x2={x(1)} y2={y(1)} class="reference" />
            <text x={x(1) - 4} y={y(1) + 28} text-anchor="end" class="reference-label">
              perfect
            </text>
            <path d={linePath(filled.map((bin) => [x(bin.predicted), y(bin.observed)]))} class="line series-1" />
            {filled.map((bin) => (
              <circle
                key={bin.predicted}
                cx={x(bin.predicted)}
                cy={y(bin.observed)}
                r={3 + 10 * Math.sqrt(bin.count / total)}
                class="mark series-1"
              >
                <title>
                  predicted {percent(bin.predicted)}, observed {percent(bin.observed)}, {number(bin.count, 0)} rows
                </title>
              </circle>
            ))}
          </>
        );
      }}
    </Plot>
  );
}

/** Truth in rows, prediction in columns; shade and share go by the row. */
export function Confusion({ confusion }: { readonly confusion: NonNullable<TestReport['confusion']> }): JSX.Element {
  return (
    <div class="table-scroll" role="region" aria-label="Confusion matrix, table" tabIndex={0}>
      <table class="confusion">
        <caption>truth in rows, prediction in columns</caption>
        <thead>
          <tr>
            <td />
            {confusion.classes.map((name) => (
              <th key={name} scope="col">
                said {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {confusion.counts.map((counts, truth) => {
            const total = counts.reduce((sum, count) => sum + count, 0);
            return (
              <tr key={confusion.classes[truth]}>
                <th scope="row">was {confusion.classes[truth]}</th>
                {counts.map((count, said) => (
                  <td key={confusion.classes[said]} class={said === truth ? 'right' : 'wrong'}>
                    <i class="shade" style={{ opacity: total === 0 ? 0 : 0.32 * (count / total) }} />
                    <b>{number(count, 0)}</b>
                    <span>{percent(total === 0 ? null : count / total)}</span>
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
