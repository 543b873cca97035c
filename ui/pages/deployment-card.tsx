import type { JSX } from 'preact';
import type { Deployment } from '#contract';
import { shortDigest } from '../lib/format.ts';
import { Card, Facts, LineageStrip, RawJson } from '../parts/page.tsx';
import { WordState } from '../parts/state.tsx';
import { DigestText, When, Who } from '../parts/values.tsx';
import { VersionRef } from '../parts/version-ref.tsx';

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
          ['Reason', deployment.reason],
          ['By', <Who actor={deployment.deployedBy} />],
          ['At', <When at={deployment.deployedAt} />],
          deployment.endedAt === undefined ? undefined : ['Until', <When at={deployment.endedAt} />],
          ['Package', <DigestText digest={deployment.package} />],
          deployment.manifest === undefined ? undefined : ['Manifest', <DigestText digest={deployment.manifest} />],
        ]}
      />
      <RawJson value={deployment} />
    </Card>
  );
}
