import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { type Mail, type MailAddress, type MailTopic, mailTopics } from '#contract';
import { send } from '../lib/api.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { Action } from '../parts/action.tsx';
import { Card, Facts, Load } from '../parts/page.tsx';
import { State, WordState } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { When } from '../parts/values.tsx';

const words: Readonly<Record<MailTopic, string>> = {
  'sign_off.wanted': 'something waits for me',
  'sign_off.expired': 'what serves is to be signed off again',
  'finding.overdue': 'a finding of mine is overdue',
};

/** Where somebody is told by e-mail of what waits for them, and of what. */
export function MailCard({ identity, title }: { readonly identity: string; readonly title: string }): JSX.Element {
  const route = `mail-addresses/${encodeURIComponent(identity)}`;
  const told = useResource<MailAddress>(route, ['mail_address.']);
  return (
    <Card title={title} wide says="An address is seen by its owner and by admins. It is erased for good.">
      <Load of={told} what="The address">
        {(data) => (
          <>
            {!data.configured && (
              <p>
                <State tone="off">this platform sends no e-mail</State> GYRE_SMTP_HOST says which server takes it.
              </p>
            )}
            <Facts
              facts={[
                ['Address', data.address ?? 'none: nothing is sent'],
                data.topics.length === 0 ? undefined : ['Told when', data.topics.map((topic) => words[topic]).join('; ')],
              ]}
            />
            <div class="actions">
              <SetAddress route={route} told={data} reload={told.reload} />
              {data.address !== undefined && (
                <Action
                  label="Erase the address"
                  permission="read"
                  explain={<p>Nothing is sent to it any more, what is on its way neither.</p>}
                  act={async () => {
                    await send('DELETE', route);
                    told.reload();
                  }}
                />
              )}
            </div>
          </>
        )}
      </Load>
    </Card>
  );
}

function SetAddress(props: { readonly route: string; readonly told: MailAddress; readonly reload: () => void }): JSX.Element {
  const { route, told, reload } = props;
  const [address, setAddress] = useState(told.address ?? '');
  const [topics, setTopics] = useState<readonly MailTopic[]>(told.address === undefined ? mailTopics : told.topics);
  return (
    <Action
      label="Set the address"
      permission="read"
      explain={
        <>
          <label class="field">
            <span>E-mail address</span>
            <input type="email" value={address} required onInput={(event) => setAddress(event.currentTarget.value)} autocomplete="email" />
          </label>
          <fieldset class="field">
            <legend>Told when</legend>
            {mailTopics.map((topic) => (
              <label key={topic} class="check">
                <input
                  type="checkbox"
                  checked={topics.includes(topic)}
                  onChange={() => setTopics(topics.includes(topic) ? topics.filter((one) => one !== topic) : [...topics, topic])}
                />{' '}
                {words[topic]}
              </label>
            ))}
          </fieldset>
        </>
      }
      act={async () => {
        await send('PUT', route, { address: address.trim(), topics });
        reload();
      }}
    />
  );
}

/** What was sent, for admins: to whom, and what became of it. */
export function MailsCard(): JSX.Element {
  const mails = useResource<PageOf<Mail>>('mails?limit=200', ['sign_off.', 'finding.']);
  return (
    <Card title="E-mail" wide says="Messages of the last 30 days. A server that does not take one is asked again, for three days.">
      <Load of={mails} what="The messages">
        {({ items }) =>
          items.length === 0 ? (
            <p class="quiet">Nobody was told by e-mail.</p>
          ) : (
            <Table
              name="mails"
              caption="E-mail"
              rows={items}
              rowKey={({ id }) => id}
              columns={[
                { key: 'at', head: 'When', value: ({ createdAt }) => createdAt, cell: ({ createdAt }) => <When at={createdAt} /> },
                { key: 'to', head: 'To', value: ({ identity }) => identity },
                {
                  key: 'subject',
                  head: 'Subject',
                  value: ({ subject }) => subject,
                  cell: ({ subject }) => <span class="wrap">{subject}</span>,
                },
                { key: 'state', head: 'State', value: ({ state }) => state, cell: ({ state }) => <WordState word={state} /> },
                { key: 'tries', head: 'Tries', number: true, value: ({ tries }) => tries },
                {
                  key: 'error',
                  head: 'What the server said',
                  value: ({ error }) => error,
                  cell: ({ error }) => <span class="wrap">{error}</span>,
                },
              ]}
            />
          )
        }
      </Load>
    </Card>
  );
}
