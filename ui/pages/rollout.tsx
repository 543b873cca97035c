import type { JSX } from 'preact';
import type { AnswerTotals, Rollout, RolloutCheck } from '#contract';
import { TwoHistograms, TwoShares } from '../charts/two-histograms.tsx';
import { latencyOf, saidByBoth } from '../lib/answer-totals.ts';
import { send } from '../lib/api.ts';
import { chosen, counted, duration, number, percent } from '../lib/format.ts';
import { usePolled } from '../lib/use-polled.ts';
import { versionName } from '../lib/versions.ts';
import { Action } from '../parts/action.tsx';
import { Card, Facts, Load, Page, RawJson } from '../parts/page.tsx';
import { State, StateShape, WordState, type Tone } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { When, Who } from '../parts/values.tsx';
import { VersionRef } from '../parts/version-ref.tsx';

const everyMs = 1000;

/** One rollout: where it is, what both versions do, and what can be decided now. */
export function RolloutPage({ id }: { readonly id: string }): JSX.Element {
  const rollout = usePolled<Rollout>(`rollouts/${encodeURIComponent(id)}`, everyMs);
  return (
    <Load of={rollout} what="This rollout">
      {(record) => (
        <Page
          kind="Rollout"
          title={`${versionName(record.modelVersion)} to ${record.environment}`}
          crumbs={[{ text: 'Releases', href: '/releases' }]}
          truth={<Truth rollout={record} />}
          actions={isUnderWay(record) ? <Decisions rollout={record} /> : undefined}
        >
          <div class="cards">
            <Card title="Steps" wide says="Each step is judged by itself; after the last one comes all of the traffic.">
              <Steps rollout={record} />
            </Card>
            <Checks rollout={record} />
            <BothVersions rollout={record} />
            <History rollout={record} />
            <Record rollout={record} />
          </div>
        </Page>
      )}
    </Load>
  );
}

function isUnderWay({ state }: Rollout): boolean {
  return state === 'running' || state === 'paused';
}

function Truth({ rollout }: { readonly rollout: Rollout }): JSX.Element {
  const { state, weight, plan, startedAt, startedBy, history } = rollout;
  const why = history.findLast(({ what }) => what === state)?.why;
  return (
    <p>
      <WordState word={state} />{' '}
      {isUnderWay(rollout) ? (
        <b>{plan.strategy === 'shadow' ? 'asked as a shadow, answers nobody' : `${share(weight)} of the traffic`}</b>
      ) : (
        why
      )}
      {state === 'paused' && why !== undefined && <>: {why}</>}; begun <When at={startedAt} /> by <Who actor={startedBy} />
    </p>
  );
}

function Decisions({ rollout }: { readonly rollout: Rollout }): JSX.Element {
  const { id, environment, state, modelVersion, stable } = rollout;
  const decide = (verb: string) => (reason: string) => send('POST', `rollouts/${encodeURIComponent(id)}/${verb}`, { reason });
  const statement = { label: 'Reason', hint: 'Why now? It is kept with the rollout.' };
  return (
    <>
      <Action
        label="Roll back"
        permission="release"
        explain={
          <p>
            {versionName(stable)} gets all of the traffic of {environment} again. It is loaded still: no request is dropped.
          </p>
        }
        statement={statement}
        act={decide('rollback')}
      />
      {state === 'running' ? (
        <Action
          label="Pause"
          permission="release"
          explain={
            <p>It stops where it is: {versionName(modelVersion)} keeps its share of the traffic, and nothing is decided by itself.</p>
          }
          statement={statement}
          act={decide('pause')}
        />
      ) : (
        <Action
          label="Resume"
          permission="release"
          explain={<p>The step begins again, with nothing observed.</p>}
          statement={statement}
          act={decide('resume')}
        />
      )}
      <Action
        label="Promote now"
        permission="release"
        primary
        explain={
          <p>
            {versionName(modelVersion)} gets all of the traffic of {environment}, whatever its checks say.
          </p>
        }
        statement={statement}
        confirmWord={environment}
        act={decide('promote')}
      />
    </>
  );
}

