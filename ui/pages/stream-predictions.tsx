import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { RegisteredModel, StreamPrediction } from '#contract';
import { send } from '../lib/api.ts';
import { counted, number } from '../lib/format.ts';
import { recordPath } from '../lib/records.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { useReloadWhile } from '../lib/use-polled.ts';
import { queryValue } from '../lib/router.ts';
import { Action } from '../parts/action.tsx';
import { Card, Empty, Facts, Load, Page } from '../parts/page.tsx';
import { State } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { Command, RecordRef, When, Who } from '../parts/values.tsx';

const followMs = 2000;

type Tone = 'good' | 'waiting' | 'bad' | 'off';

/** How it stands, in a word and a colour. */
function standOf({ state, figures }: StreamPrediction): readonly [Tone, string] {
  if (state === 'failed') return ['bad', 'failed'];
  if (state === 'stopped') return ['off', 'stopped'];
  if (figures?.state === 'waiting') return ['bad', 'waits for its broker'];
  return figures?.state === 'stopping' ? ['waiting', 'stopping'] : ['good', 'running'];
}

const figure = (value: number | undefined): string => (value === undefined ? '–' : number(value, 0));

/** Topics that models answer: whether they keep up, and what they could not answer. */
export function StreamPredictionsPage(): JSX.Element {
  const streams = useResource<PageOf<StreamPrediction>>('stream-predictions', ['stream_prediction.']);
  const anyOpen = streams.data?.items.some(({ state }) => state === 'running') === true;
  useReloadWhile(anyOpen, streams.reload, followMs);
  const chosen = queryValue('prediction');
  const listed = streams.data?.items.find(({ id }) => id === chosen) ?? streams.data?.items.find(({ state }) => state === 'running');
  const asked = useResource<StreamPrediction>(
    chosen !== undefined && chosen !== '' && streams.data !== undefined && listed?.id !== chosen
      ? `stream-predictions/${encodeURIComponent(chosen)}`
      : undefined,
    ['stream_prediction.'],
  );
  const shown = asked.data ?? listed;
  return (
    <Page
      title="Stream predictions"
      truth={<p>Topics answered message by message, at least once: what comes twice has the same id.</p>}
      actions={<NewStream started={streams.reload} />}
    >
      <div class="cards">
        {shown !== undefined && <StreamCard stream={shown} reload={streams.reload} />}
        <Card title="Stream predictions" wide says="Newest first; counted since the platform was started.">
          <Load of={streams} what="The stream predictions">
            {({ items }) =>
              items.length === 0 ? (
                <Empty title="No topic is answered yet.">
                  <Command>gyre predict --model churn --stream nats://host/customers.new --output nats://host/customers.scored</Command>{' '}
                  does what “Answer a topic” does.
                </Empty>
              ) : (
                <Table
                  name="stream-predictions"
                  caption="Stream predictions"
                  rows={items}
                  rowKey={({ id }) => id}
                  href={({ id }) => recordPath('stream_prediction', id)}
                  marked={({ id }) => id === shown?.id}
                  columns={[
                    {
                      key: 'input',
                      head: 'Topic',
                      value: ({ input }) => input,
                      cell: ({ id, input }) => <a href={recordPath('stream_prediction', id)}>{input}</a>,
                    },
                    { key: 'model', head: 'Model', value: ({ model }) => `${model.name}/${model.version}` },
                    {
                      key: 'state',
                      head: 'State',
                      value: (one) => standOf(one)[1],
                      cell: (one) => <State tone={standOf(one)[0]}>{standOf(one)[1]}</State>,
                    },
                    {
                      key: 'lag',
                      head: 'Lag',
                      value: ({ figures }) => figures?.lag ?? -1,
                      cell: ({ figures }) => figure(figures?.lag),
                      number: true,
                    },
                    {
                      key: 'published',
                      head: 'Answered',
                      value: ({ figures }) => figures?.published ?? -1,
                      cell: ({ figures }) => figure(figures?.published),
                      number: true,
                    },
                    {
                      key: 'dead',
                      head: 'Dead letters',
                      value: ({ figures }) => figures?.deadLetters ?? -1,
                      cell: ({ figures }) => figure(figures?.deadLetters),
                      number: true,
                    },
                    { key: 'at', head: 'Begun', value: ({ startedAt }) => startedAt, cell: ({ startedAt }) => <When at={startedAt} /> },
                  ]}
                />
              )
            }
          </Load>
        </Card>
      </div>
    </Page>
  );
}

