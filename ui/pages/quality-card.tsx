import type { JSX } from 'preact';
import type { DatasetSummary, QualityReport } from '#contract';
import { counted, number } from '../lib/format.ts';
import { useResource } from '../lib/resource.ts';
import { Card, Load } from '../parts/page.tsx';
import { StateShape, type Tone } from '../parts/state.tsx';

function markTone(score: number | null): Tone {
  if (score === null) return 'off';
  if (score >= 0.95) return 'good';
  return score >= 0.8 ? 'warn' : 'bad';
}

/** How a check stands out among the others. */
export function checkClass({ score, severity }: QualityReport['characteristics'][number]['checks'][number]): string | undefined {
  return score !== null && score < 1 ? `severity-${severity}` : undefined;
}

/** Five marks, each with its checks and the rows that fail them. */
export function QualityCard({ digest }: { readonly digest: string }): JSX.Element {
  const report = useResource<QualityReport>(`datasets/${digest}/quality`, ['quality_report.']);
  return (
    <Card
      title="Quality"
      wide
      says="Five marks from 0 to 1; each is made of named checks. Open one for the checks and the rows that fail them."
    >
      <Load of={report} what="The quality report">
        {({ characteristics, violations }) => (
          <>
            <p class={violations > 0 ? 'tone-bad' : 'quiet'}>
              {violations === 0 ? 'No check fails.' : `${counted(violations, 'check')} fail.`}
            </p>
            <div class="marks">
              {characteristics.map((mark) => (
                <details key={mark.name} class={`mark-box tone-${markTone(mark.score)}`}>
                  <summary>
                    <StateShape tone={markTone(mark.score)} />
                    <span class="mark-name">{mark.name}</span>
                    <b>{mark.score === null ? 'unmeasured' : number(mark.score, 3)}</b>
                    <span class="meter">
                      <i style={{ width: `${100 * (mark.score ?? 0)}%` }} />
                    </span>
                  </summary>
                  <ul class="checks">
                    {mark.checks.map((check) => (
                      <li key={check.name} class={`outcome-${check.outcome}`}>
                        <span class="check-score">{check.score === null ? '—' : number(check.score, 3)}</span>
                        <span>
                          <b>{check.name.replaceAll('_', ' ')}</b> {check.message}
                          {check.examples.length > 0 && (
                            <span class="quiet">
                              {' '}
                              such as{' '}
                              {check.examples
                                .slice(0, 4)
                                .map(({ row, column, value, note }) => {
                                  const shown = value === null ? (note === undefined ? '(missing)' : '') : `“${value}”`;
                                  const parts = [
                                    row === undefined ? '' : `row ${row}`,
                                    column ?? '',
                                    shown,
                                    note === undefined ? '' : `(${note})`,
                                  ];
                                  return parts.filter((part) => part !== '').join(' ');
                                })
                                .join(', ')}
                            </span>
                          )}
                        </span>
                      </li>
                    ))}
                  </ul>
                </details>
              ))}
            </div>
          </>
        )}
      </Load>
    </Card>
  );
}

/** The five marks in a line, each with its first letters, figure and shape. */
export function Marks({ scores }: { readonly scores: NonNullable<DatasetSummary['quality']>['scores'] }): JSX.Element {
  return (
    <span class="marks-line">
      {Object.entries(scores).map(([name, score]) => (
        <span key={name} class={`tone-${markTone(score)}`} title={`${name} ${score === null ? 'unmeasured' : number(score, 3)}`}>
          <StateShape tone={markTone(score)} />
          <span class="visually-hidden">{name} </span>
          {score === null ? '–' : score.toFixed(2)}
        </span>
      ))}
    </span>
  );
}