/** The steps as stations of a track: done, the one that is live, and what comes. */
function Steps({ rollout }: { readonly rollout: Rollout }): JSX.Element {
  const { plan, step, state, stepStartedAt, observed } = rollout;
  const over = !isUnderWay(rollout);
  return (
    <ol class="stations few">
      {plan.steps.map(({ weight, shadow, forMs }, at) => {
        const isHere = at === step;
        const tone: Tone = at < step || state === 'promoted' ? 'good' : isHere ? toneOf(rollout) : 'off';
        return (
          <li key={at} class={`station ${isHere && tone !== 'good' ? `tone-${tone} coloured` : tone === 'off' ? 'off' : ''}`}>
            <div class="station-head">
              <StateShape tone={tone} />
              <span class="station-name">step {at + 1}</span>
              <span class="station-word">{isHere && !over ? state : tone === 'good' ? 'passed' : isHere ? 'ended here' : 'not yet'}</span>
            </div>
            <div class="station-title">{shadow === undefined ? share(weight) : `shadow of ${share(shadow)} of requests`}</div>
            <p class="station-detail">
              at least {duration(forMs)}
              {isHere && `, ${counted(observed.candidate.requests, 'request')} observed`}
            </p>
            {isHere && stepStartedAt !== undefined && (
              <p class="station-when quiet">
                since <When at={stepStartedAt} />
              </p>
            )}
          </li>
        );
      })}
      <li class={`station ${state === 'promoted' ? '' : 'off'}`}>
        <div class="station-head">
          <StateShape tone={state === 'promoted' ? 'good' : 'off'} />
          <span class="station-name">all of it</span>
          <span class="station-word">{state === 'promoted' ? 'promoted' : 'not yet'}</span>
        </div>
        <div class="station-title">100 %</div>
        <p class="station-detail">it is what is live then</p>
      </li>
    </ol>
  );
}

function toneOf({ state, checks }: Rollout): Tone {
  if (state === 'rolled_back' || state === 'aborted') return 'bad';
  if (state === 'paused') return 'warn';
  return checks.some((check) => check.state === 'failed') ? 'bad' : 'waiting';
}

const checkTones: Readonly<Record<RolloutCheck['state'], Tone>> = { passed: 'good', waiting: 'waiting', failed: 'bad' };

function Checks({ rollout: { checks, plan } }: { readonly rollout: Rollout }): JSX.Element {
  const says = `A check fails once that is sure, whenever one looks; then the rollout is ${plan.onFailure === 'rollback' ? 'taken back' : 'paused'} by itself.`;
  return (
    <Card title="Checks of this step" wide says={says}>
      {checks.length === 0 ? (
        <p class="quiet">Nothing has been observed yet.</p>
      ) : (
        <Table
          name="checks"
          caption="Checks of this step"
          rows={checks}
          rowKey={({ name }) => name}
          filterable={false}
          columns={[
            { key: 'name', head: 'Check', value: ({ name }) => name },
            {
              key: 'state',
              head: 'State',
              value: ({ state }) => state,
              cell: ({ state }) => <State tone={checkTones[state]}>{state}</State>,
            },
            {
              key: 'observed',
              head: 'Observed',
              number: true,
              value: ({ observed }) => observed ?? undefined,
              cell: ({ observed, unit }) => figure(observed, unit),
            },
            {
              key: 'compared',
              head: 'What is live',
              number: true,
              value: ({ compared }) => compared ?? undefined,
              cell: ({ compared, unit }) => figure(compared, unit),
            },
            { key: 'wanted', head: 'Wanted', value: ({ wanted }) => wanted },
            {
              key: 'message',
              head: 'In words',
              value: ({ message }) => message,
              cell: ({ message }) => <span class="wrap">{message}</span>,
            },
          ]}
        />
      )}
    </Card>
  );
}

