import type { JSX } from 'preact';
import type { WantedSignOff } from '#contract';
import { recordPath } from '../lib/records.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { Empty, Load, Page } from '../parts/page.tsx';
import { State } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { When } from '../parts/values.tsx';
import { releaseKinds } from './release-actions.tsx';

const placeOf = ({ report, modelVersion }: WantedSignOff): string =>
  report === undefined ? recordPath('model_version', modelVersion) : recordPath('application_test', report);

const words: Readonly<Record<WantedSignOff['what'], string>> = {
  certify: 'certify',
  approve: 'approve',
  answer: 'answer',
  finding: 'resolve',
};

/** What waits for this person on the way of versions to production. */
export function SignOffQueuePage(): JSX.Element {
  const queue = useResource<PageOf<WantedSignOff>>('release/queue?limit=1000', releaseKinds);
  return (
    <Page title="Waiting for you" truth={<p>What only you, or somebody with your role, can do next; the longest wait first.</p>}>
      <Load of={queue} what="The queue">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="Nothing waits for you.">
              What waits for a QA expert, an approver or whoever a policy asks stands here, with the report to be read.
            </Empty>
          ) : (
            <Table
              name="queue"
              caption="Waiting for you"
              rows={items}
              rowKey={({ key }) => key}
              href={placeOf}
              columns={[
                { key: 'do', head: 'To do', value: ({ what }) => words[what], cell: (one) => <a href={placeOf(one)}>{words[one.what]}</a> },
                { key: 'text', head: 'What', value: ({ text }) => text, cell: ({ text }) => <span class="wrap">{text}</span> },
                {
                  key: 'due',
                  head: 'Due',
                  value: ({ dueAt }) => dueAt,
                  cell: ({ dueAt, overdue }) => (
                    <>
                      {overdue === true && <State tone="bad">overdue</State>} {dueAt !== undefined && <When at={dueAt} />}
                    </>
                  ),
                },
                { key: 'environment', head: 'For', value: ({ environment }) => environment },
                { key: 'since', head: 'Waits', value: ({ since }) => since, cell: ({ since }) => <When at={since} /> },
              ]}
            />
          )
        }
      </Load>
    </Page>
  );
}
