import type { JSX } from 'preact';
import { useId, useState } from 'preact/hooks';
import type { EnvironmentState, ModelVersion, PolicyEvidence } from '#contract';
import { ApiError, apiUrl, send } from '../lib/api.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { who } from '../lib/session.ts';
import { Action } from '../parts/action.tsx';
import { Card } from '../parts/page.tsx';
import { State } from '../parts/state.tsx';
import { When, Who } from '../parts/values.tsx';
import { itemWords } from './policies.tsx';
import { releaseKinds } from './release-actions.tsx';

type Item = PolicyEvidence['items'][number];

/** For each environment: what its policy asks for, and what of it is there. */
export function PolicyEvidenceCards({ version }: { readonly version: ModelVersion }): JSX.Element {
  const environments = useResource<PageOf<EnvironmentState>>('environments', releaseKinds);
  return (
    <>
      {environments.data?.items.map(({ name }) => (
        <EvidenceCard key={name} version={version} environment={name} />
      ))}
    </>
  );
}

function EvidenceCard({ version, environment }: { readonly version: ModelVersion; readonly environment: string }): JSX.Element | null {
  const evidence = useResource<PolicyEvidence>(
    `policy-evidence?modelVersion=${encodeURIComponent(version.id)}&environment=${encodeURIComponent(environment)}`,
    releaseKinds,
  ).data;
  if (evidence === undefined || evidence.items.length === 0) return null;
  const { name, version: number } = evidence.policy;
  const missing = evidence.items.filter(({ met }) => !met).length;
  return (
    <Card
      title={`Evidence for ${environment}`}
      wide
      says={
        <>
          <a href={`/policies?policy=${encodeURIComponent(`${name}/${number}`)}`}>
            Policy {name}/{number}
          </a>{' '}
          asks for it; {missing === 0 ? 'all of it is there' : `${missing} of ${evidence.items.length} are missing`}.
        </>
      }
    >
      <ul class="sign-offs">
        {evidence.items.map((one) => (
          <li key={one.item.id}>
            <State tone={one.met ? 'good' : 'waiting'}>{one.met ? 'there' : 'missing'}</State> {one.stage}: <b>{itemWords(one.item)}</b>
            <Given item={one} version={version} />
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Given({
  item: { item, lack, attestation },
  version,
}: {
  readonly item: Item;
  readonly version: ModelVersion;
}): JSX.Element | null {
  if (attestation !== undefined) {
    const { attestedBy, attestedAt, role, statement, document } = attestation;
    return (
      <>
        , by <Who actor={attestedBy} />, {role}, <When at={attestedAt} />
        {statement !== undefined && <blockquote>{statement}</blockquote>}
        {document !== undefined && (
          <>
            {': '}
            <a href={apiUrl(`attestations/${attestation.id}/document`)} download={document.name}>
              {document.name}
            </a>
          </>
        )}
      </>
    );
  }
  if ('check' in item) return lack === undefined ? null : <p class="quiet">{lack}</p>;
  const roles = who.value?.identity.roles ?? [];
  const missing = roles.includes(item.by) ? [] : [`it is asked of the role ${item.by}`];
  if ('document' in item) return <Upload item={item.id} version={version} missing={missing} />;
  return (
    <div class="actions">
      <Action
        label={`Answer ${item.id}`}
        permission="read"
        missing={missing}
        explain={<p>{item.statement}</p>}
        statement={{ label: 'Answer', hint: 'It is kept, and signed in your name.' }}
        act={(statement) => send('POST', 'attestations', { modelVersion: version.id, item: item.id, statement })}
      />
    </div>
  );
}

function Upload({
  item,
  version,
  missing,
}: {
  readonly item: string;
  readonly version: ModelVersion;
  readonly missing: readonly string[];
}): JSX.Element {
  const [failure, setFailure] = useState<string | undefined>(undefined);
  const id = useId();
  const upload = async (file: File): Promise<void> => {
    setFailure(undefined);
    try {
      const content = await base64Of(file);
      const mediaType = file.type === '' ? 'application/octet-stream' : file.type;
      await send('POST', 'attestations/documents', { modelVersion: version.id, item, name: file.name, mediaType, content });
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      setFailure(cause.message);
    }
  };
  return (
    <p>
      <label for={id}>Upload {item}</label>{' '}
      <input
        id={id}
        type="file"
        disabled={missing.length > 0}
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          if (file !== undefined) void upload(file);
        }}
      />
      {missing.map((reason) => (
        <span key={reason} class="quiet">
          {' '}
          {reason}
        </span>
      ))}
      {failure !== undefined && (
        <span class="failure" role="alert">
          {failure}
        </span>
      )}
    </p>
  );
}

async function base64Of(file: File): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = '';
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}
