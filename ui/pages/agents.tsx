import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Agent, AgentReport, EnrolledAgent, Enrolment } from '#contract';
import { send } from '../lib/api.ts';
import { counted } from '../lib/format.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { queryValue } from '../lib/router.ts';
import { Action } from '../parts/action.tsx';
import { Empty, Load } from '../parts/page.tsx';
import { State } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { Command, Copy, DigestText, When } from '../parts/values.tsx';
import { AgentHistory, agentTones } from './agent-history.tsx';

/** The agents that serve an environment: what each serves, and how that differs from what it is to serve. */
export function AgentsOf({ environment }: { readonly environment: string }): JSX.Element {
  const agents = useResource<PageOf<Agent>>(`agents?limit=1000&environment=${encodeURIComponent(environment)}`, [
    'agent.',
    'desired_state.',
    'deployment.',
  ]);
  const chosen = agents.data?.items.find(({ name }) => name === queryValue('agent'));
  const [enrolled, setEnrolled] = useState<EnrolledAgent | undefined>(undefined);
  return (
    <section>
      <h3>Agents</h3>
      {enrolled !== undefined && <EnrolmentShown enrolled={enrolled} />}
      <Load of={agents} what="The agents">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No agent is enrolled here.">
              <Command>{`gyre agent enrol NAME --environment ${environment}`}</Command> does what “Enrol an agent” does.
            </Empty>
          ) : (
            <Table
              name={`agents-${environment}`}
              caption={`Agents of ${environment}`}
              rows={items}
              rowKey={({ id }) => id}
              href={({ name }) => `/environments?agent=${encodeURIComponent(name)}`}
              columns={[
                { key: 'name', head: 'Agent', value: ({ name }) => name, cell: (agent) => <Named agent={agent} /> },
                { key: 'state', head: 'State', value: ({ state }) => state, cell: (agent) => <Standing agent={agent} /> },
                {
                  key: 'serves',
                  head: 'Serves, since',
                  value: ({ report }) => report?.serving?.models.join(', '),
                  cell: ({ report }) => <Serving serving={report?.serving} />,
                },
                {
                  key: 'plane',
                  head: 'Its data plane',
                  value: ({ report }) => report?.plane?.requests,
                  cell: ({ report }) => <Plane plane={report?.plane} />,
                },
                {
                  key: 'seen',
                  head: 'Last seen',
                  value: ({ lastSeenAt }) => lastSeenAt,
                  cell: ({ lastSeenAt }) => <When at={lastSeenAt} />,
                },
                {
                  key: 'do',
                  head: 'Do',
                  value: () => undefined,
                  cell: ({ id, name, state }) => (
                    <Action
                      label="Revoke"
                      permission="administer"
                      missing={state === 'revoked' ? ['it is revoked already'] : []}
                      explain={
                        <p>
                          The token of {name} is worthless from then on. What it serves it goes on serving until somebody stops it there. It
                          cannot be undone, and the name is not given again.
                        </p>
                      }
                      confirmWord={name}
                      act={async () => {
                        await send('POST', `agents/${encodeURIComponent(id)}/revoke`);
                        agents.reload();
                      }}
                    />
                  ),
                },
              ]}
            />
          )
        }
      </Load>
      {chosen !== undefined && <AgentHistory key={chosen.id} agent={chosen} />}
      <div class="actions">
        <Enrol
          environment={environment}
          done={(made) => {
            setEnrolled(made);
            agents.reload();
          }}
        />
      </div>
    </section>
  );
}

function Enrol({ environment, done }: { readonly environment: string; readonly done: (made: EnrolledAgent) => void }): JSX.Element {
  const [name, setName] = useState('');
  return (
    <Action
      label="Enrol an agent"
      permission="administer"
      explain={
        <>
          <p>
            An agent makes true on its own machine what {environment} is to serve. It gets an identity that may do nothing else, and its
            token is shown once.
          </p>
          <label class="field">
            <span>Name</span>
            <input value={name} onInput={(event) => setName(event.currentTarget.value)} autocomplete="off" required />
          </label>
        </>
      }
      act={async () => {
        done(await send<EnrolledAgent>('POST', 'agents', { name, environment }));
        setName('');
      }}
    />
  );
}

/** What is carried to the machine: shown this once. */
function EnrolmentShown({ enrolled: { agent, token, key } }: { readonly enrolled: EnrolledAgent }): JSX.Element {
  const { name, environment } = agent;
  const enrolment: Enrolment = { format: 'gyre.enrolment.v1', agent: name, environment, server: location.origin, token, key };
  const text = JSON.stringify(enrolment, undefined, 2);
  return (
    <div class="secret" role="status">
      <p>
        The enrolment of {name}, shown this once: <Copy text={text} what="enrolment" /> save it on its machine as{' '}
        <code>{`${name}.enrolment.json`}</code>, then there:
      </p>
      <p>
        <Command>{`gyre agent run --enrolment ${name}.enrolment.json --folder agent`}</Command>
      </p>
      <pre>{text}</pre>
    </div>
  );
}

function Named({ agent: { name, report } }: { readonly agent: Agent }): JSX.Element {
  return (
    <>
      <a href={`/environments?agent=${encodeURIComponent(name)}`}>{name}</a>
      {report !== undefined && (
        <>
          <br />
          <span class="quiet">
            {report.host.name}, {report.host.platform}, Gyre {report.host.gyre}
          </span>
        </>
      )}
    </>
  );
}

function Standing({ agent: { state, why, report } }: { readonly agent: Agent }): JSX.Element {
  const failed = report?.checks?.filter(({ passed }) => !passed) ?? [];
  const isTold = state === 'refused' || failed.length === 0;
  return (
    <>
      <State tone={agentTones[state]}>{state}</State>
      {why !== undefined && <span class="quiet prose">{why}</span>}
      {!isTold && <span class="quiet prose">its last checks: {failed.map(({ message }) => message).join('; ')}</span>}
    </>
  );
}

function Serving({ serving }: { readonly serving: AgentReport['serving'] }): JSX.Element {
  if (serving === undefined) return <span class="quiet">nothing</span>;
  return (
    <>
      {serving.models.join(', ')}, generation {serving.generation}
      <br />
      <DigestText digest={serving.manifest} /> <When at={serving.since} />
    </>
  );
}

function Plane({ plane }: { readonly plane: AgentReport['plane'] }): JSX.Element {
  if (plane === undefined) return <span class="quiet">does not run</span>;
  return (
    <>
      <code>{plane.address}</code>
      <br />
      <span class="quiet">
        {counted(plane.requests, 'request')}, {plane.errors} failed
      </span>
    </>
  );
}
