import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { DatasetVersion, SchemaComparison, SchemaDifference, SchemaInForce, SchemaInference } from '#contract';
import { counted } from '../lib/format.ts';
import { useResource } from '../lib/resource.ts';
import { Card, Load } from '../parts/page.tsx';
import { State } from '../parts/state.tsx';
import { Copy } from '../parts/values.tsx';

/** The reviewed schema of a version's dataset; what the rows say to it is looked at when somebody asks, since it reads all of them. */
export function SchemaCard({ version }: { readonly version: DatasetVersion }): JSX.Element {
  const inForce = useResource<SchemaInForce>(`dataset-schemas/${version.dataset}`);
  return (
    <Card
      title="Schema"
      wide
      says="What every version of this dataset has to fit. A person reviews it; the rows suggest what could be said."
    >
      <Load of={inForce} what="The schema">
        {(schema) => (
          <>
            <p>
              {schema.origin === 'reviewed' ? (
                <>
                  Held against <code>{schema.file ?? 'a reviewed schema'}</code>: {counted(schema.schema.columns.length, 'column')}.
                </>
              ) : (
                'Nobody reviewed a schema yet: rows are held against nothing but the types that they were read with.'
              )}
            </p>
            <Asked label="The schema in force">
              <SchemaText text={schema.text} />
            </Asked>
            {schema.origin === 'reviewed' && (
              <Asked label="How these rows differ from it">
                <Comparison digest={version.digest} />
              </Asked>
            )}
            <Asked label="What these rows suggest">
              <Inferred digest={version.digest} dataset={version.dataset} />
            </Asked>
          </>
        )}
      </Load>
    </Card>
  );
}

/** Asked for when it is opened, and not before. */
function Asked({ label, children }: { readonly label: string; readonly children: JSX.Element }): JSX.Element {
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="asked" open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{label}</summary>
      {isOpen && children}
    </details>
  );
}

function SchemaText({ text }: { readonly text: string }): JSX.Element {
  return (
    <div class="schema-text">
      <Copy text={text} what="schema" />
      <pre tabIndex={0} aria-label="The schema as a file">
        {text}
      </pre>
    </div>
  );
}

function Inferred({ digest, dataset }: { readonly digest: string; readonly dataset: string }): JSX.Element {
  const inferred = useResource<SchemaInference>(`datasets/${digest}/inferred-schema?why=true`);
  return (
    <Load of={inferred} what="The inferred schema">
      {({ text }) => (
        <>
          <p class="quiet">
            Whatever it says holds in every row. As a file to review:{' '}
            <code>
              gyre data schema infer {dataset} --out schemas/{dataset}.yaml
            </code>
          </p>
          <SchemaText text={text} />
        </>
      )}
    </Load>
  );
}

const kinds = [
  { kind: 'broken', title: 'Does not fit' },
  { kind: 'suggested', title: 'Could be said' },
  { kind: 'unused', title: 'Allowed, and no row has it' },
] as const;

function Comparison({ digest }: { readonly digest: string }): JSX.Element {
  const comparison = useResource<SchemaComparison>(`datasets/${digest}/schema-comparison`);
  return (
    <Load of={comparison} what="The comparison">
      {({ fits, rows, differences }) => (
        <>
          <p>
            <State tone={fits ? 'good' : 'bad'}>{fits ? 'fits' : 'does not fit'}</State>{' '}
            <span class="quiet">
              {counted(rows, 'row')}; {differences.length === 0 ? 'no difference' : counted(differences.length, 'difference')}
            </span>
          </p>
          {kinds.map(({ kind, title }) => {
            const own = differences.filter((each) => each.kind === kind);
            return (
              own.length > 0 && (
                <section key={kind}>
                  <h3>{kind === 'broken' && fits ? 'Worth a warning' : title}</h3>
                  <ul class="schema-differences">
                    {own.map((each) => (
                      <li key={`${each.column ?? ''} ${each.member}`}>
                        <DifferenceText difference={each} />
                      </li>
                    ))}
                  </ul>
                </section>
              )
            );
          })}
        </>
      )}
    </Load>
  );
}

function DifferenceText({ difference }: { readonly difference: SchemaDifference }): JSX.Element {
  const { column, message, examples = [] } = difference;
  const shown = examples.slice(0, 4).map(({ row, value, masked }) => {
    const text = masked === true ? '(personal)' : value === null ? '(missing)' : `“${value}”`;
    return row === undefined ? text : `row ${row} ${text}`;
  });
  return (
    <>
      {column !== undefined && !message.includes(column) && <b>{column} </b>}
      {message}
      {shown.length > 0 && <span class="quiet"> such as {shown.join(', ')}</span>}
    </>
  );
}
