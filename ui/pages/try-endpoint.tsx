import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { ExplainAnswer, ExplainRequest, InputColumn, NamedRow, PredictAnswer, PredictRequest, Signature } from '#contract';
import { ApiError, send } from '../lib/api.ts';
import { clientCode, languages } from '../lib/client-code.ts';
import type { Language } from '../lib/client-code.ts';
import { duration, number, percent } from '../lib/format.ts';
import { recordPath } from '../lib/records.ts';
import { lacks } from '../lib/session.ts';
import { Card } from '../parts/page.tsx';
import { State } from '../parts/state.tsx';
import { Copy } from '../parts/values.tsx';
import { Explained } from './endpoint-why.tsx';
import type { Why } from './endpoint-why.tsx';
import { PictureField } from './picture-field.tsx';

export interface TryEndpointProps {
  readonly environment: string;
  readonly endpoint: string;
  readonly address: string;
  readonly signature: Signature;
  /** What a request may come to. */
  readonly maxBodyBytes: number | undefined;
  /** Whether the package says how far a row lies from those that the model learned from. */
  readonly scoresOutliers: boolean;
  /** Whether predictions are logged there: where versions are tested they are not. */
  readonly isLogged: boolean;
}

interface Outcome {
  readonly answer?: PredictAnswer;
  readonly why?: Why;
  readonly error?: string;
  readonly tookMs: number;
}

/** A form made from what the model takes: fields in, the answer out, and the same request as a program. */
export function TryEndpoint({
  environment,
  endpoint,
  address,
  signature,
  maxBodyBytes,
  scoresOutliers,
  isLogged,
}: TryEndpointProps): JSX.Element {
  const { inputs } = signature;
  const [texts, setTexts] = useState<Readonly<Record<string, string>>>(() =>
    Object.fromEntries(inputs.map((column) => [column.name, typical(column)])),
  );
  const [outcome, setOutcome] = useState<Outcome>();
  const [files, setFiles] = useState<Readonly<Record<string, string>>>({});
  const [asking, setAsking] = useState<'predict' | 'explain'>();
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
  const picture = inputs.find(({ image }) => image !== undefined);
  /** Sends the row, and says what came of it. */
  const ask = async <A,>(
    verb: 'predict' | 'explain',
    body: PredictRequest | ExplainRequest,
    told: (answer: A, tookMs: number) => Outcome,
  ) => {
    setAsking(verb);
    const began = performance.now();
    try {
      const answer = await send<A>('POST', `endpoints/${encodeURIComponent(environment)}/${verb}`, body);
      setOutcome(told(answer, performance.now() - began));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setOutcome({ error: error.message, tookMs: performance.now() - began });
    } finally {
      setAsking(undefined);
    }
  };
  const predict = (): Promise<void> =>
    ask<PredictAnswer>('predict', { rows: [row], ...(scoresOutliers ? { outlier: true } : {}) }, (answer, tookMs) => ({ answer, tookMs }));
  const explain = (): Promise<void> =>
    ask<ExplainAnswer>('explain', { rows: [row], ...mapOptions(signature) }, (answer, tookMs) => ({
      ...(outcome?.answer === undefined ? {} : { answer: outcome.answer }),
      tookMs: outcome?.tookMs ?? tookMs,
      why: {
        answer,
        tookMs,
        ...(picture?.image === undefined ? {} : { picture: { text: texts[picture.name] ?? '', image: picture.image } }),
      },
    }));
  const code = clientCode(language, { address, endpoint, inputs, row, files });
  const isWithoutPicture = inputs.some(({ name, image }) => image !== undefined && (texts[name] ?? '') === '');
  const hindrance = missing ?? (isWithoutPicture ? 'choose a picture first' : undefined);
  return (
    <Card
      title="Try it"
      wide
      says={`Asks the endpoint as its clients do. ${isLogged ? 'The prediction is logged and monitored like any other.' : 'Nothing is logged here: versions are only tested.'}`}
    >
      <form
        class="try-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (asking === undefined && hindrance === undefined) void predict();
        }}
      >
        {inputs.map((column) => {
          const { name, image } = column;
          const onText = (text: string): void => {
            setTexts((before) => ({ ...before, [name]: text }));
            setOutcome(undefined);
          };
          return image === undefined ? (
            <Field key={name} column={column} text={texts[name] ?? ''} onText={onText} />
          ) : (
            <PictureField
              key={name}
              name={name}
              image={image}
              text={texts[name] ?? ''}
              maxBodyBytes={maxBodyBytes}
              onPicture={(text, file) => {
                onText(text);
                setFiles((before) => ({ ...before, [name]: file }));
              }}
            />
          );
        })}
        <div class="actions">
          <button type="submit" class="primary" disabled={asking !== undefined || hindrance !== undefined} title={hindrance}>
            Predict
          </button>
          <button type="button" disabled={asking !== undefined || hindrance !== undefined} title={hindrance} onClick={() => void explain()}>
            Explain
          </button>
          {hindrance !== undefined && <span class="quiet">{hindrance}</span>}
          {asking === 'explain' && <span class="quiet">the model is asked many times; that takes some seconds</span>}
        </div>
      </form>
      <div aria-live="polite">{outcome !== undefined && <Said outcome={outcome} isLogged={isLogged} />}</div>
      {outcome?.why !== undefined && <Explained why={outcome.why} />}
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
  const { name, type, categories, range, required } = column;
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

