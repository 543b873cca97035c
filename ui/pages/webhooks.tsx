import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { webhookTopics } from '#contract';
import type { Webhook, WebhookDelivery, WebhookTopic } from '#contract';
import { send } from '../lib/api.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { queryValue } from '../lib/router.ts';
import { may } from '../lib/session.ts';
import { Action } from '../parts/action.tsx';
import { Card, Empty, Facts, Load, Page } from '../parts/page.tsx';
import { State } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { Command, When, Who } from '../parts/values.tsx';

/** What came of an example. */
interface Trial {
  readonly success: boolean;
  readonly status?: number;
  readonly body?: string;
  readonly error?: string;
}

const usualTopics: readonly WebhookTopic[] = ['registered_model.created', 'model_version.created', 'model_version_alias.created'];
const pathOf = ({ id }: Webhook, rest = ''): string => `webhooks/${encodeURIComponent(id)}${rest}`;
const placeOf = ({ id }: Webhook): string => `/webhooks?webhook=${encodeURIComponent(id)}`;

/** Addresses that are told of what happens in the registry. */
export function WebhooksPage(): JSX.Element {
  return (
    <Page
      title="Webhooks"
      truth={
        <p>
          An address is told, by HTTP and signed with its secret, of new models and versions, of tags and aliases. A message that meets
          trouble is sent again for some hours. <Command>GYRE_WEBHOOK_HOSTS</Command> says where messages may go.
        </p>
      }
      actions={<NewWebhook />}
    >
      <div class="cards">
        {may('administer') ? (
          <Webhooks />
        ) : (
          <Card title="Webhooks" wide>
            <p>Webhooks are an admin’s to see: their addresses may be secrets.</p>
          </Card>
        )}
      </div>
    </Page>
  );
}

function Webhooks(): JSX.Element {
  const webhooks = useResource<PageOf<Webhook>>('webhooks?limit=500', ['webhook.']);
  const chosen = queryValue('webhook');
  const shown = webhooks.data?.items.find(({ id }) => id === chosen);
  return (
    <>
      {shown !== undefined && <WebhookCard key={shown.id} webhook={shown} />}
      <Card title="Webhooks" wide>
        <Load of={webhooks} what="The webhooks">
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="Nobody is told of anything yet.">
                <Command>gyre webhook add NAME URL --topic model_version.created</Command> does what “New webhook” does.
              </Empty>
            ) : (
              <Table
                name="webhooks"
                caption="Webhooks"
                rows={items}
                rowKey={({ id }) => id}
                href={placeOf}
                marked={({ id }) => id === chosen}
                columns={[
                  {
                    key: 'name',
                    head: 'Name',
                    value: ({ name }) => name,
                    cell: (webhook) => <a href={placeOf(webhook)}>{webhook.name}</a>,
                  },
                  {
                    key: 'state',
                    head: 'State',
                    value: ({ active }) => String(active),
                    cell: ({ active }) => <State tone={active ? 'good' : 'off'}>{active ? 'active' : 'silent'}</State>,
                  },
                  { key: 'url', head: 'Address', value: ({ url }) => url },
                  { key: 'topics', head: 'Told of', value: ({ topics }) => topics.join(', ') },
                  { key: 'signed', head: 'Signed', value: ({ hasSecret }) => (hasSecret ? 'yes' : 'no') },
                  { key: 'at', head: 'Made', value: ({ createdAt }) => createdAt, cell: ({ createdAt }) => <When at={createdAt} /> },
                ]}
              />
            )
          }
        </Load>
      </Card>
    </>
  );
}

