import type { JSX } from 'preact';
import { connection } from '../lib/live.ts';
import { signOut, who } from '../lib/session.ts';
import { densities, density, theme, themes } from '../lib/theme.ts';
import { useMentions } from '../pages/mentions.tsx';
import { StateShape } from '../parts/state.tsx';

export interface TopBarProps {
  readonly project: string | undefined;
  readonly onSearch: () => void;
  readonly onHelp: () => void;
  readonly onRail: () => void;
  readonly railOpen: boolean;
}

function next<W extends string>(words: readonly W[], word: W): W {
  return words[(words.indexOf(word) + 1) % words.length] ?? word;
}

/** Where this is, search, appearance, and who is looking. */
export function TopBar({ project, onSearch, onHelp, onRail, railOpen }: TopBarProps): JSX.Element {
  const me = who.value;
  const live = connection.value;
  return (
    <header class="top">
      <button type="button" class="plain menu" aria-label="Pages" aria-expanded={railOpen} aria-controls="rail" onClick={onRail}>
        ☰
      </button>
      <a class="brand" href="/">
        <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
          <path d="M12 3a9 9 0 1 1-8.2 5.3" fill="none" stroke="currentColor" stroke-width="2.4" />
          <path d="M2.2 10.4 4 4.6l4.6 4Z" fill="currentColor" />
        </svg>
        Gyre
      </a>
      {project !== undefined && <span class="project">{project}</span>}
      <button type="button" class="search-button" onClick={onSearch}>
        <span>Search records</span> <kbd>Ctrl K</kbd>
      </button>
      <span class="top-space" />
      <span class={`connection ${live === 'lost' ? 'tone-bad' : 'quiet'}`} role="status">
        <StateShape tone={live === 'live' ? 'good' : live === 'lost' ? 'bad' : 'waiting'} />{' '}
        <span class="top-word">{live === 'live' ? 'live' : live === 'lost' ? 'connection lost' : 'connecting'}</span>
      </span>
      <button type="button" class="plain" title="Colours: system, light or dark" onClick={() => (theme.value = next(themes, theme.value))}>
        <span aria-hidden="true">{theme.value === 'dark' ? '☾' : theme.value === 'light' ? '☀' : '◐'}</span>{' '}
        <span class="top-word">{theme.value}</span>
        <span class="visually-hidden"> colours</span>
      </button>
      <button
        type="button"
        class="plain wide-only"
        title="Density of tables"
        onClick={() => (density.value = next(densities, density.value))}
      >
        {density.value}
      </button>
      <button type="button" class="plain" aria-label="Keys" title="Keys" onClick={onHelp}>
        ?
      </button>
      {me !== undefined && (
        <span class="me">
          <MentionsLink />
          <a href="/access" title={me.permissions.join(', ')}>
            {me.identity.name}
          </a>
          {me.via === 'session' && (
            <button type="button" class="plain" onClick={() => void signOut()}>
              Sign out
            </button>
          )}
        </span>
      )}
    </header>
  );
}

/** Where the person is mentioned, with how many comments are new. */
function MentionsLink(): JSX.Element {
  const unseen = useMentions().data?.unseen ?? 0;
  return (
    <a href="/mentions" class="mentions-link" title="Mentions" aria-label={unseen === 0 ? 'Mentions' : `Mentions, ${unseen} new`}>
      @{unseen > 0 && <span class="count">{unseen}</span>}
    </a>
  );
}
