import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { BatchSchedule, Rhythm } from '#contract';
import { cronOf, cronWords, recurrenceOf, rhythms, weekdays } from '#contract';
import { send } from '../lib/api.ts';
import { counted } from '../lib/format.ts';
import { recordPath } from '../lib/records.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { Action } from '../parts/action.tsx';
import { Card, Empty, Load } from '../parts/page.tsx';
import { State } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { Command, When, Who } from '../parts/values.tsx';
import { useRequestForm } from './batch-request.tsx';

const pathOf = (name: string): string => `batch-schedules/${encodeURIComponent(name)}`;
const rhythmWords: Readonly<Record<Rhythm, string>> = {
  hour: 'every hour',
  day: 'every day',
  weekday: 'Monday to Friday',
  week: 'every week',
  month: 'every month',
};
const tones = { queued: 'waiting', running: 'waiting', finished: 'good', cancelled: 'off', failed: 'bad' } as const;

/** Tables that are predicted by the clock, with what can be done about each. */
export function SchedulesCard(): JSX.Element {
  const schedules = useResource<PageOf<BatchSchedule>>('batch-schedules', ['batch_schedule.', 'batch_prediction.']);
  const ask = (name: string, what: 'pause' | 'resume' | 'run') => async (): Promise<void> => {
    await send('POST', `${pathOf(name)}/${what}`);
    schedules.reload();
  };
  return (
    <Card title="By the clock" wide says="Tables that are predicted by a schedule; each run is by whoever set it.">
      <Load of={schedules} what="The schedules">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No table is predicted by the clock.">
              <Command>
                gyre batch schedule set nightly --every day --at 06:00 --model environment:production --input dataset:customers
              </Command>{' '}
              does what “Set a schedule” does.
            </Empty>
          ) : (
            <Table
              name="batch-schedules"
              caption="Batch predictions by the clock"
              rows={items}
              rowKey={({ name }) => name}
              columns={[
                {
                  key: 'name',
                  head: 'Schedule',
                  value: ({ name }) => name,
                  cell: ({ name, by }) => (
                    <>
                      {name}
                      <br />
                      <span class="quiet">{by === undefined ? 'by gyre.yaml' : <>by {<Who actor={by} />}</>}</span>
                    </>
                  ),
                },
                {
                  key: 'what',
                  head: 'Rows, model and output',
                  value: ({ request }) => request.input,
                  cell: ({ request: { input, model, output, toTable } }) => (
                    <>
                      {input} with {model}
                      {output !== undefined && (
                        <span class="quiet">
                          <br />
                          to {output} {toTable}
                        </span>
                      )}
                    </>
                  ),
                },
                {
                  key: 'next',
                  head: 'When, and when next',
                  value: ({ nextDue }) => nextDue,
                  cell: ({ cron, timezone, paused, nextDue }) => (
                    <>
                      {cronWords(cron)} <span class="quiet">{timezone}</span>
                      <br />
                      {paused ? <State tone="off">paused</State> : <When at={nextDue} absolute />}
                    </>
                  ),
                },
                {
                  key: 'last',
                  head: 'Last run',
                  value: ({ lastDue }) => lastDue,
                  cell: (schedule) => <LastRun schedule={schedule} />,
                },
                {
                  key: 'do',
                  head: 'Do',
                  value: () => undefined,
                  cell: (schedule) => <Doing schedule={schedule} ask={ask} reload={schedules.reload} />,
                },
              ]}
            />
          )
        }
      </Load>
    </Card>
  );
}

function LastRun({
  schedule: { lastRun, lastState, lastError, lastDue, missed, error },
}: {
  readonly schedule: BatchSchedule;
}): JSX.Element {
  return (
    <>
      {error !== undefined && <State tone="bad">{error}</State>}
      {lastState !== undefined && lastRun !== undefined && (
        <a href={recordPath('batch_prediction', lastRun)}>
          <State tone={tones[lastState]}>{lastError === undefined ? lastState : `${lastState}: ${lastError}`}</State>
        </a>
      )}{' '}
      {lastDue === undefined ? lastRun === undefined && <span class="quiet">never</span> : <When at={lastDue} />}
      {missed !== undefined && missed > 0 && <span class="quiet">, for {counted(missed, 'missed one')} too</span>}
    </>
  );
}