function BothVersions({ rollout }: { readonly rollout: Rollout }): JSX.Element {
  const { observed, stable, modelVersion } = rollout;
  const rows = [
    { id: stable, what: 'what is live', totals: observed.stable },
    { id: modelVersion, what: 'what comes', totals: observed.candidate },
  ];
  const said = saidByBoth(observed.stable, observed.candidate);
  const sum = (totals: AnswerTotals): number => Object.values(totals.predictions?.bins ?? {}).reduce((all, count) => all + count, 0);
  return (
    <Card title="Both versions, since the step began" wide>
      <Table
        name="both"
        caption="Both versions"
        rows={rows}
        rowKey={({ id }) => id}
        filterable={false}
        columns={[
          {
            key: 'what',
            head: 'Version',
            value: ({ what }) => what,
            cell: ({ id, what }) => (
              <span>
                <VersionRef id={id} /> <span class="quiet">{what}</span>
              </span>
            ),
          },
          {
            key: 'requests',
            head: 'Requests',
            number: true,
            value: ({ totals }) => totals.requests,
            cell: ({ totals }) => number(totals.requests, 0),
          },
          {
            key: 'errors',
            head: 'Failed',
            number: true,
            value: ({ totals }) => totals.errors,
            cell: ({ totals }) =>
              totals.requests === 0 ? '—' : `${number(totals.errors, 0)} (${percent(totals.errors / totals.requests)})`,
          },
          ...([0.5, 0.99] as const).map((share) => ({
            key: `p${share}`,
            head: share === 0.5 ? 'Half within' : '99 % within',
            number: true as const,
            value: ({ totals }: (typeof rows)[number]) => latencyOf(totals, share),
            cell: ({ totals }: (typeof rows)[number]) => milliseconds(latencyOf(totals, share)),
          })),
        ]}
      />
      {said !== undefined && (
        <>
          <h3>What they say: what is live filled, what comes as a line</h3>
          {said.kind === 'numbers' ? (
            <TwoHistograms name="predictions" bins={said.bins} />
          ) : (
            <TwoShares values={said.values} totals={{ from: sum(observed.stable), to: sum(observed.candidate) }} />
          )}
        </>
      )}
    </Card>
  );
}

/** A share that somebody chose: 5 %, 2.5 %. */
function share(weight: number): string {
  return `${chosen(weight * 100)}\u202f%`;
}

function figure(value: number | null | undefined, unit: RolloutCheck['unit']): string {
  if (value === null || value === undefined) return '—';
  if (unit === 'share') return percent(value);
  return unit === 'ms' ? duration(value) : number(value);
}

const milliseconds = (ms: number | undefined): string => (ms === undefined ? '—' : duration(ms));

function History({ rollout: { history, environment } }: { readonly rollout: Rollout }): JSX.Element {
  return (
    <Card title="What happened" wide>
      <Table
        name="history"
        caption="What happened"
        rows={history.map((entry, at) => ({ ...entry, at, when: entry.at }))}
        rowKey={({ at }) => String(at)}
        filterable={false}
        columns={[
          { key: 'when', head: 'At', value: ({ when }) => when, cell: ({ when }) => <When at={when} /> },
          { key: 'what', head: 'What', value: ({ what }) => what, cell: ({ what }) => <WordState word={what} /> },
          { key: 'weight', head: 'Share then', number: true, value: ({ weight }) => weight, cell: ({ weight }) => share(weight) },
          { key: 'generation', head: 'Generation', number: true, value: ({ generation }) => generation },
          {
            key: 'took',
            head: 'Took',
            number: true,
            value: ({ tookMs }) => tookMs,
            cell: ({ tookMs }) => (tookMs === undefined ? '—' : duration(tookMs)),
          },
          { key: 'by', head: 'By', value: ({ by }) => by.name, cell: ({ by }) => <Who actor={by} /> },
          { key: 'why', head: 'Why', value: ({ why }) => why, cell: ({ why }) => <span class="wrap">{why}</span> },
        ]}
      />
      <p class="quiet">
        Each is a generation of <a href={`/endpoints/${encodeURIComponent(environment)}`}>the endpoint in {environment}</a>.
      </p>
    </Card>
  );
}

function Record({ rollout }: { readonly rollout: Rollout }): JSX.Element {
  const { plan, stable, modelVersion, reason, endedAt } = rollout;
  return (
    <Card title="Record" wide>
      <Facts
        facts={[
          ['Strategy', plan.strategy],
          ['What comes', <VersionRef id={modelVersion} />],
          ['What was live', <VersionRef id={stable} />],
          ['Callers keep their version by', plan.sticky ?? 'the key that their requests name'],
          ['Reason', reason],
          endedAt === undefined ? undefined : ['Ended', <When at={endedAt} />],
        ]}
      />
      <RawJson value={rollout} />
    </Card>
  );
}
