import type { JSX } from 'preact';
import type { Explanation, Trace } from '#contract';
import { Bars } from '../charts/bars.tsx';
import { absoluteTime, duration, number, percent, plain } from '../lib/format.ts';
import { isRecordKind, recordPath } from '../lib/records.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { queryValue, setQuery } from '../lib/router.ts';
import type { PredictionRecord } from '../lib/shapes.ts';
import { versionName, versionOf, versions } from '../lib/versions.ts';
import { Card, Empty, Facts, Load, Page, RawJson } from '../parts/page.tsx';
import { State } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { Command, Copy, DigestText, When, Who } from '../parts/values.tsx';
import { VersionRef } from '../parts/version-ref.tsx';

/** The last predictions, with what became of them. */
export function PredictionsPage(): JSX.Element {
  const version = queryValue('version');
  const list = useResource<PageOf<PredictionRecord>>(
    `predictions?first=newest&limit=500${version === undefined ? '' : `&modelVersion=${encodeURIComponent(version)}`}`,
    ['predictions.', 'labels.'],
  );
  return (
    <Page
      title="Predictions"
      truth={
        <p>
          {version === undefined ? (
            'The last 500'
          ) : (
            <>
              The last 500 of <VersionRef id={version} />
            </>
          )}{' '}
          that arrived in the log, with the label where it is known. Each leads to its chain of evidence.
        </p>
      }
    >
      <Load of={list} what="The predictions">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No prediction yet.">
              Ask a released endpoint: <Command>gyre predict --row '&#123;…&#125;'</Command>
            </Empty>
          ) : (
            <Table
              name="predictions"
              caption="Predictions"
              rows={items}
              rowKey={({ id }) => id}
              href={({ id }) => recordPath('prediction', id)}
              columns={[
                {
                  key: 'time',
                  head: 'Event time',
                  value: ({ eventTime }) => eventTime,
                  cell: ({ id, eventTime }) => <a href={recordPath('prediction', id)}>{absoluteTime(eventTime)}</a>,
                },
                { key: 'key', head: 'Key', value: ({ key }) => key },
                { key: 'predicted', head: 'Predicted', value: ({ predicted, score }) => predicted ?? score },
                {
                  key: 'score',
                  head: 'Score',
                  number: true,
                  value: ({ score }) => score,
                  cell: ({ score }) => (score === undefined ? '—' : number(score, 3)),
                },
                { key: 'label', head: 'What happened', value: ({ label }) => label?.value, cell: (row) => <Outcome record={row} /> },
                {
                  key: 'version',
                  head: 'Version',
                  value: ({ modelVersion }) => (modelVersion === undefined ? undefined : versionName(modelVersion)),
                },
                { key: 'environment', head: 'Environment', value: ({ environment }) => environment },
              ]}
            />
          )
        }
      </Load>
    </Page>
  );
}

function Outcome({ record }: { readonly record: PredictionRecord }): JSX.Element {
  if (record.label === undefined) return <span class="quiet">not known yet</span>;
  if (record.predicted === undefined) return <span>{plain(record.label.value)}</span>;
  const right = String(record.label.value) === record.predicted;
  return <State tone={right ? 'good' : 'bad'}>{`${plain(record.label.value)}, ${right ? 'as said' : 'not as said'}`}</State>;
}

/** One prediction: what went in, what came out, why, what happened, and the chain of evidence behind it. */
export function PredictionPage({ id }: { readonly id: string }): JSX.Element {
  const prediction = useResource<PredictionRecord>(`predictions/${encodeURIComponent(id)}`, ['labels.']);
  const group = queryValue('by') === 'feature' ? 'feature' : 'column';
  const isBrought = versionOf(prediction.data?.modelVersion)?.brought !== undefined;
  const explanation = useResource<Explanation>(
    prediction.data === undefined || versions.value === undefined
      ? undefined
      : `predictions/${encodeURIComponent(id)}/explanation${isBrought ? '' : `?groupBy=${group}`}`,
  );
  return (
    <Load of={prediction} what="This prediction">
      {(data) => (
        <Page
          kind="Prediction"
          title={data.predicted ?? (data.score === undefined ? data.id.slice(-8) : number(data.score))}
          crumbs={[
            ...(data.modelVersion === undefined
              ? []
              : [{ text: versionName(data.modelVersion), href: recordPath('model_version', data.modelVersion) }]),
            { text: data.environment, href: '/environments' },
          ]}
          truth={
            <p>
              {data.score !== undefined && (
                <>
                  score <b>{number(data.score, 3)}</b>,{' '}
                </>
              )}
              <Outcome record={data} />; for {absoluteTime(data.eventTime)}, served <When at={data.servedAt} /> in{' '}
              {duration(data.latencyMs)} by{' '}
              {data.modelVersion === undefined ? `${data.model} ${data.version}` : <VersionRef id={data.modelVersion} />}
            </p>
          }
        >
          <div class="cards">
            <Card
              title="Why"
              wide
              aside={isBrought ? undefined : <GroupChoice group={group} />}
              says={
                explanation.data === undefined ? undefined : (
                  <>
                    Base {number(explanation.data.base, 3)} and the contributions add up to the margin {number(explanation.data.margin, 3)}
                    {explanation.data.class === undefined ? '' : ` for ${explanation.data.class}`}; {methodText(explanation.data)}. Bars to
                    the right push towards it.
                  </>
                )
              }
            >
              <Load of={explanation} what="The explanation">
                {({ contributions }) => (
                  <Bars
                    label="Contributions"
                    unit="added to the margin"
                    file="contributions"
                    signedColours
                    bars={contributions.slice(0, 16).map(({ feature, value, contribution }) => ({
                      name: feature,
                      ...(value === null ? {} : { detail: plain(value) }),
                      value: contribution,
                    }))}
                  />
                )}
              </Load>
            </Card>
            <Card title="Inputs">
              <Table
                name="inputs"
                caption="Inputs"
                rows={Object.entries(data.inputs)}
                rowKey={([name]) => name}
                filterable={false}
                columns={[
                  { key: 'name', head: 'Column', value: ([name]) => name },
                  {
                    key: 'value',
                    head: 'Value',
                    value: ([, value]) => value,
                    cell: ([, value]) => (value === null ? <span class="quiet">missing</span> : plain(value)),
                  },
                ]}
              />
            </Card>
            <Card title="Outputs">
              <Facts
                facts={[
                  ...Object.entries(data.outputs).map(([name, value]): readonly [string, string] => [
                    name,
                    name === 'probabilities' ? probabilities(value) : plain(value),
                  ]),
                  ['Endpoint', `${data.endpoint} in ${data.environment}, generation ${data.generation}`],
                  ['Package', <DigestText digest={data.package} />],
                  data.key === undefined ? undefined : ['Key', data.key],
                  data.label === undefined
                    ? undefined
                    : ['Label', `${plain(data.label.value)}, received ${absoluteTime(data.label.receivedAt)}`],
                ]}
              />
            </Card>
            <TraceCard kind="prediction" id={id} />
            <Card title="Record" wide>
              <RawJson value={data} />
            </Card>
          </div>
        </Page>
      )}
    </Load>
  );
}

