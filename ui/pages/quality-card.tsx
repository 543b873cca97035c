import type { JSX } from 'preact';
import type { QualityMark, QualityReport } from '#contract';
import { counted, number } from '../lib/format.ts';
import { recordPath } from '../lib/records.ts';
import { useResource } from '../lib/resource.ts';
import { Card, Load } from '../parts/page.tsx';
import { State, StateShape, type Tone } from '../parts/state.tsx';
import { DigestText } from '../parts/values.tsx';

type Outcome = QualityReport['outcome'];
export type Check = QualityReport['characteristics'][number]['checks'][number];

const tones: Readonly<Record<Outcome, Tone>> = { pass: 'good', warn: 'warn', fail: 'bad', unmeasured: 'off' };
const words: Readonly<Record<Outcome, string>> = { pass: 'passes', warn: 'warns', fail: 'fails', unmeasured: 'unmeasured' };

/** The outcome of a check, a characteristic or a report. */
export function OutcomeState({ outcome }: { readonly outcome: Outcome }): JSX.Element {
  return <State tone={tones[outcome]}>{words[outcome]}</State>;
}

/** Five marks, each with its checks and the rows that fail them. */
export function QualityCard({ digest }: { readonly digest: string }): JSX.Element {
  const report = useResource<QualityReport>(`datasets/${digest}/quality`, ['quality_report.']);
  if (report.error?.status === 404 && report.data === undefined)
    return (
      <Card title="Quality" wide>
        <p class="quiet">This version was not judged yet.</p>
      </Card>
    );
  return (
    <Card
      title="Quality"
      wide
      says="Five marks from 0 to 1; each is made of named checks. Open one for the checks and the rows that fail them."
    >
      <Load of={report} what="The quality report">
        {(data) => (
          <>
            <p>
              <OutcomeState outcome={data.outcome} /> <span class="quiet">{tally(data)}</span>
            </p>
            <div class="marks">
              {data.characteristics.map((mark) => (
                <details key={mark.name} class={`mark-box tone-${tones[mark.outcome]}`}>
                  <summary>
                    <StateShape tone={tones[mark.outcome]} />
                    <span class="mark-name">{mark.name}</span>
                    <b title={words[mark.outcome]}>{mark.score === null ? '—' : number(mark.score, 3)}</b>
                    <span class="visually-hidden">{words[mark.outcome]}</span>
                    <span class="meter">
                      <i style={{ width: `${100 * (mark.score ?? 0)}%` }} />
                    </span>
                  </summary>
                  <CheckList checks={inOrder(mark.checks)} />
                </details>
              ))}
            </div>
            {data.quarantine !== undefined && <QuarantineNote quarantine={data.quarantine} />}
          </>
        )}
      </Load>
    </Card>
  );
}

function tally({ violations, warnings }: QualityReport): string {
  if (violations + warnings === 0) return 'No check fails or warns.';
  const parts = [
    violations === 0 ? '' : `${counted(violations, 'check')} ${violations === 1 ? 'fails' : 'fail'}`,
    warnings === 0 ? '' : `${counted(warnings, 'check')} ${warnings === 1 ? 'warns' : 'warn'}`,
  ];
  return `${parts.filter((part) => part !== '').join(', ')}.`;
}

const rank: Readonly<Record<Outcome, number>> = { fail: 0, warn: 1, pass: 2, unmeasured: 3 };

/** What fails first. */
function inOrder(checks: readonly Check[]): readonly Check[] {
  return [...checks].sort((a, b) => rank[a.outcome] - rank[b.outcome]);
}

/** Examples that stand in the sentence of a check. */
const examplesShown = 4;

/** Checks with their scores, words and rows. */
export function CheckList({ checks }: { readonly checks: readonly Check[] }): JSX.Element {
  return (
    <ul class="checks">
      {checks.map((check) => (
        <li key={check.name} class={`outcome-${check.outcome}`}>
          <span class="check-score">{check.score === null ? '—' : number(check.score, 3)}</span>
          <span>
            <StateShape tone={tones[check.outcome]} /> <span class="visually-hidden">{words[check.outcome]} </span>
            <b>{check.name.replaceAll('_', ' ')}</b> {check.message}
            {check.sampled !== undefined && <span class="quiet"> (a sample of {counted(check.sampled, 'row')})</span>}
            {check.examples.length > 0 && (
              <span class="quiet"> such as {check.examples.slice(0, examplesShown).map(exampleText).join(', ')}</span>
            )}
            {check.examples.length > 2 * examplesShown && <AllExamples check={check} />}
          </span>
        </li>
      ))}
    </ul>
  );
}

/** More rows than fit into a sentence: a person goes through them one by one. */
function AllExamples({ check: { examples, failing } }: { readonly check: Check }): JSX.Element {
  return (
    <details class="asked">
      <summary>
        {examples.length < failing ? `The first ${examples.length} of ${counted(failing, 'row')}` : `All ${counted(failing, 'row')}`}
      </summary>
      <ol class="all-examples">
        {examples.map((example) => (
          <li key={`${example.row} ${example.column}`}>{exampleText(example)}</li>
        ))}
      </ol>
    </details>
  );
}

function exampleText({ row, column, value, note, masked }: Check['examples'][number]): string {
  const shown = masked === true ? '(personal)' : value === null ? (note === undefined ? '(missing)' : '') : `“${value}”`;
  const parts = [row === undefined ? '' : `row ${row}`, column ?? '', shown, note === undefined ? '' : `(${note})`];
  return parts.filter((part) => part !== '').join(' ');
}

/** Rows that were set aside, and those that went on. */
function QuarantineNote({ quarantine }: { readonly quarantine: NonNullable<QualityReport['quarantine']> }): JSX.Element {
  return (
    <p class="quarantine">
      <b>{counted(quarantine.rows, 'row')} set aside</b> as{' '}
      <DigestText digest={quarantine.version} href={recordPath('dataset_version', quarantine.version)} />, each with its reasons (
      {quarantine.reasons.map(({ check, rows }) => `${check}: ${number(rows, 0)}`).join(', ')}); {counted(quarantine.keptRows, 'row')} went
      on as <DigestText digest={quarantine.kept} href={recordPath('dataset_version', quarantine.kept)} />.
    </p>
  );
}

/** The five marks in a line, each with its figure and shape. */
export function Marks({ marks }: { readonly marks: readonly QualityMark[] }): JSX.Element {
  return (
    <span class="marks-line">
      {marks.map(({ name, score, outcome }) => (
        <span
          key={name}
          class={`tone-${tones[outcome]}`}
          title={`${name} ${words[outcome]}${score === null ? '' : `: ${number(score, 3)}`}`}
        >
          <StateShape tone={tones[outcome]} />
          <span class="visually-hidden">
            {name} {words[outcome]}{' '}
          </span>
          {score === null ? '–' : score.toFixed(2)}
        </span>
      ))}
    </span>
  );
}
