import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { type Finding, type FindingSeverity, type ModelVersion, findingSeverities } from '#contract';
import { send } from '../lib/api.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { Action } from '../parts/action.tsx';
import { Card } from '../parts/page.tsx';
import { State, WordState } from '../parts/state.tsx';
import { When, Who } from '../parts/values.tsx';

/** What people found wrong with a version, who sees to it, and how it ended. */
export function FindingsCard({ version }: { readonly version: ModelVersion }): JSX.Element {
  const findings = useResource<PageOf<Finding>>(`findings?limit=1000&modelVersion=${encodeURIComponent(version.id)}`, ['finding.']);
  const items = findings.data?.items ?? [];
  return (
    <Card title="Findings" wide says="The policy says from which severity on an open finding keeps a version back.">
      {items.length === 0 && <p class="quiet">Nobody has found anything wrong with it.</p>}
      <ul class="sign-offs">
        {items.map((finding) => (
          <li key={finding.id}>
            {finding.overdue === true ? <State tone="bad">overdue</State> : <WordState word={finding.state} />} <b>{finding.severity}</b>:{' '}
            {finding.statement}; found by <Who actor={finding.foundBy} /> <When at={finding.foundAt} />, <Who actor={finding.owner} /> sees
            to it
            {finding.dueAt !== undefined && (
              <>
                {' '}
                until <When at={finding.dueAt} absolute />
              </>
            )}
            {finding.ending !== undefined && (
              <blockquote>
                {finding.ending.statement} (<Who actor={finding.ending.by} />, <When at={finding.ending.at} />)
              </blockquote>
            )}
            {finding.state === 'open' && <Endings finding={finding} />}
          </li>
        ))}
      </ul>
      <div class="actions">
        <AddFinding version={version} />
      </div>
    </Card>
  );
}

/** What is wrong, how bad it is, who sees to it, by when. */
function AddFinding({ version }: { readonly version: ModelVersion }): JSX.Element {
  const [severity, setSeverity] = useState<FindingSeverity>('medium');
  const [owner, setOwner] = useState('');
  const [due, setDue] = useState('');
  return (
    <Action
      label="Add a finding"
      permission="certify"
      explain={
        <>
          <label class="field">
            <span>Severity</span>
            <select value={severity} onChange={(event) => setSeverity(severityOf(event.currentTarget.value))}>
              {findingSeverities.map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          </label>
          <label class="field">
            <span>Who sees to it</span>
            <input
              value={owner}
              placeholder={version.createdBy.name}
              onInput={(event) => setOwner(event.currentTarget.value)}
              autocomplete="off"
            />
          </label>
          <label class="field">
            <span>Due by the end of (UTC)</span>
            <input type="date" value={due} onInput={(event) => setDue(event.currentTarget.value)} />
          </label>
        </>
      }
      statement={{ label: 'What is wrong', hint: 'It is kept, and told to who sees to it.' }}
      act={(statement) =>
        send('POST', 'findings', {
          modelVersion: version.id,
          severity,
          statement,
          ...(owner.trim() === '' ? {} : { owner: owner.trim() }),
          ...(due === '' ? {} : { dueAt: `${due}T23:59:59.999Z` }),
        })
      }
    />
  );
}

function severityOf(text: string): FindingSeverity {
  return findingSeverities.find((one) => one === text) ?? 'medium';
}

function Endings({ finding }: { readonly finding: Finding }): JSX.Element {
  const end = (verb: 'resolve' | 'accept') => (statement: string) => send('POST', `findings/${finding.id}/${verb}`, { statement });
  return (
    <div class="actions">
      <Action
        label="Resolve"
        permission="certify"
        explain={<p>{finding.statement}</p>}
        statement={{ label: 'What was done', hint: 'It is kept with the finding.' }}
        act={end('resolve')}
      />
      <Action
        label="Accept"
        permission="approve"
        explain={<p>The version may go in spite of it: {finding.statement}</p>}
        statement={{ label: 'Why it may', hint: 'It is kept with the finding.' }}
        act={end('accept')}
      />
    </div>
  );
}
