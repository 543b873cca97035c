/** How a relay stands, as `gyre relay status` and its page tell it. */
export interface RelayStatus {
  /** The server's address. */
  readonly to: string;
  /** `refuses`: it is there but does not accept the token. */
  readonly server: 'unknown' | 'up' | 'away' | 'refuses';
  /** Since when the server is so, UTC milliseconds. */
  readonly since: number;
  /** Requests that were acknowledged and that the server does not have yet. */
  readonly waiting: number;
  /** When the oldest of them was taken, UTC milliseconds. */
  readonly oldestAt?: number;
  /** Size of journal and spool. */
  readonly bytes: number;
  readonly limitBytes: number;
  /** Requests that were kept and then delivered, over the journal's life. */
  readonly delivered: number;
  /** Requests that the server refused for good; they lie in `refused/` of the journal's folder. */
  readonly refused: number;
  /** Bytes of the journal that the disk damaged; they lie beside it. */
  readonly damagedBytes: number;
  readonly trouble?: string;
}

const servers: Readonly<Record<RelayStatus['server'], string>> = {
  unknown: 'not asked yet',
  up: 'answers',
  away: 'is away',
  refuses: 'does not accept the token',
};

/** The status as names and values for people. @param now UTC milliseconds */
export function statusPairs(status: RelayStatus, now: number): readonly (readonly [string, string])[] {
  return [
    ['server', `${status.to} ${servers[status.server]}, for ${duration(now - status.since)}`],
    ['waiting', `${status.waiting}${status.oldestAt === undefined ? '' : `, the oldest for ${duration(now - status.oldestAt)}`}`],
    ['kept', `${megabytes(status.bytes)} of ${megabytes(status.limitBytes)}`],
    ['delivered', String(status.delivered)],
    ['refused', status.refused === 0 ? '0' : `${status.refused}, in refused/ of the journal's folder`],
    ...(status.damagedBytes === 0 ? [] : [['damaged', `${status.damagedBytes} bytes of the journal, kept beside it`] as const]),
    ...(status.trouble === undefined ? [] : [['trouble', status.trouble] as const]),
  ];
}

/** The status as a page without scripts. @param now UTC milliseconds */
export function statusPage(status: RelayStatus, now: number): string {
  const rows = statusPairs(status, now).map(([name, value]) => `<tr><th scope="row">${escaped(name)}</th><td>${escaped(value)}</td></tr>`);
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5"><title>Gyre relay</title>
<meta name="color-scheme" content="light dark"><style>body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:48rem;padding:0 1rem}
th{text-align:left;padding-right:2rem;vertical-align:top;font-weight:600}td{overflow-wrap:anywhere}</style></head>
<body><main><h1>Gyre relay</h1><table>${rows.join('')}</table></main></body></html>`;
}

function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 2 : 0)} MB`;
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
