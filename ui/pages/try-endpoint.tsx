import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { InputColumn, NamedRow, PredictAnswer, Signature } from '#contract';
import { ApiError, send } from '../lib/api.ts';
import { clientCode, languages } from '../lib/client-code.ts';
import type { Language } from '../lib/client-code.ts';
import { duration, number, percent } from '../lib/format.ts';
import { recordPath } from '../lib/records.ts';
import { lacks } from '../lib/session.ts';
import { Card } from '../parts/page.tsx';
import { State } from '../parts/state.tsx';
import { Copy } from '../parts/values.tsx';

export interface TryEndpointProps {
  readonly environment: string;
  readonly endpoint: string;
  readonly address: string;
  readonly signature: Signature;
}

interface Outcome {
  readonly answer?: PredictAnswer;
  readonly error?: string;
  readonly tookMs: number;
}

/** A form made from what the model takes: fields in, the answer out, and the same request as a program. */
export function TryEndpoint({ environment, endpoint, address, signature }: TryEndpointProps): JSX.Element {
  const { inputs } = signature;
  const [texts, setTexts] = useState<Readonly<Record<string, string>>>(() =>
    Object.fromEntries(inputs.map((column) => [column.name, typical(column)])),
  );
  const [outcome, setOutcome] = useState<Outcome>();
  const [asking, setAsking] = useState(false);
  const [language, setLanguage] = useState<Language>('curl');
  const row: NamedRow = Object.fromEntries(inputs.map((column) => [column.name, cellOf(column, texts[column.name] ?? '')]));
  const missing = lacks('log');

  if (inputs.length === 0) {
    return (
      <Card title="Try it" wide>
        <p class="quiet">This model takes tensors, not named columns: ask it by the Open Inference Protocol, as below.</p>
      </Card>
    );
  }
  const ask = async (event: Event): Promise<void> => {
    event.preventDefault();
    setAsking(true);
    const began = performance.now();
    try {
      const answer = await send<PredictAnswer>('POST', `endpoints/${encodeURIComponent(environment)}/predict`, { rows: [row] });
      setOutcome({ answer, tookMs: performance.now() - began });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setOutcome({ error: error.message, tookMs: performance.now() - began });
    } finally {
      setAsking(false);
    }
  };
  const code = clientCode(language, { address, endpoint, inputs, row });
  return (
    <Card title="Try it" wide says="Asks the endpoint as its clients do. The prediction is logged and monitored like any other.">
      <form class="try-form" onSubmit={(event) => void ask(event)}>
        {inputs.map((column) => (
          <Field
            key={column.name}
            column={column}
            text={texts[column.name] ?? ''}
            onText={(text) => setTexts((before) => ({ ...before, [column.name]: text }))}
          />
        ))}
        <div class="actions">
          <button type="submit" class="primary" disabled={asking || missing !== undefined} title={missing}>
            Predict
          </button>
          {missing !== undefined && <span class="quiet">{missing}</span>}
        </div>
      </form>
      <div aria-live="polite">{outcome !== undefined && <Said outcome={outcome} />}</div>
      <div class="inline-form">
        <label>
          The same request as{' '}
          <select value={language} onChange={(event) => setLanguage(languages.find((one) => one === event.currentTarget.value) ?? 'curl')}>
            {languages.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <Copy text={code} what="program" />
      </div>
      <pre class="preview-text" tabIndex={0} role="region" aria-label="The request as a program">
        {code}
      </pre>
    </Card>
  );
}

function Field({
  column,
  text,
  onText,
}: {
  readonly column: InputColumn;
  readonly text: string;
  readonly onText: (text: string) => void;
}): JSX.Element {
  const { name, type, categories, range, required, image } = column;
  if (image !== undefined) return <PictureField name={name} text={text} onText={onText} />;
  const list = `choices-${name}`;
  const hint = range === undefined ? undefined : `${number(range[0])} to ${number(range[1])} in training`;
  return (
    <label class="field">
      <span>
        {name}
        {!required && <span class="quiet"> (may be empty)</span>}
      </span>
      {type === 'boolean' ? (
        <select value={text} onChange={(event) => onText(event.currentTarget.value)}>
          {(required ? ['true', 'false'] : ['true', 'false', '']).map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      ) : (
        <input
          value={text}
          autocomplete="off"
          type="text"
          list={categories === undefined ? undefined : list}
          {...(hint === undefined ? {} : { title: hint, placeholder: hint })}
          onInput={(event) => onText(event.currentTarget.value)}
        />
      )}
      {categories !== undefined && (
        <datalist id={list}>
          {categories.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      )}
    </label>
  );
}

/** A picture, chosen or dropped; it goes along as it is. */
function PictureField({
  name,
  text,
  onText,
}: {
  readonly name: string;
  readonly text: string;
  readonly onText: (text: string) => void;
}): JSX.Element {
  const take = (file: File | undefined): void => {
    if (file === undefined) return;
    const reader = new FileReader();
    reader.addEventListener('load', () => onText(String(reader.result)));
    reader.readAsDataURL(file);
  };
  return (
    <label
      class="field picture-field"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        take(event.dataTransfer?.files[0]);
      }}
    >
      <span>{name}: a picture, chosen or dropped here</span>
      <input type="file" accept="image/*" onChange={(event) => take(event.currentTarget.files?.[0])} />
      {text !== '' && <img src={text} alt="the picture that is asked about" />}
    </label>
  );
}

function Said({ outcome: { answer, error, tookMs } }: { readonly outcome: Outcome }): JSX.Element {
  const [prediction] = answer?.predictions ?? [];
  if (answer === undefined || prediction === undefined) {
    return (
      <p role="alert">
        <State tone="bad">refused</State> {error}
      </p>
    );
  }
  const shares = Object.entries(prediction.probabilities ?? {}).sort(([, one], [, other]) => other - one);
  return (
    <p>
      <b>{prediction.label ?? (prediction.value === undefined ? '—' : number(prediction.value))}</b>
      {shares.length > 0 && ` (${shares.map(([name, share]) => `${name} ${percent(share)}`).join(', ')})`}, said by {answer.model} version{' '}
      {answer.version} in {duration(tookMs)}; <a href={recordPath('prediction', prediction.id)}>prediction {prediction.id}</a>{' '}
      <Copy text={prediction.id} what="prediction id" /> <span class="quiet">(its page is there once the log has arrived)</span>
    </p>
  );
}

/** From the middle of what training saw. */
function typical({ type, datatype, categories, range, image }: InputColumn): string {
  if (image !== undefined) return '';
  if (categories?.[0] !== undefined) return categories[0];
  if (type === 'boolean') return 'false';
  if (range === undefined) return datatype === 'FP64' ? '0' : '';
  const middle = (range[0] + range[1]) / 2;
  return String(type === 'integer' ? Math.round(middle) : Number(middle.toPrecision(4)));
}

/** What is no number is sent as it was typed: the endpoint says what is wrong with it. */
function cellOf({ type, datatype }: InputColumn, text: string): NamedRow[string] {
  if (text === '') return null;
  if (type === 'boolean') return text === 'true';
  if (datatype === 'BYTES') return text;
  const value = Number(text);
  return Number.isNaN(value) ? text : value;
}
