import type { JSX } from 'preact';
import type { PolicyItem, PublishedPolicy, ReleasePolicy } from '#contract';
import { send } from '../lib/api.ts';
import { queryValue } from '../lib/router.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { Action } from '../parts/action.tsx';
import { Card, Facts, Load, Page, RawJson } from '../parts/page.tsx';
import { Table } from '../parts/table.tsx';
import { DigestText, When, Who } from '../parts/values.tsx';

const titleOf = ({ name, version }: PublishedPolicy): string => `${name}/${version}`;
const placeOf = (one: PublishedPolicy): string => `/policies?policy=${encodeURIComponent(titleOf(one))}`;

/** What versions need before they are released, in versions that never change. */
export function PoliciesPage(): JSX.Element {
  const policies = useResource<PageOf<PublishedPolicy>>('release-policies?limit=1000', ['release_policy.']);
  const chosen = policies.data?.items.find((one) => titleOf(one) === queryValue('policy')) ?? policies.data?.items[0];
  return (
    <Page
      title="Policies"
      truth={<p>What a version needs before it is released. A published version of a policy never changes; a change is a new version.</p>}
      actions={
        <Action
          label="Publish a policy"
          permission="administer"
          explain={
            <p>From then on this version stays as it is, for good. What is wrong is said with line and column, and nothing is published.</p>
          }
          statement={{ label: 'The policy, in YAML', hint: 'policy: high-risk\nversion: 1\nappliesTo: { risk: [high] }\nstages: …' }}
          act={(text) => send('POST', 'release-policies', { text })}
        />
      }
    >
      <Load of={policies} what="The policies">
        {({ items }) => (
          <div class="cards">
            {chosen !== undefined && <PolicyCard published={chosen} />}
            <Card title="Published" wide>
              <Table
                name="policies"
                caption="Published policies"
                rows={items}
                rowKey={titleOf}
                href={placeOf}
                marked={(one) => one === chosen}
                columns={[
                  { key: 'policy', head: 'Policy', value: titleOf, cell: (one) => <a href={placeOf(one)}>{titleOf(one)}</a> },
                  { key: 'environments', head: 'Environments', value: ({ policy }) => policy.appliesTo?.environments?.join(', ') ?? 'all' },
                  { key: 'risk', head: 'Holds at risk', value: holdsAt },
                  { key: 'digest', head: 'Digest', value: ({ digest }) => digest, cell: ({ digest }) => <DigestText digest={digest} /> },
                  {
                    key: 'at',
                    head: 'Published',
                    value: ({ publishedAt }) => publishedAt,
                    cell: ({ publishedAt }) => (publishedAt === undefined ? '—' : <When at={publishedAt} />),
                  },
                ]}
              />
            </Card>
          </div>
        )}
      </Load>
    </Page>
  );
}

function PolicyCard({ published }: { readonly published: PublishedPolicy }): JSX.Element {
  const { policy } = published;
  const { certify, approve, findings, stages = [] } = policy;
  const items = stages.flatMap(({ name, evidence }) => evidence.map((item) => ({ stage: name, item })));
  return (
    <Card title={titleOf(published)} wide says={policy.description}>
      <Facts
        facts={[
          ['Environments', policy.appliesTo?.environments?.join(', ') ?? 'all'],
          ['Holds at risk', holdsAt(published)],
          certify === undefined ? undefined : ['Certified by', `role ${certify.role}${validWords(certify)}`],
          approve === undefined ? undefined : ['Approved by', `${approve.people ?? 1} of the role ${approve.role}${validWords(approve)}`],
          findings === undefined ? undefined : ['Blocked by', `open findings that are ${findings.block} or worse`],
          published.publishedBy === undefined ? undefined : ['Published by', <Who actor={published.publishedBy} />],
        ]}
      />
      {items.length > 0 && (
        <Table
          name="evidence"
          caption="Evidence that it asks for"
          rows={items}
          rowKey={({ item }) => item.id}
          columns={[
            { key: 'stage', head: 'Stage', value: ({ stage }) => stage },
            { key: 'item', head: 'Item', value: ({ item }) => item.id },
            { key: 'of', head: 'Asked of', value: ({ item }) => ('check' in item ? 'Gyre' : item.by) },
            {
              key: 'what',
              head: 'What',
              value: ({ item }) => itemWords(item),
              cell: ({ item }) => <span class="wrap">{itemWords(item)}</span>,
            },
          ]}
        />
      )}
      <RawJson value={published} />
    </Card>
  );
}

function holdsAt({ policy, builtIn }: PublishedPolicy): string {
  return policy.appliesTo?.risk?.join(', ') ?? (builtIn ? 'any, where no other holds' : 'any, where gyre.yaml names it');
}

function validWords({ validFor, untilDrift }: NonNullable<ReleasePolicy['certify' | 'approve']>): string {
  const age = validFor === undefined ? [] : [`for ${validFor}`];
  const drift = untilDrift === undefined ? [] : [`until drift is PSI ${untilDrift.psi} in ${untilDrift.windows ?? 1} windows in a row`];
  const words = [...age, ...drift];
  return words.length === 0 ? '' : `, which counts ${words.join(' and ')}`;
}

/** What an item asks for, in words. */
export function itemWords(item: PolicyItem): string {
  if ('statement' in item) return item.statement;
  if ('document' in item) return `${item.document}${item.mediaTypes === undefined ? '' : ` (${item.mediaTypes.join(', ')})`}`;
  if (item.check === 'requirement') return `application tests pass ${item.requirement ?? ''}`;
  if (item.check === 'application_tests') return `application tests pass${item.profile === undefined ? '' : `, profile ${item.profile}`}`;
  return item.check === 'package' ? 'every byte of the package is what its digest names' : 'the gates of the test report pass';
}
