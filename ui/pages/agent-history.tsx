import type { JSX } from 'preact';
import type { Agent, AgentDetail } from '#contract';
import { useResource } from '../lib/resource.ts';
import { Load } from '../parts/page.tsx';
import { State, type Tone } from '../parts/state.tsx';
import { When } from '../parts/values.tsx';

export const agentTones: Readonly<Record<Agent['state'], Tone>> = {
  'in step': 'good',
  behind: 'waiting',
  refused: 'bad',
  silent: 'warn',
  'never seen': 'off',
  revoked: 'off',
};

const shownChanges = 20;

/** How an agent's state changed, and what was found of its machine. */
export function AgentHistory({ agent: { id, name } }: { readonly agent: Agent }): JSX.Element {
  const detail = useResource<AgentDetail>(`agents/${encodeURIComponent(id)}`, ['agent.']);
  return (
    <Load of={detail} what="The agent">
      {({ changes, report }) => (
        <>
          <h4>How the state of {name} changed</h4>
          {changes.length === 0 ? (
            <p class="quiet">It has not changed since it was enrolled.</p>
          ) : (
            <ul>
              {changes.slice(0, shownChanges).map(({ at, state, why }) => (
                <li key={`${at} ${state}`}>
                  <State tone={agentTones[state]}>{state}</State> <When at={at} absolute />
                  {why !== undefined && <span class="quiet">: {why}</span>}
                </li>
              ))}
            </ul>
          )}
          {report?.checks !== undefined && (
            <>
              <h4>What was found of its machine</h4>
              <ul>
                {report.checks.map(({ name: check, passed, observed, wanted }) => (
                  <li key={check}>
                    <State tone={passed ? 'good' : 'bad'}>{`${check}: ${String(observed)}; asked: ${wanted}`}</State>
                  </li>
                ))}
              </ul>
            </>
          )}
        </>
      )}
    </Load>
  );
}
