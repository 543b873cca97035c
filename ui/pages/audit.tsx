import type { JSX } from 'preact';
import type { AuditEntry, AuditVerification } from '#contract';
import { wordsOf } from '../lib/event-words.ts';
import { number, shortId } from '../lib/format.ts';
import { kindOf } from '../lib/live.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { queryValue, setQuery } from '../lib/router.ts';
import { Card, Empty, Load, Page, RawJson } from '../parts/page.tsx';
import { State } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { Command, DigestText, When, Who } from '../parts/values.tsx';

/** The audit log: what was done, by whom, why; and whether the chain holds. */
export function AuditPage(): JSX.Element {
  const entries = useResource<PageOf<AuditEntry>>('audit?first=newest&limit=1000', ['']);
  const verification = useResource<AuditVerification>('audit/verification');
  const chosen = queryValue('entry');
  const entry = entries.data?.items.find(({ position }) => String(position) === chosen);
  return (
    <Page
      title="Audit"
      truth={
        <Load of={verification} what="The verification">
          {(data) => (
            <p>
              <State tone={data.intact ? 'good' : 'bad'}>
                {data.intact ? 'the chain is intact' : `the chain is broken at entry ${data.firstBroken ?? '?'}`}
              </State>{' '}
              {data.message} Head <DigestText digest={data.head} />
            </p>
          )}
        </Load>
      }
      actions={
        <>
          <button type="button" onClick={verification.reload}>
            Verify again
          </button>
          <Command>gyre audit verify</Command>
        </>
      }
    >
      <div class="cards">
        {entry !== undefined && (
          <Card
            title={`Entry ${entry.position}`}
            wide
            aside={
              <button type="button" class="plain" onClick={() => setQuery({ entry: undefined })}>
                Close
              </button>
            }
          >
            <p>{wordsOf({ type: entry.action, data: entry.data }).text}</p>
            <p>
              Hash <DigestText digest={entry.hash} /> over the entry and <DigestText digest={entry.previous} />, the one before.
            </p>
            <RawJson value={entry} open />
          </Card>
        )}
        <Card title="Entries" wide says="Newest first. Each entry’s hash covers the one before: none can be changed or taken out unseen.">
          <Load of={entries} what="The audit log">
            {({ items }) =>
              items.length === 0 ? (
                <Empty title="No entry yet.">Every change of a record leaves one.</Empty>
              ) : (
                <Table
                  name="audit"
                  caption="Audit entries"
                  rows={items}
                  rowKey={({ position }) => String(position)}
                  marked={({ position }) => String(position) === chosen}
                  href={({ position }) => `/audit?entry=${position}`}
                  columns={[
                    {
                      key: 'position',
                      head: 'Entry',
                      number: true,
                      value: ({ position }) => position,
                      cell: ({ position }) => <a href={`/audit?entry=${position}`}>{number(position, 0)}</a>,
                    },
                    { key: 'time', head: 'Time', value: ({ time }) => time, cell: ({ time }) => <When at={time} /> },
                    { key: 'actor', head: 'Who', value: ({ actor }) => actor.name, cell: ({ actor }) => <Who actor={actor} /> },
                    { key: 'action', head: 'Action', value: ({ action }) => kindOf(action) },
                    {
                      key: 'subject',
                      head: 'Subject',
                      value: ({ subject }) => subject,
                      cell: ({ subject, action, data }) => <Subject subject={subject} href={wordsOf({ type: action, data }).href} />,
                    },
                    { key: 'reason', head: 'Reason', value: ({ reason }) => reason, cell: ({ reason }) => reason ?? '' },
                  ]}
                />
              )
            }
          </Load>
        </Card>
      </div>
    </Page>
  );
}

function Subject({ subject, href }: { readonly subject: string; readonly href: string | undefined }): JSX.Element {
  const text = shortId(subject);
  return href === undefined ? (
    <span title={subject}>{text}</span>
  ) : (
    <a href={href} title={subject}>
      {text}
    </a>
  );
}