function StreamCard({ stream, reload }: { readonly stream: StreamPrediction; readonly reload: () => void }): JSX.Element {
  const { id, state, model, group, input, output, deadLetters, figures, error, startedAt, endedAt, by } = stream;
  const [tone, word] = standOf(stream);
  return (
    <Card title={input} wide says={`Answered by ${model.name}, version ${model.version}`}>
      <Facts
        facts={[
          ['State', <State tone={tone}>{word}</State>],
          error === undefined ? undefined : ['Why', error],
          figures?.waiting === undefined
            ? undefined
            : [
                'Waits',
                <>
                  {figures.waiting.reason}, since <When at={figures.waiting.since} />
                </>,
              ],
          figures === undefined
            ? undefined
            : [
                'Lag',
                figures.waiting !== undefined
                  ? 'not known while its broker is away'
                  : figures.lag === undefined
                    ? 'not known yet'
                    : figures.lag === 0
                      ? 'none: it keeps up'
                      : `${counted(figures.lag, 'message')} behind`,
              ],
          figures === undefined
            ? undefined
            : [
                'Messages',
                `${number(figures.consumed, 0)} taken (${number(figures.redelivered, 0)} again), ${number(figures.published, 0)} answered, ${number(figures.inFlight, 0)} in flight`,
              ],
          figures?.lastPublishedAt === undefined ? undefined : ['Last answer', <When at={figures.lastPublishedAt} />],
          figures === undefined ? undefined : ['Dead letters', number(figures.deadLetters, 0)],
          figures?.lastDeadLetter === undefined
            ? undefined
            : [
                'Last of them',
                <>
                  {figures.lastDeadLetter.reason} ({figures.lastDeadLetter.source}, <When at={figures.lastDeadLetter.at} />)
                </>,
              ],
          figures === undefined || figures.retries === 0 ? undefined : ['Tried again', number(figures.retries, 0)],
          [
            'Model version',
            <RecordRef kind="model_version" id={model.id}>
              {model.name}/{model.version}
            </RecordRef>,
          ],
          ['Answers go to', output],
          ['Dead letters go to', deadLetters],
          ['Group', group],
          ['Begun', <When at={startedAt} />],
          endedAt === undefined ? undefined : ['Ended', <When at={endedAt} />],
          ['By', <Who actor={by} />],
        ]}
      />
      {state === 'running' && (
        <div class="actions">
          <Action
            label="Stop"
            permission="build"
            explain={
              <p>
                What was taken is answered first. The group’s place in the topic stays: whoever answers in “{group}” later goes on from
                there.
              </p>
            }
            act={async () => {
              await send('DELETE', `stream-predictions/${encodeURIComponent(id)}`);
              reload();
            }}
          />
        </div>
      )}
    </Card>
  );
}

function NewStream({ started }: { readonly started: () => void }): JSX.Element {
  const models = useResource<PageOf<RegisteredModel>>('models', ['registered_model.', 'model_version.']);
  const [model, setModel] = useState('');
  const [input, setInput] = useState('');
  const [output, setOutput] = useState('');
  const [deadLetters, setDeadLetters] = useState('');
  const [group, setGroup] = useState('');
  const [onlyNew, setOnlyNew] = useState(false);
  const [create, setCreate] = useState(false);
  return (
    <Action
      label="Answer a topic"
      permission="build"
      primary
      explain={
        <>
          <label class="field">
            <span>Model: a name, name/3, name@champion, or environment:production for what is live there now</span>
            <input
              list="stream-models"
              value={model}
              onInput={(event) => setModel(event.currentTarget.value)}
              autocomplete="off"
              required
            />
            <datalist id="stream-models">
              {models.data?.items.map(({ name }) => (
                <option key={name} value={name} />
              ))}
            </datalist>
          </label>
          <label class="field">
            <span>Topic: nats://host:4222/subject, redis://host:6379/key or kafka://host:9092/topic</span>
            <input value={input} onInput={(event) => setInput(event.currentTarget.value)} autocomplete="off" required />
          </label>
          <label class="field">
            <span>Answers go to the topic</span>
            <input value={output} onInput={(event) => setOutput(event.currentTarget.value)} autocomplete="off" required />
          </label>
          <label class="field">
            <span>Messages that cannot be answered go to; left empty: the topic of the answers with .dead (Redis: :dead)</span>
            <input value={deadLetters} onInput={(event) => setDeadLetters(event.currentTarget.value)} autocomplete="off" />
          </label>
          <label class="field">
            <span>Group, whose place in the topic is kept; left empty: gyre- and the model’s name</span>
            <input value={group} onInput={(event) => setGroup(event.currentTarget.value)} autocomplete="off" />
          </label>
          <label class="check">
            <input type="checkbox" checked={onlyNew} onChange={(event) => setOnlyNew(event.currentTarget.checked)} /> a new group begins
            with what comes from now on
          </label>
          <label class="check">
            <input type="checkbox" checked={create} onChange={(event) => setCreate(event.currentTarget.checked)} /> make topics that are not
            there
          </label>
        </>
      }
      act={async () => {
        await send('POST', 'stream-predictions', {
          model: model.trim(),
          input: input.trim(),
          output: output.trim(),
          ...(deadLetters.trim() === '' ? {} : { deadLetters: deadLetters.trim() }),
          ...(group.trim() === '' ? {} : { group: group.trim() }),
          ...(onlyNew ? { from: 'new' } : {}),
          ...(create ? { create } : {}),
        });
        started();
      }}
    />
  );
}
