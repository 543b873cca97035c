import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Overview } from '#contract';
import { connection } from '../lib/live.ts';
import { useResource } from '../lib/resource.ts';
import { matchRoute } from '../lib/route-table.ts';
import { navigate, path } from '../lib/router.ts';
import { NoSuchPage, routes } from '../pages/routes.tsx';
import { KeyHelp } from './key-help.tsx';
import { Rail } from './rail.tsx';
import { Search } from './search.tsx';
import { TopBar } from './top-bar.tsx';

/** The second key after `g`. */
const places: Readonly<Record<string, string>> = {
  l: '/',
  d: '/data',
  p: '/pipelines',
  e: '/experiments',
  m: '/models',
  c: '/certification',
  r: '/releases',
  h: '/monitor',
  a: '/alerts',
  u: '/audit',
};

/** Rail, top bar and the page of the address; the keys that work everywhere. */
export function Frame(): JSX.Element {
  const [searching, setSearching] = useState(false);
  const [helping, setHelping] = useState(false);
  const [railOpen, setRailOpen] = useState(false);
  const overview = useResource<Overview>('overview', ['']);
  const here = path.value;
  useEffect(() => setRailOpen(false), [here]);
  useEffect(() => {
    let afterG = false;
    const onKeyDown = (event: KeyboardEvent): void => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        setSearching(true);
        return;
      }
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector('dialog[open]') !== null)
        return;
      const place = afterG ? places[event.key] : undefined;
      afterG = event.key === 'g';
      if (place !== undefined) navigate(place);
      else if (event.key === '/') {
        event.preventDefault();
        setSearching(true);
      } else if (event.key === '?') setHelping(true);
      else if (
        (event.key === 'j' || event.key === 'k') &&
        !(event.target instanceof Element && event.target.closest('tr[data-row]') !== null)
      ) {
        document.querySelector<HTMLElement>('main tr[data-row]')?.focus();
      }
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, []);

  const found = matchRoute(routes, here);
  return (
    <div class={railOpen ? 'frame rail-open' : 'frame'}>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <TopBar
        project={overview.data?.project}
        onSearch={() => setSearching(true)}
        onHelp={() => setHelping(true)}
        railOpen={railOpen}
        onRail={() => setRailOpen(!railOpen)}
      />
      <Rail waiting={overview.data?.waiting ?? []} />
      <main id="main" tabIndex={-1}>
        {connection.value === 'lost' && (
          <p class="lost" role="status">
            The connection to the server is lost. What you see may be old; it is brought up to date when the connection is back, which is
            tried by itself.
          </p>
        )}
        {found === undefined ? <NoSuchPage path={here} /> : found.page(found.parameters)}
      </main>
      {searching && <Search close={() => setSearching(false)} />}
      {helping && <KeyHelp close={() => setHelping(false)} />}
    </div>
  );
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