/** Whether bars are of the model's columns or of the features that are made from them. */
function GroupChoice({ group }: { readonly group: 'column' | 'feature' }): JSX.Element {
  return (
    <div class="chips" role="group" aria-label="Contributions by">
      {(['column', 'feature'] as const).map((choice) => (
        <button
          key={choice}
          type="button"
          class="chip"
          aria-pressed={group === choice}
          onClick={() => setQuery({ by: choice === 'column' ? undefined : choice })}
        >
          by {choice}
        </button>
      ))}
    </div>
  );
}

function methodText({ method, scale, fidelity }: Explanation): string {
  const how = `${method.replaceAll('_', ' ')}${scale === undefined ? '' : `, in ${scale.replaceAll('_', ' ')}`}`;
  return fidelity === undefined ? how : `${how}, R² ${number(fidelity.r2, 3)} over ${fidelity.coalitions} coalitions of columns`;
}

function probabilities(value: unknown): string {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return Object.entries(value)
      .map(([name, share]) => `${name} ${typeof share === 'number' ? percent(share) : plain(share)}`)
      .join(', ');
  }
  return Array.isArray(value)
    ? value.map((one: unknown) => (typeof one === 'number' ? percent(one) : plain(one))).join(', ')
    : plain(value);
}

/** The chain of evidence behind a record: every link with its digest, read again and compared. */
export function TraceCard({ kind, id }: { readonly kind: string; readonly id: string }): JSX.Element {
  const trace = useResource<Trace>(`trace/${kind}/${encodeURIComponent(id)}`);
  return (
    <Card title="Chain of evidence" wide aside={<Command>{`gyre trace ${kind} ${id}`}</Command>}>
      <Load of={trace} what="The trace">
        {(data) => (
          <>
            <p>
              <State tone={data.complete ? 'good' : 'warn'}>{data.complete ? 'complete' : `missing: ${data.missing.join(', ')}`}</State>{' '}
              <span class="quiet">
                {data.links.filter(({ verified }) => verified === true).length} of {data.links.length} links were read again and have the
                digest that they should.
              </span>
            </p>
            <ol class="trace">
              {data.links.map((link) => (
                <li key={link.kind + link.id}>
                  <span class="trace-kind">{link.kind.replaceAll('_', ' ')}</span>
                  <span class="trace-title">
                    {isRecordKind(link.kind) ? <a href={recordPath(link.kind, link.id)}>{link.title}</a> : link.title}{' '}
                    <Copy text={link.id} what="id" />
                    <span class="quiet">
                      {link.by !== undefined && (
                        <>
                          {' '}
                          by <Who actor={link.by} />
                        </>
                      )}{' '}
                      {link.at !== undefined && <When at={link.at} />}
                    </span>
                  </span>
                  <span class="trace-digest">
                    {link.digest !== undefined && <DigestText digest={link.digest} />}
                    {link.verified !== undefined && (
                      <State tone={link.verified ? 'good' : 'bad'}>{link.verified ? 'verified' : 'differs'}</State>
                    )}
                  </span>
                </li>
              ))}
            </ol>
          </>
        )}
      </Load>
    </Card>
  );
}

/** The chain of evidence of any record that has one. */
export function TracePage({ kind, id }: { readonly kind: string; readonly id: string }): JSX.Element {
  return (
    <Page
      kind="Trace"
      title={`of ${kind.replaceAll('_', ' ')} ${id.slice(-8)}`}
      crumbs={isRecordKind(kind) ? [{ text: kind.replaceAll('_', ' '), href: recordPath(kind, id) }] : []}
    >
      <div class="cards">
        <TraceCard kind={kind} id={id} />
      </div>
    </Page>
  );
}
