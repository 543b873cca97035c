import type { EndpointState, RefusalFigures } from '#contract';
import type { Cli } from '../cli.ts';

/** Where neither manifest nor data plane says otherwise. */
const usual = { maxQueued: 4096, maxMib: 2048 };

/** What an endpoint lets through and logs, as its manifest says. */
export function showPolicy(cli: Cli, { limits, log, execution, pending = [], figures }: EndpointState): void {
  if (limits === undefined || log === undefined) return;
  const { maxConcurrent, rate, maxBodyBytes, maxRows, timeoutMs } = limits;
  const { sample, mask = [], drop = [], maxMib = usual.maxMib, whenFull = 'refuse', events } = log;
  const spool = figures?.spool;
  const facts = [
    ['at the same time', maxConcurrent === undefined ? 'as many as come' : `${maxConcurrent} requests`],
    [
      'of one token',
      rate === undefined
        ? 'as many as it sends'
        : `${rate.perSecond} a second, ${rate.burst ?? Math.max(1, Math.ceil(rate.perSecond))} at once`,
    ],
    ['waiting for a model', `${execution?.maxQueued ?? usual.maxQueued} requests`],
    ['in one request', `${mib(maxBodyBytes)}, ${maxRows} rows`],
    ['answered within', timeoutMs === undefined ? 'as long as its caller waits' : `${timeoutMs} ms`],
    ['logged', sample === 1 ? 'every request' : sample === 0 ? 'nothing' : `${(100 * sample).toPrecision(3)} % of the requests`],
    ['masked', mask.length === 0 ? 'no column' : mask.join(', ')],
    ['left out', drop.length === 0 ? 'no column' : drop.join(', ')],
    [
      'log on the disk',
      `${maxMib} MiB until it is fetched, then ${whenFull === 'refuse' ? 'requests are refused' : 'the oldest go unread'}`,
    ],
    ...(spool === undefined ? [] : [['there now', `${mib(spool.diskBytes)} of ${spool.frames} requests since it started`]]),
    ...(spool === undefined || spool.dropped.requests + spool.failures === 0
      ? []
      : [['lost', `${spool.dropped.requests} removed unread, ${spool.failures} could not be written`]]),
    ...(events === undefined ? [] : [['also told to', events.url]]),
  ];
  cli.output.table(facts, [
    { title: 'LIMITS AND LOG', of: ([name]) => name },
    { title: 'AS SERVE IN GYRE.YAML SAID', of: ([, text]) => text },
  ]);
  if (pending.length > 0) cli.output.line(`gyre.yaml says otherwise by now (${pending.join(', ')}): it comes with the next release`);
}

const refusals: readonly (readonly [reason: keyof RefusalFigures, status: number, why: string])[] = [
  ['rate', 429, 'its token asked too often'],
  ['queue', 429, 'too many waited for the model'],
  ['concurrency', 503, 'too many at the same time'],
  ['log', 503, 'it could not be logged, and must be'],
  ['deadline', 504, 'not answered in time'],
];

/** How often a data plane said no since it started, and why. */
export function showRefused(cli: Cli, refused: RefusalFigures): void {
  const some = refusals.filter(([reason]) => refused[reason] > 0);
  if (some.length === 0) return cli.output.line('refused or late since it started: none');
  cli.output.line('refused or late since it started:');
  cli.output.table(some, [
    { title: 'STATUS', of: ([, status]) => status },
    { title: 'WHY', of: ([, , why]) => why },
    { title: 'REQUESTS', of: ([reason]) => refused[reason], align: 'right' },
  ]);
}

function mib(bytes: number): string {
  return `${(bytes / 2 ** 20).toPrecision(3)} MiB`;
}
