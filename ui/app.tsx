import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { GyreEvent } from '#contract';
import { get } from './lib/api.ts';
import { followEvents } from './lib/live.ts';
import type { Page } from './lib/resource.ts';
import { followLinks } from './lib/router.ts';
import { askWhoAmI, session } from './lib/session.ts';
import { applyAppearance } from './lib/theme.ts';
import { followVersions } from './lib/versions.ts';
import { Frame } from './frame/frame.tsx';
import { SignIn } from './pages/sign-in.tsx';
import { Failure, Skeleton } from './parts/page.tsx';

/** Everything: who is there, the frame, the page of the address. */
export function App(): JSX.Element {
  useEffect(() => {
    const stops = [applyAppearance(), followLinks()];
    void askWhoAmI();
    return () => stops.forEach((stop) => stop());
  }, []);
  const known = session.value;
  switch (known.state) {
    case 'asking':
      return <Skeleton />;
    case 'unknown':
      return <SignIn />;
    case 'failed':
      return (
        <main class="sign-in">
          <h1>Gyre</h1>
          <Failure error={known.error} retry={() => void askWhoAmI()} what="Who you are" />
        </main>
      );
    case 'known':
      return <Inside key={known.who.identity.id} />;
  }
}

/** What is followed while somebody is signed in. */
function Inside(): JSX.Element {
  useEffect(() => {
    const stops = [followEvents(newestPosition), followVersions()];
    return () => stops.forEach((stop) => stop());
  }, []);
  return <Frame />;
}

/** Where the stream is now: read before the first page asks, so that nothing between falls through. */
async function newestPosition(): Promise<number | undefined> {
  const { items } = await get<Page<GyreEvent>>('events?first=newest&limit=1');
  return items[0]?.position;
}
