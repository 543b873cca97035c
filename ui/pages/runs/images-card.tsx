import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ArtifactFile, Run } from '#contract';
import { get } from '../../lib/api.ts';
import { previewOf } from '../../lib/preview.ts';
import type { Page } from '../../lib/resource.ts';
import { queryValue, setQuery } from '../../lib/router.ts';
import { Card } from '../../parts/page.tsx';
import { useContent } from './file-preview.tsx';
import { nameOf, type Pair, PairChoice } from './pair.tsx';

const mostFiles = 1000;
const mostBytes = 5_000_000;

/** Pictures that two runs have under the same path: one over the other with a slider between them, and side by side. */
export function ImagesCard({ runs, pair }: { readonly runs: readonly Run[]; readonly pair: Pair }): JSX.Element | null {
  const { left, right } = pair;
  const [before, after] = [useImages(left.id), useImages(right.id)];
  const paths = before.filter((path) => after.includes(path));
  const asked = queryValue('image');
  const path = paths.find((one) => one === asked) ?? paths[0];
  const [share, setShare] = useState(50);
  const first = useContent(path === undefined ? undefined : { run: left.id, path, asData: true });
  const second = useContent(path === undefined ? undefined : { run: right.id, path, asData: true });
  if (path === undefined) return null;
  const picture = (content: typeof first, run: Run): JSX.Element =>
    content === undefined ? (
      <p class="quiet">…</p>
    ) : 'error' in content ? (
      <p class="tone-bad">{content.error}</p>
    ) : (
      <img src={content.text} alt={`${path} of ${nameOf(run)}`} />
    );
  return (
    <Card
      title="Pictures"
      wide
      aside={
        <>
          <PairChoice runs={runs} pair={pair} />{' '}
          <label>
            <span class="visually-hidden">Picture</span>
            <select value={path} onChange={(event) => setQuery({ image: event.currentTarget.value })}>
              {paths.map((one) => (
                <option key={one} value={one}>
                  {one}
                </option>
              ))}
            </select>
          </label>
        </>
      }
    >
      <div class="two-pictures">
        <figure>
          <div class="over">
            {picture(first, left)}
            <div class="over-second" style={{ clipPath: `inset(0 0 0 ${share}%)` }}>
              {picture(second, right)}
            </div>
            <i class="over-line" style={{ left: `${share}%` }} />
          </div>
          <label class="over-slider">
            <span>{nameOf(left)}</span>
            <input
              type="range"
              min="0"
              max="100"
              value={share}
              aria-label={`How much of the picture is of ${nameOf(left)}`}
              aria-valuetext={`${share} % ${nameOf(left)}`}
              onInput={(event) => setShare(Number(event.currentTarget.value))}
            />
            <span>{nameOf(right)}</span>
          </label>
        </figure>
        <figure>
          {picture(first, left)}
          <figcaption>{nameOf(left)}</figcaption>
        </figure>
        <figure>
          {picture(second, right)}
          <figcaption>{nameOf(right)}</figcaption>
        </figure>
      </div>
    </Card>
  );
}

/** The pictures that a run left, by path. */
function useImages(run: string): readonly string[] {
  const [paths, setPaths] = useState<readonly string[]>([]);
  useEffect(() => {
    const stopped = new AbortController();
    get<Page<ArtifactFile>>(`runs/${encodeURIComponent(run)}/artifacts?all=true&limit=${mostFiles}`, stopped.signal).then(
      ({ items }) => setPaths(items.filter(({ path, size }) => previewOf(path) === 'image' && size <= mostBytes).map(({ path }) => path)),
      () => setPaths([]),
    );
    return () => stopped.abort();
  }, [run]);
  return paths;
}
