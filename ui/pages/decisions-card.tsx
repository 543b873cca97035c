import type { JSX } from 'preact';
import type { Decision, ModelVersion } from '#contract';
import { send } from '../lib/api.ts';
import { shortDigest } from '../lib/format.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { Action } from '../parts/action.tsx';
import { Card } from '../parts/page.tsx';
import { State, WordState } from '../parts/state.tsx';
import { RecordRef, When, Who } from '../parts/values.tsx';
import { releaseKinds } from './release-actions.tsx';

/** Who certified, approved, refused or revoked a version. */
export function useDecisions(version: ModelVersion): readonly Decision[] | undefined {
  const of = `decisions?limit=1000&modelVersion=${encodeURIComponent(version.id)}`;
  return useResource<PageOf<Decision>>(version.package === undefined ? undefined : of, releaseKinds).data?.items;
}

export function DecisionsCard({ decisions }: { readonly decisions: readonly Decision[] }): JSX.Element {
  return (
    <Card title="Decisions" wide says="Each is signed with the key of this installation, over who, when, what package and what was said.">
      {decisions.length === 0 && (
        <p class="quiet">
          Nobody has certified or approved this version. A QA expert certifies the report of its application tests; then an approver,
          another person, approves it.
        </p>
      )}
      <ul class="sign-offs">
        {decisions.map((decision) => (
          <li key={decision.id}>
            <WordState word={decision.verdict} />
            {decision.environment !== undefined && ` for ${decision.environment}`} by <Who actor={decision.by} /> <When at={decision.at} />
            {decision.report !== undefined && (
              <>
                , on the{' '}
                <RecordRef kind="application_test" id={decision.report}>
                  report of application tests
                </RecordRef>
              </>
            )}
            ; <SignatureState decision={decision} />
            <blockquote>{decision.statement}</blockquote>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function SignatureState({ decision: { signature, invalid } }: { readonly decision: Decision }): JSX.Element {
  if (signature === 'valid') return <State tone="good">signature valid</State>;
  if (signature === 'invalid') return <State tone="bad">not accepted: {invalid}</State>;
  return <State tone="off">made before decisions were signed</State>;
}

/** The button that takes a version out for good. */
export function Revoke({
  version,
  decisions,
}: {
  readonly version: ModelVersion;
  readonly decisions: readonly Decision[] | undefined;
}): JSX.Element | null {
  if (version.package === undefined || decisions === undefined) return null;
  const isRevoked = decisions.some(({ kind }) => kind === 'revocation');
  const name = `${version.model} version ${version.version}`;
  return (
    <Action
      label="Revoke"
      permission="revoke"
      missing={isRevoked ? ['it is revoked already'] : []}
      explain={
        <p>
          {name}, package <code>{shortDigest(version.package)}</code>, is taken out for good: no environment accepts it any more, no
          rollback comes to it, and where it is live the version before comes back. It cannot be undone.
        </p>
      }
      statement={{ label: 'Reason', hint: 'What is wrong with it? It is kept and signed.' }}
      confirmWord={version.model}
      act={(reason) => send('POST', 'revocations', { modelVersion: version.id, reason })}
    />
  );
}