function Said({
  outcome: { answer, error, tookMs, why },
  isLogged,
}: {
  readonly outcome: Outcome;
  readonly isLogged: boolean;
}): JSX.Element | null {
  if (error !== undefined)
    return (
      <p role="alert">
        <State tone="bad">refused</State> {error}
      </p>
    );
  const [prediction] = answer?.predictions ?? [];
  if (answer === undefined || prediction === undefined) return why === undefined ? <p role="alert">No prediction came back.</p> : null;
  const shares = Object.entries(prediction.probabilities ?? {}).sort(([, one], [, other]) => other - one);
  const { outlier } = prediction;
  return (
    <>
      <p>
        <b>{prediction.label ?? (prediction.value === undefined ? '—' : number(prediction.value))}</b>
        {shares.length > 0 && ` (${shares.map(([name, share]) => `${name} ${percent(share)}`).join(', ')})`}, said by {answer.model} version{' '}
        {answer.version} in {duration(tookMs)};{' '}
        {isLogged ? <a href={recordPath('prediction', prediction.id)}>prediction {prediction.id}</a> : `prediction ${prediction.id}`}{' '}
        <Copy text={prediction.id} what="prediction id" />
        {isLogged && <span class="quiet"> (its page is there once the log has arrived)</span>}
      </p>
      {outlier !== undefined && (
        <p>
          {outlier.isOutlier ? (
            <State tone="warn">unlike the rows that the model learned from</State>
          ) : (
            <State tone="good">like the rows that the model learned from</State>
          )}{' '}
          <span class="quiet">
            (outlier score {number(outlier.score, 3)}; beyond {number(outlier.threshold, 3)} a row is an outlier)
          </span>
        </p>
      )}
    </>
  );
}

/** Of a model of pictures: a map of each class, of squares that a person can make out and that are soon computed. */
function mapOptions({ inputs, classes }: Signature): Pick<ExplainRequest, 'method' | 'classes' | 'patch' | 'stride'> {
  const image = inputs.length === 1 ? inputs[0]?.image : undefined;
  if (image === undefined) return {};
  const patch = Math.max(1, Math.ceil(Math.min(image.width, image.height) / 7));
  return {
    method: 'occlusion',
    patch,
    stride: Math.max(1, Math.floor(patch / 2)),
    ...(classes.length === 0 ? {} : { classes: classes.slice(0, 20) }),
  };
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
