import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Identity, IssuedToken, Role, Token } from '#contract';
import { send } from '../lib/api.ts';
import { forgetAll, type Page as PageOf, useResource } from '../lib/resource.ts';
import { queryValue } from '../lib/router.ts';
import { may, who } from '../lib/session.ts';
import { recordPath } from '../lib/records.ts';
import { Action } from '../parts/action.tsx';
import { Card, Facts, Load, Page } from '../parts/page.tsx';
import { State } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { Command, Copy, When } from '../parts/values.tsx';
import { GrantsCard } from './access-grants.tsx';
import { TeamsCard } from './access-teams.tsx';
import { MailCard, MailsCard } from './mail-card.tsx';

const roles: readonly Role[] = [
  'data-scientist',
  'ml-engineer',
  'operator',
  'qa',
  'approver',
  'business-user',
  'stakeholder',
  'data-steward',
  'admin',
  'agent',
];
const kinds = ['identity.', 'token.'];

/** Who may do what; for admins also the identities and their tokens. */
export function AccessPage(): JSX.Element {
  const me = who.value;
  const admin = may('administer');
  const chosen = queryValue('identity');
  return (
    <Page
      title="Access"
      truth={
        me !== undefined && (
          <p>
            You are <b>{me.identity.name}</b>,{' '}
            {me.via === 'local' ? 'the built-in identity of this machine, without a token' : `by ${me.via}`}. You may:{' '}
            {me.permissions.join(', ')}.
          </p>
        )
      }
    >
      <div class="cards">
        {admin ? (
          <Identities chosen={chosen} />
        ) : (
          <Card title="Identities" wide>
            <p>Identities and tokens are an admin’s to see.</p>
            <p>
              Sign in as one: <Command>gyre open</Command> prints a link that opens this page as you.
            </p>
          </Card>
        )}
        {me !== undefined && me.via !== 'local' && <MailCard identity={me.identity.id} title="Where you are told by e-mail" />}
        {admin && <MailsCard />}
        {me !== undefined && me.via !== 'local' && <GrantsCard />}
        {me !== undefined && me.via !== 'local' && <TeamsCard />}
        <Card
          title="Who decides what"
          wide
          says="Author, certifier and approver of a version are three different people, whatever roles they have."
        >
          <Facts
            facts={[
              ['Build', 'data scientist, ML engineer'],
              ['Deploy to test, run application tests', 'ML engineer, operator, QA expert'],
              ['Certify', 'QA expert'],
              ['Approve', 'approver'],
              ['Release, roll back', 'operator'],
              ['Identities, tokens', 'admin, who can neither certify nor approve by that'],
            ]}
          />
        </Card>
      </div>
    </Page>
  );
}

function Identities({ chosen }: { readonly chosen: string | undefined }): JSX.Element {
  const identities = useResource<PageOf<Identity>>('identities?limit=500', kinds);
  const shown = identities.data?.items.find(({ id }) => id === chosen);
  return (
    <>
      {shown !== undefined && <IdentityCard identity={shown} />}
      {shown !== undefined && <MailCard identity={shown.id} title={`Where ${shown.name} is told by e-mail`} />}
      <Card title="Identities" wide aside={<NewIdentity />}>
        <Load of={identities} what="The identities">
          {({ items }) => (
            <Table
              name="identities"
              caption="Identities"
              rows={items}
              rowKey={({ id }) => id}
              href={({ id }) => recordPath('identity', id)}
              marked={({ id }) => id === chosen}
              columns={[
                {
                  key: 'name',
                  head: 'Name',
                  value: ({ name }) => name,
                  cell: ({ name, id }) => <a href={recordPath('identity', id)}>{name}</a>,
                },
                { key: 'roles', head: 'Roles', value: (row) => row.roles.join(', ') },
                {
                  key: 'simulated',
                  head: 'Played by',
                  value: ({ simulated }) => (simulated ? 'a program (simulated)' : 'a person or service'),
                },
                {
                  key: 'state',
                  head: 'State',
                  value: ({ disabled }) => String(disabled),
                  cell: ({ disabled }) => <State tone={disabled ? 'off' : 'good'}>{disabled ? 'disabled' : 'active'}</State>,
                },
                { key: 'at', head: 'Made', value: ({ createdAt }) => createdAt, cell: ({ createdAt }) => <When at={createdAt} /> },
              ]}
            />
          )}
        </Load>
      </Card>
    </>
  );
}

