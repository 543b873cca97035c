import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Run, RunClone } from '#contract';
import { send } from '../../lib/api.ts';
import { plain } from '../../lib/format.ts';
import { recordPath } from '../../lib/records.ts';
import { navigate } from '../../lib/router.ts';
import { Action } from '../../parts/action.tsx';

/** Clones a run with other parameters: one of Gyre's trainers runs again, of any other run a record is opened. */
export function CloneAction({ run }: { readonly run: Run }): JSX.Element {
  const [changed, setChanged] = useState<Readonly<Record<string, string>>>({});
  const isOurs = run.trainer !== undefined;
  const names = Object.keys(run.parameters);
  const clone = async (): Promise<void> => {
    const entries = Object.entries(changed).filter(([name, text]) => text !== plain(run.parameters[name]));
    const parameters = Object.fromEntries(entries.map(([name, text]) => [name, valueOf(text)]));
    const made = await send<RunClone>('POST', `runs/${encodeURIComponent(run.id)}/clone`, { parameters });
    if (made.pipelineRun !== undefined) navigate(recordPath('pipeline_run', made.pipelineRun));
    else if (made.run !== undefined) navigate(recordPath('run', made.run));
  };
  return (
    <Action
      label="Clone"
      permission={isOurs ? 'build' : 'log'}
      explain={
        <>
          <p>
            {isOurs
              ? 'Trains a run of its own on the same data versions, with the parameters below. It names this one as its source.'
              : 'Opens a record with the parameters below, for the script that made this run: its page says what to type. Nothing of that script is executed from here.'}
          </p>
          <div class="clone-parameters">
            {names.map((name) => (
              <label key={name} class="field">
                <span>{name}</span>
                <input
                  value={changed[name] ?? String(run.parameters[name])}
                  onInput={(event) => setChanged({ ...changed, [name]: event.currentTarget.value })}
                />
              </label>
            ))}
            {names.length === 0 && <p class="quiet">This run has no parameters.</p>}
          </div>
        </>
      }
      act={clone}
    />
  );
}

/** A number where the text is one. */
function valueOf(text: string): number | string {
  const value = Number(text);
  return text.trim() !== '' && Number.isFinite(value) ? value : text;
}
