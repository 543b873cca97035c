import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { CodeChanges, Run } from '#contract';
import { apiUrl } from '../../lib/api.ts';
import { counted } from '../../lib/format.ts';
import { recordPath } from '../../lib/records.ts';
import { useResource } from '../../lib/resource.ts';
import { DiffText } from '../../parts/diff-text.tsx';
import { Card, Facts, Load } from '../../parts/page.tsx';
import { Copy, DigestText } from '../../parts/values.tsx';
import { ownId } from './own-id.ts';

const mostShown = 200_000;

/** The code and environment of a run: its commit, what was not committed, and how it differs from the run that it came from. */
export function CodeCard({ run }: { readonly run: Run }): JSX.Element {
  const before = run.tags['gyre.cloned_from'] ?? run.tags['mlflow.parentRunId'];
  const entry = run.tags['mlflow.source.name'];
  return (
    <Card title="Code and environment" wide={run.code.patch !== undefined || before !== undefined}>
      <Facts
        facts={[
          [
            'Commit',
            run.code.commit === null ? (
              'no commit is on record'
            ) : (
              <span class="copyable">
                <code title={run.code.commit}>{run.code.commit.slice(0, 12)}</code>
                <Copy text={run.code.commit} what="commit" />
              </span>
            ),
          ],
          entry === undefined ? undefined : ['Script', <code>{entry}</code>],
          run.code.dirty ? ['Changes', run.code.patch === undefined ? 'not committed, not kept' : 'not committed, kept'] : undefined,
          ...(run.environment === undefined
            ? []
            : ([
                ['Gyre', run.environment.gyre],
                ['Node', run.environment.node],
                ['Platform', run.environment.platform],
                ['Lock file', <DigestText digest={run.environment.lock} />],
              ] as const)),
          run.seed === undefined ? undefined : ['Seed', String(run.seed)],
        ]}
      />
      {run.code.patch !== undefined && <Patch run={run} />}
      {before !== undefined && <ChangesSince run={run.id} from={ownId(before)} />}
    </Card>
  );
}

/** What was not committed. */
function Patch({ run }: { readonly run: Run }): JSX.Element {
  const [open, setOpen] = useState(false);
  const [text, setText] = useState<string | undefined>(undefined);
  useEffect(() => {
    if (!open || text !== undefined) return;
    fetch(apiUrl(`runs/${encodeURIComponent(run.id)}/patch`))
      .then(async (response) => setText(response.ok ? await response.text() : `The server answered ${response.status}.`))
      .catch(() => setText('The server does not answer.'));
  }, [open]);
  return (
    <details class="raw" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>What was not committed</summary>
      {text !== undefined && <DiffText text={text.slice(0, mostShown)} label="What was not committed" />}
    </details>
  );
}

function ChangesSince({ run, from }: { readonly run: string; readonly from: string }): JSX.Element {
  const [open, setOpen] = useState(false);
  return (
    <details class="raw" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Changes since the run that it came from</summary>
      {open && (
        <>
          <p>
            against <a href={recordPath('run', from)}>{from.slice(0, 8)}</a>
          </p>
          <CodeDifference from={from} to={run} />
        </>
      )}
    </details>
  );
}

/** How the code of two runs differs. */
export function CodeDifference({ from, to }: { readonly from: string; readonly to: string }): JSX.Element {
  const changes = useResource<CodeChanges>(`runs/${encodeURIComponent(to)}/code-changes?from=${encodeURIComponent(from)}`);
  return (
    <Load of={changes} what="The code of the runs">
      {({ unknown, files, diff, cut }) => {
        if (unknown !== undefined) return <p class="quiet">It is not known how their code differs: {unknown}.</p>;
        if (files.length === 0) return <p class="quiet">Their code is the same, what was not committed included.</p>;
        const [added, removed] = [files.reduce((sum, one) => sum + one.added, 0), files.reduce((sum, one) => sum + one.removed, 0)];
        return (
          <>
            <p class="says">
              {counted(files.length, 'file')} changed: {counted(added, 'line')} added, {counted(removed, 'line')} removed.
            </p>
            <DiffText text={diff} label="How the code differs" />
            {cut && <p class="quiet">The rest is too long to be shown.</p>}
          </>
        );
      }}
    </Load>
  );
}