function NewIdentity(): JSX.Element {
  const [name, setName] = useState('');
  const [chosen, setChosen] = useState<readonly Role[]>(['stakeholder']);
  return (
    <Action
      label="New identity"
      permission="administer"
      explain={
        <>
          <label class="field">
            <span>Name</span>
            <input value={name} onInput={(event) => setName(event.currentTarget.value)} autocomplete="off" required />
          </label>
          <RoleChoice chosen={chosen} choose={setChosen} />
        </>
      }
      act={() => send('POST', 'identities', { name, roles: chosen })}
    />
  );
}

function RoleChoice(props: { readonly chosen: readonly Role[]; readonly choose: (roles: readonly Role[]) => void }): JSX.Element {
  const { chosen, choose } = props;
  return (
    <fieldset class="field">
      <legend>Roles</legend>
      {roles.map((role) => (
        <label key={role} class="check">
          <input
            type="checkbox"
            checked={chosen.includes(role)}
            onChange={() => choose(chosen.includes(role) ? chosen.filter((one) => one !== role) : [...chosen, role])}
          />{' '}
          {role}
        </label>
      ))}
    </fieldset>
  );
}

function IdentityCard({ identity }: { readonly identity: Identity }): JSX.Element {
  const tokens = useResource<PageOf<Token>>(`identities/${encodeURIComponent(identity.id)}/tokens`, kinds);
  const [chosen, setChosen] = useState<readonly Role[]>(identity.roles);
  const [issued, setIssued] = useState<IssuedToken | undefined>(undefined);
  return (
    <Card title={identity.name} wide says={identity.roles.join(', ')}>
      {issued !== undefined && (
        <p class="secret" role="status">
          The new token, shown this once: <code>{issued.secret}</code> <Copy text={issued.secret} what="token" />
        </p>
      )}
      <Load of={tokens} what="The tokens">
        {({ items }) =>
          items.length === 0 ? (
            <p class="quiet">No token.</p>
          ) : (
            <Table
              name="tokens"
              caption={`Tokens of ${identity.name}`}
              rows={items}
              rowKey={({ id }) => id}
              columns={[
                { key: 'label', head: 'Token', value: ({ label }) => label },
                { key: 'made', head: 'Made', value: ({ createdAt }) => createdAt, cell: ({ createdAt }) => <When at={createdAt} /> },
                {
                  key: 'ends',
                  head: 'Expires',
                  value: ({ expiresAt }) => expiresAt,
                  cell: ({ expiresAt }) => (expiresAt === undefined ? 'never' : <When at={expiresAt} />),
                },
                {
                  key: 'state',
                  head: 'State',
                  value: ({ revokedAt }) => revokedAt,
                  cell: (token) =>
                    token.revokedAt === undefined ? (
                      <Action
                        label="Revoke"
                        permission="administer"
                        explain={
                          <p>
                            The token “{token.label}” is worthless from then on; what it did stays in the audit log. It cannot be undone.
                          </p>
                        }
                        act={() => send('DELETE', `tokens/${encodeURIComponent(token.id)}`)}
                      />
                    ) : (
                      <State tone="off">revoked</State>
                    ),
                },
              ]}
            />
          )
        }
      </Load>
      <div class="actions">
        <Action
          label="Issue a token"
          permission="administer"
          missing={identity.disabled ? ['this identity is disabled'] : []}
          explain={<p>A token acts as {identity.name} wherever it is shown. Its secret is shown once.</p>}
          statement={{ label: 'What it is for', hint: 'such as: nightly import' }}
          act={async (label) =>
            setIssued(await send<IssuedToken>('POST', `identities/${encodeURIComponent(identity.id)}/tokens`, { label }))
          }
        />
        <Action
          label="Set the roles"
          permission="administer"
          missing={identity.disabled ? ['this identity is disabled'] : []}
          explain={<RoleChoice chosen={chosen} choose={setChosen} />}
          act={() => send('PUT', `identities/${encodeURIComponent(identity.id)}/roles`, { roles: chosen })}
        />
        <Action
          label="Disable"
          permission="administer"
          missing={identity.disabled ? ['it is disabled already'] : []}
          explain={<p>Sessions of {identity.name} end and its tokens are worthless, for good. Records keep the name.</p>}
          confirmWord={identity.name}
          act={async () => {
            await send('POST', `identities/${encodeURIComponent(identity.id)}/disable`);
            forgetAll();
          }}
        />
      </div>
    </Card>
  );
}
