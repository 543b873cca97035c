import type { JSX } from 'preact';
import type { Overview } from '#contract';
import { path } from '../lib/router.ts';
import { may } from '../lib/session.ts';

type Waiting = Overview['waiting'][number];

interface Place {
  readonly text: string;
  readonly href: string;
  /** Further beginnings of addresses that belong to this place. */
  readonly also?: readonly string[];
  readonly waits?: readonly Waiting['what'][];
}

/** In the order of the loop. */
export const groups: readonly { readonly name: string; readonly places: readonly Place[] }[] = [
  {
    name: '',
    places: [
      { text: 'Loop', href: '/' },
      { text: 'Charter', href: '/charter' },
    ],
  },
  {
    name: 'Build',
    places: [
      { text: 'Data', href: '/data', also: ['/datasets', '/splits', '/transforms'] },
      { text: 'Sources', href: '/sources' },
      { text: 'Storage', href: '/storage' },
      { text: 'Workspace', href: '/workspace' },
      { text: 'Pipelines', href: '/pipelines' },
      { text: 'Commits', href: '/ci' },
      { text: 'Experiments', href: '/experiments', also: ['/runs', '/studies', '/views'] },
      { text: 'Reports', href: '/reports' },
      { text: 'Imports', href: '/imports' },
      { text: 'Models', href: '/models', also: ['/versions', '/test-reports'] },
      { text: 'Logged models', href: '/logged-models' },
    ],
  },
  {
    name: 'Deploy',
    places: [
      { text: 'Waiting for you', href: '/waiting' },
      { text: 'Certification', href: '/certification', waits: ['application_tests', 'certification'] },
      { text: 'Releases', href: '/releases', also: ['/rollouts'], waits: ['approval', 'release'] },
      { text: 'Policies', href: '/policies' },
      { text: 'Endpoints', href: '/endpoints' },
      { text: 'Environments', href: '/environments' },
      { text: 'Delivery', href: '/delivery' },
      { text: 'Video', href: '/video' },
      { text: 'Batch predictions', href: '/batch' },
      { text: 'Stream predictions', href: '/stream-predictions' },
    ],
  },
  {
    name: 'Monitor',
    places: [
      { text: 'Health', href: '/monitor', waits: ['labels'] },
      { text: 'Alerts', href: '/alerts', waits: ['alert'] },
      { text: 'Predictions', href: '/predictions' },
    ],
  },
  {
    name: 'Govern',
    places: [
      { text: 'Audit', href: '/audit', also: ['/trace'] },
      { text: 'Webhooks', href: '/webhooks' },
      { text: 'Access', href: '/access' },
    ],
  },
];

function isHere(place: Place, here: string): boolean {
  return here === place.href || [place.href, ...(place.also ?? [])].some((start) => start !== '/' && here.startsWith(`${start}/`));
}

/** Whether something waits for this person: their permission fits what it needs. */
export function isMine(
  { what }: Pick<Waiting, 'what'>,
  allowed: (permission: 'deploy' | 'certify' | 'approve' | 'release' | 'log' | 'operate') => boolean,
): boolean {
  const needed = {
    application_tests: 'deploy',
    certification: 'certify',
    approval: 'approve',
    release: 'release',
    labels: 'log',
    alert: 'operate',
  } as const;
  return allowed(needed[what]);
}

/** The pages, in the order of the loop, with what waits for this person. */
export function Rail({ waiting }: { readonly waiting: readonly Waiting[] }): JSX.Element {
  const here = path.value;
  return (
    <nav class="rail" id="rail" aria-label="Pages">
      <div class="rail-inner">
        {groups.map(({ name, places }) => (
          <div key={name} class="rail-group">
            {name !== '' && <div class="rail-name">{name}</div>}
            <ul>
              {places.map((place) => {
                const count = waiting.filter((item) => place.waits?.includes(item.what) === true && isMine(item, may)).length;
                return (
                  <li key={place.href}>
                    <a href={place.href} aria-current={isHere(place, here) ? 'page' : undefined}>
                      {place.text}
                      {count > 0 && (
                        <span class="count">
                          {count}
                          <span class="visually-hidden"> waiting for you</span>
                        </span>
                      )}
                    </a>
                  </li>
                );
              })}
            </ul>
          </div>
        ))}
        <p class="rail-foot quiet">
          <a href="/api/docs">API</a>
        </p>
      </div>
    </nav>
  );
}
