import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ApiError } from '../lib/api.ts';
import type { Resource } from '../lib/resource.ts';

export interface Crumb {
  readonly text: string;
  readonly href: string;
}

export interface PageProps {
  readonly title: string;
  /** What kind of record this is; shown above the title. */
  readonly kind?: string;
  /** By lineage: what this was made from, the oldest first. */
  readonly crumbs?: readonly Crumb[];
  /** One line of truth: state in words, the number that matters, who and when. */
  readonly truth?: ComponentChildren;
  /** What can be done now. */
  readonly actions?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** The frame of every page: breadcrumbs, heading, line of truth, actions, then the evidence. */
export function Page({ title, kind, crumbs = [], truth, actions, children }: PageProps): JSX.Element {
  useEffect(() => {
    document.title = `${title} · Gyre`;
  }, [title]);
  return (
    <div class="page">
      {crumbs.length > 0 && (
        <nav class="crumbs" aria-label="Lineage">
          <ol>
            {crumbs.map(({ text, href }) => (
              <li key={href}>
                <a href={href}>{text}</a>
              </li>
            ))}
          </ol>
        </nav>
      )}
      <header class="page-head">
        <h1 tabIndex={-1}>
          {kind !== undefined && <span class="kind">{kind} </span>}
          {title}
        </h1>
        {truth !== undefined && <div class="truth">{truth}</div>}
        {actions !== undefined && <div class="actions">{actions}</div>}
      </header>
      {children}
    </div>
  );
}

export interface CardProps {
  readonly title: string;
  /** What the card says, in a sentence. */
  readonly says?: ComponentChildren;
  readonly wide?: boolean;
  readonly aside?: ComponentChildren;
  readonly id?: string;
  readonly children: ComponentChildren;
}

/** One piece of evidence. */
export function Card({ title, says, wide = false, aside, id, children }: CardProps): JSX.Element {
  return (
    <section class={wide ? 'card wide' : 'card'} aria-label={title} id={id}>
      <header class="card-head">
        <h2>{title}</h2>
        {aside !== undefined && <div class="card-aside">{aside}</div>}
      </header>
      {says !== undefined && <p class="says">{says}</p>}
      {children}
    </section>
  );
}

/** A page's place while its content is on its way: nothing at first, its shape after 200 ms. */
export function Skeleton(): JSX.Element | null {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), 200);
    return () => clearTimeout(timer);
  }, []);
  if (!shown) return null;
  return (
    <div class="skeleton" role="status" aria-label="Loading">
      <i />
      <i />
      <i />
      <i />
    </div>
  );
}

/** What failed, what to do, and the request's id for whoever is asked for help. */
export function Failure({
  error,
  retry,
  what,
}: {
  readonly error: ApiError;
  readonly retry: () => void;
  readonly what: string;
}): JSX.Element {
  const advice =
    error.status === 404
      ? 'It may have been erased, or the address has a slip: go back, or search with Ctrl-K.'
      : error.status === 403
        ? 'Ask someone who has the role, or sign in as another identity.'
        : 'Nothing was changed. Try again; if it fails again, the request id leads to the server’s log.';
  return (
    <div class="failure" role="alert">
      <p>
        <b>{what} could not be loaded.</b> {error.message}
      </p>
      <p class="quiet">{advice}</p>
      <p>
        <button type="button" onClick={retry}>
          Try again
        </button>
        {error.requestId !== undefined && (
          <span class="quiet">
            request <code>{error.requestId}</code>
          </span>
        )}
      </p>
    </div>
  );
}

export interface LoadProps<T> {
  readonly of: Resource<T>;
  /** What is loaded, for the sentence that says that it failed. */
  readonly what: string;
  readonly children: (data: T) => ComponentChildren;
}

/** Shows what is known of a resource: its data, its shape while it comes, or what went wrong (data known before stay). */
export function Load<T>({ of, what, children }: LoadProps<T>): JSX.Element {
  if (of.data === undefined) {
    if (of.error === undefined) return <Skeleton />;
    return <Failure error={of.error} retry={of.reload} what={what} />;
  }
  return (
    <>
      {of.error !== undefined && <Failure error={of.error} retry={of.reload} what={`Newer data of ${what}`} />}
      {children(of.data)}
    </>
  );
}

/** What belongs here while there is nothing, and how the first one is made. */
export function Empty({ title, children }: { readonly title: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      <div>{children}</div>
    </div>
  );
}

/** Names and values, one under the other. */
export function Facts({ facts }: { readonly facts: readonly (readonly [string, ComponentChildren] | undefined)[] }): JSX.Element {
  return (
    <dl class="facts">
      {facts.flatMap((fact) =>
        fact === undefined
          ? []
          : [
              <div key={fact[0]}>
                <dt>{fact[0]}</dt>
                <dd>{fact[1]}</dd>
              </div>,
            ],
      )}
    </dl>
  );
}

/** The record as the API answers it: the last of the evidence. */
export function RawJson({ value, open = false }: { readonly value: unknown; readonly open?: boolean }): JSX.Element {
  const [shown, setShown] = useState(open);
  return (
    <details class="raw" open={shown} onToggle={(event) => setShown(event.currentTarget.open)}>
      <summary>As JSON</summary>
      {shown && (
        <pre tabIndex={0}>
          <code>{JSON.stringify(value, null, 2)}</code>
        </pre>
      )}
    </details>
  );
}

/** Where a record came from and where it went, in one strip. */
export function LineageStrip({
  steps,
}: {
  readonly steps: readonly ({ readonly what: string; readonly text: ComponentChildren; readonly here?: boolean } | undefined)[];
}): JSX.Element {
  return (
    <nav class="lineage" aria-label="Where from, where to">
      <ol>
        {steps.flatMap((step) =>
          step === undefined
            ? []
            : [
                <li key={step.what} class={step.here === true ? 'here' : undefined} aria-current={step.here === true ? 'true' : undefined}>
                  <span class="quiet">{step.what}</span>
                  <span>{step.text}</span>
                </li>,
              ],
        )}
      </ol>
    </nav>
  );
}
