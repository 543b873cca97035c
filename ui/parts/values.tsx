import { signal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Actor, Interval } from '#contract';
import { absoluteTime, measured, relativeTime, shortDigest, shortId } from '../lib/format.ts';
import { directionMark, metricLabel } from '../lib/metrics.ts';
import { type RecordKind, recordPath } from '../lib/records.ts';

const now = signal(0);
let ticking: ReturnType<typeof setInterval> | undefined;
let watchers = 0;

/** The time of this computer, brought up to date every 20 s while something shows it. */
function useNow(): number {
  useEffect(() => {
    watchers += 1;
    now.value = Date.now();
    ticking ??= setInterval(() => {
      now.value = Date.now();
    }, 20_000);
    return () => {
      watchers -= 1;
      if (watchers > 0) return;
      clearInterval(ticking);
      ticking = undefined;
    };
  }, []);
  return now.value === 0 ? Date.now() : now.value;
}

/** How long ago, with the instant on hover. */
export function When({ at, absolute = false }: { readonly at: string | undefined; readonly absolute?: boolean }): JSX.Element {
  const time = useNow();
  if (at === undefined) return <span class="quiet">—</span>;
  return (
    <time dateTime={at} title={absoluteTime(at)}>
      {absolute ? absoluteTime(at) : relativeTime(at, time)}
    </time>
  );
}

/** A person or machine, by name; one that a program plays says so. */
export function Who({ actor }: { readonly actor: Actor | undefined }): JSX.Element {
  if (actor === undefined) return <span class="quiet">—</span>;
  return (
    <span class="who">
      <a href={recordPath('identity', actor.identity)}>{actor.name}</a>
      {actor.simulated === true && (
        <span class="tag" title="played by a program, not by a person">
          simulated
        </span>
      )}
    </span>
  );
}

/** A button that copies a text, and says that it did. */
export function Copy({ text, what }: { readonly text: string; readonly what: string }): JSX.Element {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <button
      type="button"
      class="copy"
      title={`Copy ${what}`}
      aria-label={copied ? `${what} copied` : `Copy ${what}`}
      onClick={() => void copy()}
    >
      <svg viewBox="0 0 14 14" width="14" height="14" aria-hidden="true">
        {copied ? (
          <path d="M2.5 7.5 5.5 10.5l6-7" fill="none" stroke="currentColor" stroke-width="1.6" />
        ) : (
          <path d="M4.5 4.5v-3h8v8h-3M1.5 4.5h8v8h-8Z" fill="none" stroke="currentColor" stroke-width="1.2" />
        )}
      </svg>
    </button>
  );
}

/** A SHA-256, short, with a link to its record where there is one, and the whole of it to copy. */
export function DigestText({ digest, href }: { readonly digest: string; readonly href?: string | undefined }): JSX.Element {
  const text = <code title={digest}>{shortDigest(digest)}</code>;
  return (
    <span class="copyable">
      {href === undefined ? text : <a href={href}>{text}</a>}
      <Copy text={digest} what="digest" />
    </span>
  );
}

/** A record by its id. */
export function RecordRef(props: { readonly kind: RecordKind; readonly id: string; readonly children?: ComponentChildren }): JSX.Element {
  return (
    <span class="copyable">
      <a href={recordPath(props.kind, props.id)} title={props.id}>
        {props.children ?? <code>{/^[0-9a-f]{64}$/.test(props.id) ? shortDigest(props.id) : shortId(props.id)}</code>}
      </a>
      <Copy text={props.id} what="id" />
    </span>
  );
}

/** Text that lights up shortly when it changes in place. */
export function Changing({ children }: { readonly children: string | number }): JSX.Element {
  const before = useRef(children);
  const [changes, setChanges] = useState(0);
  useEffect(() => {
    if (before.current === children) return;
    before.current = children;
    setChanges((count) => count + 1);
  }, [children]);
  return (
    <span key={changes} class={changes > 0 ? 'changed' : undefined}>
      {children}
    </span>
  );
}

export interface MetricProps {
  readonly name: string;
  readonly value: number | null | undefined;
  readonly interval?: Interval | undefined;
  readonly threshold?: string | undefined;
}

/** `ROC AUC 0.842 ± 0.010 ↑`. */
export function Metric({ name, value, interval, threshold }: MetricProps): JSX.Element {
  return (
    <span class="metric">
      <span class="metric-name">
        {metricLabel(name)}
        <span class="direction" aria-hidden="true">
          {directionMark(name)}
        </span>
      </span>{' '}
      <b>
        <Changing>{measured(value, interval)}</Changing>
      </b>
      {threshold !== undefined && <span class="quiet"> wanted {threshold.replace('>=', '≥').replace('<=', '≤')}</span>}
    </span>
  );
}

/** A command to type, with a button that copies it. */
export function Command({ children }: { readonly children: string }): JSX.Element {
  return (
    <span class="command">
      <code>{children}</code>
      <Copy text={children} what="command" />
    </span>
  );
}