function WebhookCard({ webhook }: { readonly webhook: Webhook }): JSX.Element {
  const deliveries = useResource<PageOf<WebhookDelivery>>(pathOf(webhook, '/deliveries?limit=100'), [
    'webhook.',
    'registered_model.',
    'model_version.',
  ]);
  const [trial, setTrial] = useState<Trial | undefined>(undefined);
  return (
    <Card title={webhook.name} wide {...(webhook.description === undefined ? {} : { says: webhook.description })}>
      <Facts
        facts={[
          ['Address', <code>{webhook.url}</code>],
          ['Told of', webhook.topics.join(', ')],
          ['Signed', webhook.hasSecret ? 'with its secret' : 'no: it has no secret'],
          ['Made by', <Who actor={webhook.createdBy} />],
        ]}
      />
      {trial !== undefined && (
        <p role="status">
          <State tone={trial.success ? 'good' : 'bad'}>{trial.success ? 'taken' : 'not taken'}</State>{' '}
          {trial.error ?? (trial.status === undefined ? '' : `the answer was ${trial.status}`)}{' '}
          {trial.body !== undefined && <code>{trial.body}</code>}
        </p>
      )}
      <Load of={deliveries} what="The deliveries">
        {({ items }) =>
          items.length === 0 ? (
            <p class="quiet">Nothing was sent yet.</p>
          ) : (
            <Table
              name="deliveries"
              caption={`Messages to ${webhook.name}`}
              rows={items}
              rowKey={({ id }) => id}
              columns={[
                { key: 'topic', head: 'Of', value: ({ topic }) => topic },
                {
                  key: 'state',
                  head: 'State',
                  value: ({ state }) => state,
                  cell: ({ state }) => (
                    <State tone={state === 'delivered' ? 'good' : state === 'failed' ? 'bad' : 'waiting'}>{state}</State>
                  ),
                },
                { key: 'tries', head: 'Tries', value: ({ tries }) => tries, number: true },
                { key: 'answer', head: 'Answer', value: ({ status, error }) => error ?? status ?? '' },
                { key: 'at', head: 'Since', value: ({ createdAt }) => createdAt, cell: ({ createdAt }) => <When at={createdAt} /> },
                {
                  key: 'due',
                  head: 'Next try',
                  value: ({ dueAt }) => dueAt ?? '',
                  cell: ({ dueAt }) => (dueAt === undefined ? '' : <When at={dueAt} />),
                },
              ]}
            />
          )
        }
      </Load>
      <div class="actions">
        <Action
          label="Send an example"
          permission="administer"
          explain={
            <p>
              Tells <code>{webhook.url}</code> of an example of {webhook.topics[0]}, once and at once.
            </p>
          }
          act={async () => setTrial(await send<Trial>('POST', pathOf(webhook, '/test'), {}))}
        />
        <Action
          label={webhook.active ? 'Silence' : 'Wake'}
          permission="administer"
          explain={<p>{webhook.active ? 'It is told nothing until it is woken.' : 'It is told again of what happens from then on.'}</p>}
          act={() => send('PUT', pathOf(webhook), { active: !webhook.active })}
        />
        <Action
          label="Delete"
          permission="administer"
          confirmWord={webhook.name}
          explain={<p>What is on its way to it is not sent any more.</p>}
          act={() => send('DELETE', pathOf(webhook))}
        />
      </div>
    </Card>
  );
}

function NewWebhook(): JSX.Element {
  const [name, setName] = useState('');
  const [url, setUrl] = useState('');
  const [secret, setSecret] = useState('');
  const [chosen, setChosen] = useState<readonly WebhookTopic[]>(usualTopics);
  return (
    <Action
      label="New webhook"
      permission="administer"
      primary
      explain={
        <>
          <label class="field">
            <span>Name</span>
            <input value={name} onInput={(event) => setName(event.currentTarget.value)} autocomplete="off" required />
          </label>
          <label class="field">
            <span>Address</span>
            <input type="url" value={url} onInput={(event) => setUrl(event.currentTarget.value)} autocomplete="off" required />
          </label>
          <label class="field">
            <span>Secret that messages are signed with</span>
            <input type="password" value={secret} onInput={(event) => setSecret(event.currentTarget.value)} autocomplete="off" />
          </label>
          <fieldset class="field">
            <legend>Told of</legend>
            {webhookTopics.map((topic) => (
              <label key={topic} class="check">
                <input
                  type="checkbox"
                  checked={chosen.includes(topic)}
                  onChange={() => setChosen(chosen.includes(topic) ? chosen.filter((one) => one !== topic) : [...chosen, topic])}
                />{' '}
                {topic}
              </label>
            ))}
          </fieldset>
        </>
      }
      act={() => send('POST', 'webhooks', { name, url, topics: chosen, ...(secret === '' ? {} : { secret }) })}
    />
  );
}
