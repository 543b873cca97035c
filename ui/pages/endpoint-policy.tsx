import type { JSX } from 'preact';
import type { EndpointState, RefusalFigures } from '#contract';
import { bytes, chosen, counted, duration, number, percent } from '../lib/format.ts';
import { Card, Facts } from '../parts/page.tsx';
import { State } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';

/** Where neither manifest nor data plane says otherwise. */
const usual = { maxQueued: 4096, maxMib: 2048 };

/** What an endpoint lets through, what of it is logged, and how often it said no. */
export function PolicyCard({ state }: { readonly state: EndpointState }): JSX.Element | null {
  const { limits, live, figures, pending = [] } = state;
  if (limits === undefined) return null;
  return (
    <Card
      title="Limits and log"
      wide
      says={
        <>
          As <code>serve</code> in gyre.yaml said when generation {live?.generation} was signed; a change comes with the next release.
        </>
      }
    >
      {pending.length > 0 && (
        <p>
          <State tone="waiting">gyre.yaml says otherwise by now</State> ({pending.join(', ')}): release again, and it holds here.
        </p>
      )}
      <div class="split">
        <div>
          <h3>What is let through</h3>
          <Limits state={state} limits={limits} />
        </div>
        <div>
          <h3>What is logged</h3>
          <Log state={state} />
        </div>
      </div>
      {figures !== undefined && <Refused refused={figures.refused} />}
    </Card>
  );
}

function Limits({ state, limits }: { readonly state: EndpointState; readonly limits: NonNullable<EndpointState['limits']> }): JSX.Element {
  const { maxConcurrent, rate, maxBodyBytes, maxRows, timeoutMs } = limits;
  const waiting = state.execution?.maxQueued ?? usual.maxQueued;
  return (
    <Facts
      facts={[
        ['At the same time', maxConcurrent === undefined ? 'as many as come' : counted(maxConcurrent, 'request')],
        [
          'Of one token',
          rate === undefined
            ? 'as many as it sends'
            : `${chosen(rate.perSecond)} a second, ${counted(rate.burst ?? Math.max(1, Math.ceil(rate.perSecond)), 'request')} at once after a pause`,
        ],
        ['Waiting for a model', counted(waiting, 'request')],
        ['In one request', `${bytes(maxBodyBytes)}, ${counted(maxRows, 'row')}`],
        ['Answered within', timeoutMs === undefined ? 'as long as its caller waits' : duration(timeoutMs)],
      ]}
    />
  );
}

function Log({ state: { log, figures } }: { readonly state: EndpointState }): JSX.Element {
  const { sample = 0, mask = [], drop = [], maxMib = usual.maxMib, whenFull = 'refuse', events } = log ?? {};
  const spool = figures?.spool;
  const full = whenFull === 'refuse' ? 'then requests are refused' : 'then the oldest go unread, and are counted';
  return (
    <Facts
      facts={[
        [
          'Logged',
          sample === 1 ? 'every request' : sample === 0 ? 'nothing: versions are only tested here' : `${percent(sample)} of the requests`,
        ],
        ['Masked', mask.length === 0 ? 'no column' : mask.join(', ')],
        ['Left out', drop.length === 0 ? 'no column' : drop.join(', ')],
        ['On the disk', `${bytes(maxMib * 2 ** 20)} until it is fetched, ${full}`],
        spool === undefined
          ? undefined
          : ['There now', `${bytes(spool.diskBytes)} of ${counted(spool.frames, 'request')} since it started`],
        spool === undefined || spool.dropped.requests + spool.failures === 0
          ? undefined
          : [
              'Lost',
              <State tone="bad">{`${counted(spool.dropped.requests, 'request')} removed unread, ${number(spool.failures, 0)} could not be written`}</State>,
            ],
        events === undefined ? undefined : ['Also told to', <code>{events.url}</code>],
      ]}
    />
  );
}

const refusals: readonly (readonly [reason: keyof RefusalFigures, status: number, why: string])[] = [
  ['rate', 429, 'its token asked too often'],
  ['queue', 429, 'too many waited for the model'],
  ['concurrency', 503, 'too many at the same time'],
  ['log', 503, 'it could not be logged, and must be'],
  ['deadline', 504, 'not answered in time'],
];

function Refused({ refused }: { readonly refused: RefusalFigures }): JSX.Element {
  return (
    <Table
      name="refused"
      caption="Refused or late since the data plane started"
      rows={refusals}
      rowKey={([reason]) => reason}
      filterable={false}
      columns={[
        { key: 'status', head: 'Status', value: ([, status]) => status },
        { key: 'why', head: 'Refused or late since the data plane started', value: ([, , why]) => why },
        {
          key: 'requests',
          head: 'Requests',
          number: true,
          value: ([reason]) => refused[reason],
          cell: ([reason]) => (refused[reason] === 0 ? '0' : <State tone="warn">{number(refused[reason], 0)}</State>),
        },
      ]}
    />
  );
}
