import { computed, signal } from '@preact/signals';
import { changedQuery } from './route-table.ts';

/*
 * The address is the state of the page: path for the record, query for filters, sorting, tabs and selections.
 */
const address = signal(readAddress());
export const path = computed(() => address.value.path);
export const search = computed(() => address.value.search);

function readAddress(): { readonly path: string; readonly search: string } {
  if (typeof location === 'undefined') return { path: '/', search: '' };
  return { path: location.pathname, search: location.search };
}

/** Goes to an address of these pages. `replace`: a change of view that Back should not stop at. */
export function navigate(href: string, options: { readonly replace?: boolean } = {}): void {
  const before = location.pathname;
  if (options.replace === true) history.replaceState(null, '', href);
  else history.pushState(null, '', href);
  address.value = readAddress();
  if (location.pathname !== before) arrive();
}

/** A new page: its top, and its heading for whoever listens or walks by keyboard. */
function arrive(): void {
  window.scrollTo(0, 0);
  requestAnimationFrame(() => document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true }));
}

/** A member of the query. */
export function queryValue(name: string): string | undefined {
  return new URLSearchParams(search.value).get(name) ?? undefined;
}

/** Changes the view in the address; Back leaves the page, not each keystroke of a filter. */
export function setQuery(changes: Readonly<Record<string, string | undefined>>): void {
  navigate(`${location.pathname}${changedQuery(location.search, changes)}`, { replace: true });
}

/** Follows links of these pages without loading anew. @returns a function that stops it */
export function followLinks(): () => void {
  const onClick = (event: MouseEvent): void => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (link === null || link.target !== '' || link.hasAttribute('download')) return;
    const url = new URL(link.href, location.href);
    if (url.origin !== location.origin || url.pathname.startsWith('/api/') || url.hash !== '') return;
    event.preventDefault();
    if (url.href !== location.href) navigate(url.pathname + url.search);
  };
  const onBack = (): void => {
    address.value = readAddress();
  };
  document.addEventListener('click', onClick);
  window.addEventListener('popstate', onBack);
  return () => {
    document.removeEventListener('click', onClick);
    window.removeEventListener('popstate', onBack);
  };
}
