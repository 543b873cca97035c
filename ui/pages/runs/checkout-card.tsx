import type { JSX } from 'preact';
import type { CheckoutData, Run, RunCheckout } from '#contract';
import { bytes, counted } from '../../lib/format.ts';
import { useResource } from '../../lib/resource.ts';
import { Card, Facts, Load } from '../../parts/page.tsx';
import { Command, RecordRef } from '../../parts/values.tsx';

/** What `gyre checkout` restores of a run, what it cannot, and what to type. */
export function CheckoutCard({ run }: { readonly run: Run }): JSX.Element {
  const checkout = useResource<RunCheckout>(`runs/${encodeURIComponent(run.id)}/checkout`, ['run.finished']);
  return (
    <Card
      title="To have it again"
      says="Code, data, parameters and environment, in a new folder. Without --to: in the project’s own, where everything has to be committed."
    >
      <Load of={checkout} what="What a checkout restores">
        {({ commands, code, data, environment, missing, parameters }) => (
          <>
            <ul class="commands">
              {commands.map((command) => (
                <li key={command}>
                  <Command>{command}</Command>
                </li>
              ))}
            </ul>
            <Facts
              facts={[
                code.commit === null
                  ? undefined
                  : [
                      'Code',
                      <>
                        commit <code>{code.commit.slice(0, 12)}</code>
                        {code.patch !== undefined && ', with what was not committed'}
                        {code.repository !== undefined && <span class="quiet"> of {code.repository}</span>}
                      </>,
                    ],
                ...data
                  .filter(({ how }) => how !== 'none')
                  .map((one): readonly [string, JSX.Element] => ['Data', <DataPlace data={one} />]),
                ['Parameters', counted(Object.keys(parameters).length, 'parameter')],
                environment.gyre === undefined
                  ? undefined
                  : ['Environment', `Gyre ${environment.gyre} on Node ${environment.node ?? '?'}, ${environment.platform ?? '?'}`],
                environment.files.length === 0
                  ? undefined
                  : ['Environment', environment.files.map(({ path, size }) => `${path} (${bytes(size)})`).join(', ')],
              ]}
            />
            {missing.length > 0 && (
              <>
                <p class="says">{counted(missing.length, 'thing')} cannot be restored:</p>
                <ul class="bullets">
                  {missing.map((reason) => (
                    <li key={reason}>{reason}</li>
                  ))}
                </ul>
              </>
            )}
          </>
        )}
      </Load>
    </Card>
  );
}

function DataPlace({ data }: { readonly data: CheckoutData }): JSX.Element {
  const { dataset, version, uses, to, files, how } = data;
  const size = files.reduce((sum, file) => sum + file.size, 0);
  return (
    <>
      {version === undefined ? (
        dataset
      ) : (
        <RecordRef kind="dataset_version" id={version}>
          {dataset}
        </RecordRef>
      )}{' '}
      as <code>{to}</code>
      {how === 'source' && ` (${bytes(size)})`}
      <span class="quiet"> for {uses.join(', ')}</span>
    </>
  );
}
