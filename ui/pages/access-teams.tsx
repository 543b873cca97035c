import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Experiment, GrantLevel, GuardedKind, Team } from '#contract';
import { send } from '../lib/api.ts';
import { recordPath } from '../lib/records.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { may } from '../lib/session.ts';
import { Action } from '../parts/action.tsx';
import { Card, Load } from '../parts/page.tsx';
import { State } from '../parts/state.tsx';
import { GrantFields, nameOfRecord } from './access-grants.tsx';

const pathOf = ({ id }: Team, rest = ''): string => `teams/${id}${rest}`;

/** Teams with what they are granted and who belongs to them: all for an admin, else those of who looks. */
export function TeamsCard(): JSX.Element {
  const teams = useResource<PageOf<Team>>('teams?limit=500', ['team.', 'identity.']);
  const experiments = useResource<PageOf<Experiment>>('experiments?limit=500', ['experiment.']);
  const named = experiments.data?.items ?? [];
  return (
    <Card
      title={may('administer') ? 'Teams' : 'Your teams'}
      wide
      says="Whoever belongs to a team has what it was granted. MLflow’s clients know teams as roles."
      aside={<NewTeam />}
    >
      <Load of={teams} what="The teams">
        {({ items }) =>
          items.length === 0 ? (
            <p class="quiet">No team.</p>
          ) : (
            items.map((team) => <OneTeam key={team.id} team={team} experiments={named} />)
          )
        }
      </Load>
    </Card>
  );
}

function OneTeam({ team, experiments }: { readonly team: Team; readonly experiments: readonly Experiment[] }): JSX.Element {
  return (
    <section aria-labelledby={`team-${team.id}`}>
      <h3 id={`team-${team.id}`}>{team.name}</h3>
      {team.description !== undefined && <p>{team.description}</p>}
      <p>
        {team.members.length === 0 ? (
          <span class="quiet">Nobody belongs to it.</span>
        ) : (
          team.members.map(({ id, identity, identityName }, at) => (
            <span key={id}>
              {at > 0 && ', '}
              <a href={recordPath('identity', identity)}>{identityName}</a>
            </span>
          ))
        )}
      </p>
      {team.grants.length === 0 ? (
        <p class="quiet">Nothing was granted to it.</p>
      ) : (
        <ul>
          {team.grants.map((grant) => (
            <li key={grant.id}>
              <State tone={grant.level === 'DENY' || grant.level === 'NO_PERMISSIONS' ? 'bad' : 'good'}>{grant.level}</State> on{' '}
              {nameOfRecord(grant, experiments)}{' '}
              {may('administer') && (
                <Action
                  label="Revoke"
                  permission="administer"
                  explain={
                    <p>
                      The team {team.name} has nothing on {nameOfRecord(grant, experiments)} from then on.
                    </p>
                  }
                  act={() =>
                    send('DELETE', pathOf(team, `/grants?${new URLSearchParams({ kind: grant.kind, record: grant.record }).toString()}`))
                  }
                />
              )}
            </li>
          ))}
        </ul>
      )}
      {may('administer') && (
        <div class="actions">
          <GrantToTeam team={team} experiments={experiments} />
          <ChangeMembers team={team} how="join" />
          {team.members.length > 0 && <ChangeMembers team={team} how="leave" />}
          <Action
            label="Delete team"
            permission="administer"
            confirmWord={team.name}
            explain={<p>What the team {team.name} was granted is gone for its members from then on.</p>}
            act={() => send('DELETE', pathOf(team))}
          />
        </div>
      )}
    </section>
  );
}

function NewTeam(): JSX.Element {
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  return (
    <Action
      label="New team"
      permission="administer"
      explain={
        <>
          <label class="field">
            <span>Name</span>
            <input value={name} onInput={(event) => setName(event.currentTarget.value)} autocomplete="off" required />
          </label>
          <label class="field">
            <span>What it is for</span>
            <input value={description} onInput={(event) => setDescription(event.currentTarget.value)} autocomplete="off" />
          </label>
        </>
      }
      act={() => send('POST', 'teams', { name, ...(description === '' ? {} : { description }) })}
    />
  );
}

function GrantToTeam({ team, experiments }: { readonly team: Team; readonly experiments: readonly Experiment[] }): JSX.Element {
  const [kind, setKind] = useState<GuardedKind>('experiment');
  const [record, setRecord] = useState('');
  const [level, setLevel] = useState<GrantLevel>('READ');
  const known = experiments.find(({ name }) => name === record)?.id ?? record;
  return (
    <Action
      label="Grant"
      permission="administer"
      explain={<GrantFields {...{ kind, setKind, record, setRecord, level, setLevel }} />}
      act={() => send('PUT', pathOf(team, '/grants'), { kind, level, record: kind === 'experiment' ? known : record })}
    />
  );
}

function ChangeMembers({ team, how }: { readonly team: Team; readonly how: 'join' | 'leave' }): JSX.Element {
  const [identity, setIdentity] = useState('');
  return (
    <Action
      label={how === 'join' ? 'Add a member' : 'Remove a member'}
      permission="administer"
      explain={
        <label class="field">
          <span>Who</span>
          <input value={identity} onInput={(event) => setIdentity(event.currentTarget.value)} autocomplete="off" required />
        </label>
      }
      act={() =>
        how === 'join'
          ? send('POST', pathOf(team, '/members'), { identity })
          : send('DELETE', pathOf(team, `/members/${encodeURIComponent(identity)}`))
      }
    />
  );
}
