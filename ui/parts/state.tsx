import type { ComponentChildren, JSX } from 'preact';

/** How things stand; each with a shape of its own, so that colour is never the only sign. */
export type Tone = 'good' | 'warn' | 'bad' | 'waiting' | 'off';

const shapes: Readonly<Record<Tone, () => JSX.Element>> = {
  good: () => <path d="M2.5 6.5 5 9l4.5-6" fill="none" stroke="currentColor" stroke-width="1.8" />,
  warn: () => <path d="M6 1.2 11.3 10.6H.7Z" fill="currentColor" />,
  bad: () => <path d="M6 .6 11.4 6 6 11.4.6 6Z" fill="currentColor" />,
  waiting: () => (
    <g>
      <circle cx="6" cy="6" r="4.6" fill="none" stroke="currentColor" stroke-width="1.5" />
      <path d="M6 3.2V6l2 1.4" fill="none" stroke="currentColor" stroke-width="1.4" />
    </g>
  ),
  off: () => <circle cx="6" cy="6" r="4.3" fill="none" stroke="currentColor" stroke-width="1.3" stroke-dasharray="2 1.6" />,
};

export function StateShape({ tone }: { readonly tone: Tone }): JSX.Element {
  const Shape = shapes[tone];
  return (
    <svg class="state-shape" viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
      <Shape />
    </svg>
  );
}

/** A state as shape, word and colour. */
export function State({ tone, children }: { readonly tone: Tone; readonly children: ComponentChildren }): JSX.Element {
  return (
    <span class={`state tone-${tone}`}>
      <StateShape tone={tone} />
      <span>{children}</span>
    </span>
  );
}

const tones: Readonly<Record<string, Tone>> = {
  succeeded: 'good',
  passed: 'good',
  finished: 'good',
  cached: 'good',
  FINISHED: 'good',
  READY: 'good',
  whole: 'good',
  live: 'good',
  promoted: 'good',
  certified: 'good',
  approved: 'good',
  resolved: 'good',
  better: 'good',
  failed: 'bad',
  damaged: 'bad',
  FAILED: 'bad',
  refused: 'bad',
  revoked: 'bad',
  rejected: 'bad',
  open: 'bad',
  worse: 'bad',
  acknowledged: 'warn',
  rolled_back: 'warn',
  paused: 'warn',
  aborted: 'bad',
  cancelled: 'off',
  cut_off: 'off',
  KILLED: 'off',
  skipped: 'off',
  superseded: 'off',
  no_evidence: 'off',
  removed: 'off',
  running: 'waiting',
  verifying: 'waiting',
  RUNNING: 'waiting',
  SCHEDULED: 'waiting',
  PENDING: 'waiting',
  started: 'waiting',
  rolling: 'waiting',
  waiting: 'waiting',
};

/** The tone of a record's own word for its state. */
export function toneOf(word: string): Tone {
  return tones[word] ?? 'off';
}

/** A record's state by its own word. */
export function WordState({ word }: { readonly word: string }): JSX.Element {
  return <State tone={toneOf(word)}>{word.toLowerCase().replaceAll('_', ' ')}</State>;
}

/** Passed or not, by words of the place. */
export function Verdict({
  passed,
  yes = 'passed',
  no = 'failed',
}: {
  readonly passed: boolean;
  readonly yes?: string;
  readonly no?: string;
}): JSX.Element {
  return <State tone={passed ? 'good' : 'bad'}>{passed ? yes : no}</State>;
}
