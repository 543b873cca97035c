import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { executesCodeOnLoad } from '#contract';
import type { EnvironmentState, ModelImage, ModelVersion } from '#contract';
import { apiUrl, send } from '../lib/api.ts';
import { bytes } from '../lib/format.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { Action } from '../parts/action.tsx';
import { Card } from '../parts/page.tsx';
import { Table } from '../parts/table.tsx';
import { DigestText, When, Who } from '../parts/values.tsx';

/** Container images of a version, and the button that makes one; nothing for a version that no image can hold. */
export function ModelImagesCard({ version }: { readonly version: ModelVersion }): JSX.Element | null {
  const canHold = version.package !== undefined && version.deletedAt === undefined && !executesCodeOnLoad(version);
  const images = useResource<PageOf<ModelImage>>(
    canHold ? `model-images?model=${encodeURIComponent(version.model)}&limit=1000` : undefined,
    ['model_image.'],
  );
  const environments = useResource<PageOf<EnvironmentState>>(canHold ? 'environments' : undefined, ['deployment.']);
  const [push, setPush] = useState('');
  const [environment, setEnvironment] = useState('');
  if (!canHold) return null;
  const made = images.data?.items.filter(({ modelVersion }) => modelVersion === version.id) ?? [];
  return (
    <Card
      title="Images"
      wide
      says="A container image holds the version with the data plane that serves it: made without Docker, signed, with its bill of materials."
    >
      <div class="actions">
        <Action
          label="Make an image"
          permission="release"
          explain={
            <>
              <p>It takes up to a minute. The same version gives the same digest.</p>
              <label class="field">
                <span>Send it to a registry that the settings allow</span>
                <input
                  value={push}
                  placeholder="registry.example.org/churn:3; empty: it is kept here"
                  autocomplete="off"
                  onInput={(event) => setPush(event.currentTarget.value)}
                />
              </label>
              <label class="field">
                <span>Environment, whose gates must be passed</span>
                <select value={environment} onChange={(event) => setEnvironment(event.currentTarget.value)}>
                  <option value="">none of the project’s</option>
                  {environments.data?.items.map(({ name }) => (
                    <option key={name} value={name}>
                      {name}
                    </option>
                  ))}
                </select>
              </label>
            </>
          }
          act={async () => {
            await send('POST', `models/${encodeURIComponent(version.model)}/versions/${version.version}/images`, {
              ...(push.trim() === '' ? {} : { push: push.trim() }),
              ...(environment === '' ? {} : { environment }),
            });
            images.reload();
          }}
        />
      </div>
      {made.length > 0 && (
        <Table
          name="images"
          caption="Images of this version"
          rows={made}
          rowKey={({ id }) => id}
          filterable={false}
          columns={[
            {
              key: 'digest',
              head: 'Digest',
              value: ({ digest }) => digest,
              cell: ({ digest }) => <DigestText digest={digest.replace('sha256:', '')} />,
            },
            { key: 'size', head: 'To send', number: true, value: ({ size }) => size, cell: ({ size }) => bytes(size) },
            {
              key: 'for',
              head: 'For',
              value: ({ architecture, environment: of }) => [`linux/${architecture}`, of ?? []].flat().join(', '),
            },
            {
              key: 'sent',
              head: 'Sent to',
              value: ({ image }) => image ?? '',
              cell: ({ image }) => <span class="wrap">{image ?? '—'}</span>,
            },
            {
              key: 'made',
              head: 'Made',
              value: ({ madeAt }) => madeAt,
              cell: ({ madeAt, by }) => (
                <>
                  <When at={madeAt} /> by <Who actor={by} />
                </>
              ),
            },
            {
              key: 'file',
              head: 'File',
              value: ({ id }) => id,
              cell: ({ id }) => <a href={apiUrl(`model-images/${id}/archive`)}>download</a>,
            },
          ]}
        />
      )}
    </Card>
  );
}
