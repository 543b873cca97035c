import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { ExplainAnswer, ImageInput } from '#contract';
import { Bars } from '../charts/bars.tsx';
import { duration, number, percent, plain } from '../lib/format.ts';
import { mapSquares, mapWords, methodWords, pushWords, scaleWords } from '../lib/explanation-words.ts';

export interface Why {
  readonly answer: ExplainAnswer;
  readonly tookMs: number;
  /** The picture that was explained, as a `data:` address. */
  readonly picture?: { readonly text: string; readonly image: ImageInput };
}

/** What moved a prediction: bars for columns, a map over a picture. */
export function Explained({ why: { answer, tookMs, picture } }: { readonly why: Why }): JSX.Element {
  const [row] = answer.explanations ?? [];
  return (
    <section aria-label="Why" class="why">
      <h3>Why</h3>
      {picture !== undefined && answer.maps !== undefined && <PictureMap maps={answer.maps} picture={picture} />}
      {row !== undefined && (
        <>
          <p>{pushWords(row)}</p>
          <Bars
            label="Contributions"
            unit={scaleWords(answer, row)}
            file="contributions"
            signedColours
            bars={row.contributions.slice(0, 16).map(({ feature, value, contribution }) => ({
              name: feature,
              ...(value === null ? {} : { detail: plain(value) }),
              value: contribution,
            }))}
          />
          <p class="quiet">
            It starts at {number(row.base, 3)} and comes to {number(row.margin, 3)}.
            {row.contributions.length > 16 && ` The ${row.contributions.length - 16} shortest bars are left out.`}
          </p>
        </>
      )}
      <p class="quiet">
        {methodWords(answer, row)} Made in {duration(tookMs)}.
      </p>
    </section>
  );
}

function PictureMap({
  maps,
  picture: { text, image },
}: {
  readonly maps: NonNullable<ExplainAnswer['maps']>;
  readonly picture: NonNullable<Why['picture']>;
}): JSX.Element {
  const [found = []] = maps.images;
  const likeliest = found.toSorted((one, other) => other.score - one.score)[0];
  const [subject, setSubject] = useState<string>();
  const map = found.find((one) => one.class === subject) ?? likeliest;
  if (map === undefined) return <p class="quiet">No map was made.</p>;
  return (
    <>
      <label>
        What speaks for{' '}
        <select value={map.class} onChange={(event) => setSubject(event.currentTarget.value)}>
          {found.map((one) => (
            <option key={one.class} value={one.class}>
              {one.class} ({percent(one.score)})
            </option>
          ))}
        </select>
      </label>
      <p>{mapWords(map)}</p>
      <div class="occlusion" style={{ aspectRatio: `${maps.width} / ${maps.height}` }}>
        <img src={text} alt="" class={image.fit} />
        <svg
          viewBox={`0 0 ${maps.width} ${maps.height}`}
          role="img"
          aria-label={`Where the picture speaks for ${map.class}: ${mapWords(map)}`}
        >
          {mapSquares(map, maps).map(({ x, y, side, strength }) => (
            <rect
              key={`${x} ${y}`}
              x={x}
              y={y}
              width={side}
              height={side}
              class={strength >= 0 ? 'for' : 'against'}
              fill-opacity={Math.abs(strength) * 0.7}
            />
          ))}
        </svg>
      </div>
      <p class="legend">
        <i class="for" /> for {map.class} <i class="against" /> against it
      </p>
    </>
  );
}
