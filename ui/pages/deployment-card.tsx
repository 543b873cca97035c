import type { JSX } from 'preact';
import type { Deployment } from '#contract';
import { send } from '../lib/api.ts';
import { percent, shortDigest } from '../lib/format.ts';
import { recordPath } from '../lib/records.ts';
import { versionName } from '../lib/versions.ts';
import { Action } from '../parts/action.tsx';
import { Card, Facts, LineageStrip, RawJson } from '../parts/page.tsx';
import { WordState } from '../parts/state.tsx';
import { DigestText, When, Who } from '../parts/values.tsx';
import { VersionRef } from '../parts/version-ref.tsx';
import { ChecksOf } from './machine-checks.tsx';
import { CompareWith } from './compare-release.tsx';

/** One deployment: what was put where, by whom, on whose word. */
export function DeploymentCard({ deployment }: { readonly deployment: Deployment }): JSX.Element {
  return (
    <Card title={`${deployment.environment}, generation ${deployment.generation}`} wide aside={<WordState word={deployment.state} />}>
      <LineageStrip
        steps={[
          { what: 'model version', text: <VersionRef id={deployment.modelVersion} /> },
          deployment.certification === undefined
            ? undefined
            : { what: 'certification', text: <code>{shortDigest(deployment.certification)}</code> },
          deployment.approvals.length === 0 ? undefined : { what: 'approvals', text: String(deployment.approvals.length) },
          { what: 'live in', text: deployment.environment, here: true },
        ]}
      />
      <Facts
        facts={[
          deployment.traffic === undefined
            ? undefined
            : [
                'Beside it',
                <a href={recordPath('rollout', deployment.traffic.rollout)}>
                  {deployment.traffic.beside
                    .map(({ modelVersion, weight }) => `${versionName(modelVersion)} (${percent(weight, 0)})`)
                    .join(', ')}
                </a>,
              ],
          ['Reason', deployment.reason],
          ['By', <Who actor={deployment.deployedBy} />],
          ['At', <When at={deployment.deployedAt} />],
          deployment.endedAt === undefined ? undefined : ['Until', <When at={deployment.endedAt} />],
          ['Package', <DigestText digest={deployment.package} />],
          deployment.manifest === undefined ? undefined : ['Manifest', <DigestText digest={deployment.manifest} />],
        ]}
      />
      <div class="actions">
        <CompareWith deployment={deployment.id} />
      </div>
      {deployment.manifest !== undefined && (deployment.state === 'superseded' || deployment.state === 'rolled_back') && (
        <div class="actions">
          <Action
            label="Roll back to this release"
            permission="release"
            explain={
              <p>
                {deployment.environment} goes back to {versionName(deployment.modelVersion)}, on the sign-offs of this release. No request
                is dropped; the version that goes stays registered.
              </p>
            }
            statement={{ label: 'Reason', hint: 'What is wrong with what is live? It is kept with the deployment.' }}
            confirmWord={deployment.environment}
            act={(reason) =>
              send('POST', `environments/${encodeURIComponent(deployment.environment)}/rollback`, {
                reason,
                generation: deployment.generation,
              })
            }
          />
        </div>
      )}
      <ChecksOf deployment={deployment} />
      <RawJson value={deployment} />
    </Card>
  );
}
