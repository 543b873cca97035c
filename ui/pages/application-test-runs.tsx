import type { JSX } from 'preact';
import type { ApplicationTestRun, ModelVersion } from '#contract';
import { send } from '../lib/api.ts';
import { recordPath } from '../lib/records.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { useReloadWhile } from '../lib/use-polled.ts';
import { Action } from '../parts/action.tsx';
import { Card, Facts } from '../parts/page.tsx';
import { State } from '../parts/state.tsx';
import { When, Who } from '../parts/values.tsx';

const tones = { queued: 'waiting', running: 'waiting', finished: 'good', cancelled: 'off', failed: 'bad' } as const;
const isOpen = ({ state }: ApplicationTestRun): boolean => state === 'queued' || state === 'running';

/** What the newest run of application tests of a version is at, until its report is there; why one ended without. */
export function TestRunCard({ version }: { readonly version: ModelVersion }): JSX.Element | null {
  const { data, reload } = useResource<PageOf<ApplicationTestRun>>('application-test-runs?limit=50', ['application_test.']);
  const newest = data?.items.find(({ modelVersion }) => modelVersion === version.id);
  const goesOn = newest !== undefined && isOpen(newest);
  useReloadWhile(goesOn, reload);
  if (newest === undefined) return null;
  const { id, environment, profile, state, stage, report, passed, error, queuedAt, finishedAt, by } = newest;
  return (
    <Card title="Application tests" wide says={`In ${environment}, ${profile === 'full' ? 'all of them' : 'the quick ones'}`}>
      <Facts
        facts={[
          ['State', <State tone={passed === false ? 'bad' : tones[state]}>{stage ?? state}</State>],
          error === undefined ? undefined : ['Why', error],
          report === undefined
            ? undefined
            : ['Report', <a href={recordPath('application_test', report)}>{passed === true ? 'passed' : 'failed'}</a>],
          [
            'Begun',
            <>
              <When at={queuedAt} /> by <Who actor={by} />
            </>,
          ],
          finishedAt === undefined ? undefined : ['Ended', <When at={finishedAt} />],
        ]}
      />
      {goesOn && (
        <div class="actions">
          <Action
            label="Stop the tests"
            permission="deploy"
            explain={<p>They leave no report. Planes that were started for them end.</p>}
            act={async () => {
              await send('DELETE', `application-test-runs/${encodeURIComponent(id)}`);
              reload();
            }}
          />
        </div>
      )}
    </Card>
  );
}
