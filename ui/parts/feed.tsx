import type { JSX } from 'preact';
import type { GyreEvent } from '#contract';
import { parts as loopParts, wordsOf } from '../lib/event-words.ts';
import { kindOf } from '../lib/live.ts';
import type { Page } from '../lib/resource.ts';
import { useResource } from '../lib/resource.ts';
import { queryValue, setQuery } from '../lib/router.ts';
import { Empty, Load } from './page.tsx';
import { StateShape } from './state.tsx';
import { When } from './values.tsx';

/** Steps, batches and windows come by the dozen: they show when asked for. */
const minor = /^(step_run\.|run\.|predictions\.|labels\.|window\.|transform\.|study\.created|project\.loaded|session\.|token\.)/;

/** What happened, newest first, each with the page of its evidence. */
export function Feed(): JSX.Element {
  const events = useResource<Page<GyreEvent>>('events?first=newest&limit=200', ['']);
  const part = queryValue('feed');
  const all = queryValue('feed.all') === '1';
  return (
    <section class="card wide" aria-label="What happened">
      <header class="card-head">
        <h2>What happened</h2>
        <div class="card-aside chips" role="group" aria-label="Show">
          {[undefined, ...loopParts].map((choice) => (
            <button
              key={choice ?? 'all'}
              type="button"
              class="chip"
              aria-pressed={part === choice}
              onClick={() => setQuery({ feed: choice })}
            >
              {choice ?? 'everything'}
            </button>
          ))}
          <button type="button" class="chip" aria-pressed={all} onClick={() => setQuery({ 'feed.all': all ? undefined : '1' })}>
            in detail
          </button>
        </div>
      </header>
      <Load of={events} what="What happened">
        {({ items }) => {
          const shown = items
            .map((event) => ({ event, said: wordsOf(event) }))
            .filter(({ event, said }) => (part === undefined || said.part === part) && (all || !minor.test(kindOf(event.type))))
            .slice(0, 60);
          if (shown.length === 0)
            return <Empty title="Nothing happened yet.">Every change leaves a line here, with the record that shows it.</Empty>;
          return (
            <ol class="feed" tabIndex={0} aria-label="Events, newest first">
              {shown.map(({ event, said }) => (
                <li key={event.position} class={said.tone === undefined ? undefined : `tone-${said.tone}`}>
                  <span class="feed-when">
                    <When at={event.time} />
                  </span>
                  <span class="feed-shape">{said.tone === undefined ? <i class="tick-mark" /> : <StateShape tone={said.tone} />}</span>
                  <span class="feed-text">
                    {said.href === undefined ? said.text : <a href={said.href}>{said.text}</a>}
                    {event.reason !== undefined && event.reason !== '' && !said.text.toLowerCase().includes(event.reason.toLowerCase()) && (
                      <span class="quiet"> — {event.reason}</span>
                    )}
                  </span>
                </li>
              ))}
            </ol>
          );
        }}
      </Load>
    </section>
  );
}
