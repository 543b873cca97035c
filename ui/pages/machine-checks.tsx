import type { JSX } from 'preact';
import type { Deployment } from '#contract';
import { State } from '../parts/state.tsx';

/** What was found of the platform’s own machine before a version came to it. */
export function ChecksOf({ deployment }: { readonly deployment: Deployment | undefined }): JSX.Element | null {
  const checks = deployment?.checks ?? [];
  if (checks.length === 0) return null;
  return (
    <details>
      <summary>{`Its machine was looked at before: ${checks.filter(({ passed }) => passed).length} of ${checks.length} checks passed`}</summary>
      <ul>
        {checks.map(({ name, passed, observed, wanted }) => (
          <li key={name}>
            <State tone={passed ? 'good' : 'bad'}>{`${name}: ${String(observed)}; asked: ${wanted}`}</State>
          </li>
        ))}
      </ul>
    </details>
  );
}