function Doing({
  schedule,
  ask,
  reload,
}: {
  readonly schedule: BatchSchedule;
  readonly ask: (name: string, what: 'pause' | 'resume' | 'run') => () => Promise<void>;
  readonly reload: () => void;
}): JSX.Element {
  const { name, paused, from, request } = schedule;
  return (
    <div class="row-actions">
      <Action
        label="Run now"
        permission="predict"
        explain={
          <p>
            {request.input} is predicted with {request.model} now, out of turn, as “{name}” says.
          </p>
        }
        act={ask(name, 'run')}
      />
      <Action
        label={paused ? 'Resume' : 'Pause'}
        permission="predict"
        explain={
          paused ? (
            <p>“{name}” goes on with its next instant; what would have been due meanwhile is not made up for.</p>
          ) : (
            <p>“{name}” is not predicted by the clock until it is resumed.</p>
          )
        }
        act={ask(name, paused ? 'resume' : 'pause')}
      />
      {from === 'people' && <SetSchedule schedule={schedule} done={reload} />}
      {from === 'people' && (
        <Action
          label="Remove"
          permission="predict"
          explain={<p>“{name}” is predicted by the clock no more. What it predicted stays.</p>}
          act={async () => {
            await send('DELETE', pathOf(name));
            reload();
          }}
        />
      )}
    </div>
  );
}

/** A button that sets a schedule, or changes one. */
export function SetSchedule({ schedule, done }: { readonly schedule?: BatchSchedule; readonly done: () => void }): JSX.Element {
  const known = schedule === undefined ? undefined : recurrenceOf(schedule.cron);
  const { fields, request } = useRequestForm({ repeated: true, ...(schedule === undefined ? {} : { initial: schedule.request }) });
  const [name, setName] = useState(schedule?.name ?? '');
  const [every, setEvery] = useState<Rhythm | 'pattern'>(schedule === undefined ? 'day' : (known?.every ?? 'pattern'));
  const [at, setAt] = useState(known?.at ?? '06:00');
  const [day, setDay] = useState(known?.day ?? 1);
  const [pattern, setPattern] = useState(schedule?.cron ?? '');
  const [timezone, setTimezone] = useState(schedule?.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone);
  const cron = every === 'pattern' ? pattern.trim() : (cronOf({ every, at, day }) ?? '');
  return (
    <Action
      label={schedule === undefined ? 'Set a schedule' : 'Change'}
      permission="predict"
      explain={
        <>
          {schedule === undefined && (
            <label class="field">
              <span>Name of the schedule</span>
              <input value={name} onInput={(event) => setName(event.currentTarget.value)} autocomplete="off" required />
            </label>
          )}
          <label class="field">
            <span>How often</span>
            <select value={every} onChange={(event) => setEvery(event.currentTarget.value as typeof every)}>
              {rhythms.map((rhythm) => (
                <option key={rhythm} value={rhythm}>
                  {rhythmWords[rhythm]}
                </option>
              ))}
              <option value="pattern">by a pattern</option>
            </select>
          </label>
          {every === 'week' && (
            <label class="field">
              <span>Day of the week</span>
              <select value={String(day)} onChange={(event) => setDay(Number(event.currentTarget.value))}>
                {weekdays.map((word, index) => (
                  <option key={word} value={String(index)}>
                    {word}
                  </option>
                ))}
              </select>
            </label>
          )}
          {every === 'month' && (
            <label class="field">
              <span>Day of the month; a month that has no such day is left out</span>
              <input type="number" min={1} max={31} value={day} onInput={(event) => setDay(Number(event.currentTarget.value))} required />
            </label>
          )}
          {every === 'pattern' ? (
            <label class="field">
              <span>Minute, hour, day of month, month, day of week</span>
              <input value={pattern} onInput={(event) => setPattern(event.currentTarget.value)} placeholder="0 6 * * *" required />
            </label>
          ) : (
            <label class="field">
              <span>{every === 'hour' ? 'At this minute of each hour' : 'At this time'}</span>
              <input type="time" value={at} onInput={(event) => setAt(event.currentTarget.value)} required />
            </label>
          )}
          <label class="field">
            <span>Time zone: the time of day stays the same when its clocks change</span>
            <input value={timezone} onInput={(event) => setTimezone(event.currentTarget.value)} autocomplete="off" required />
          </label>
          {fields}
          {cron !== '' && (
            <p class="quiet">
              Predicted {cronWords(cron)}, {timezone}. It runs while the platform is up; runs that were missed are made up for by one.
            </p>
          )}
        </>
      }
      act={async () => {
        await send('PUT', pathOf(name.trim()), { cron, timezone: timezone.trim(), request: request() });
        done();
      }}
    />
  );
}
