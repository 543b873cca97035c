import type { JSX } from 'preact';
import type { CharterVersion } from '#contract';
import { metricLabel, thresholdWords } from '../lib/metrics.ts';
import { recordPath } from '../lib/records.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { queryValue } from '../lib/router.ts';
import { Card, Empty, Facts, Load, Page, RawJson } from '../parts/page.tsx';
import { DigestText, When } from '../parts/values.tsx';

/** Why the project is there, and what counts as success: every version of these words. */
export function CharterPage(): JSX.Element {
  const list = useResource<PageOf<CharterVersion>>('charter-versions?limit=100', ['charter.']);
  const wanted = queryValue('version');
  return (
    <Load of={list} what="The charter">
      {({ items }) => {
        const shown = items.find(({ digest }) => digest === wanted) ?? items[0];
        if (shown === undefined) {
          return (
            <Page title="Charter">
              <Empty title="No charter is recorded yet.">
                Its words stand under <code>charter</code> in gyre.yaml; the first pipeline run records them.
              </Empty>
            </Page>
          );
        }
        return <Charter version={shown} all={items} />;
      }}
    </Load>
  );
}

function Charter({ version, all }: { readonly version: CharterVersion; readonly all: readonly CharterVersion[] }): JSX.Element {
  const { charter } = version;
  const list = (items: readonly string[] | undefined): JSX.Element | string =>
    items === undefined || items.length === 0 ? (
      '—'
    ) : (
      <ul>
        {items.map((item) => (
          <li key={item}>{item}</li>
        ))}
      </ul>
    );
  return (
    <Page
      kind="Charter"
      title={`of ${version.project}`}
      truth={
        <p>
          Version {version.version} of {all.length}, recorded <When at={version.recordedAt} />; owner <b>{charter.owner}</b>; success is{' '}
          {Object.entries(charter.success)
            .map(([metric, threshold]) => `${metricLabel(metric)} ${thresholdWords(threshold)}`)
            .join(' and ')}
        </p>
      }
      actions={<a href="/charter/documents">Problem statement, charter and data report, to be confirmed</a>}
    >
      <div class="cards">
        <Card title="Problem" wide>
          <p class="prose">{charter.problem}</p>
        </Card>
        <Card title="Scope">
          <Facts
            facts={[
              ['In', list(charter.scope?.in)],
              ['Out', list(charter.scope?.out)],
              ['Constraints', list(charter.constraints)],
            ]}
          />
        </Card>
        <Card title="People and time">
          <Facts
            facts={[
              ['Owner', charter.owner],
              ['Stakeholders', list(charter.stakeholders)],
              ['Risk', charter.risk ?? 'limited'],
              ...Object.entries(charter.timeline ?? {}).map(([name, text]): readonly [string, string] => [name, text]),
            ]}
          />
        </Card>
        {charter.kpis !== undefined && (
          <Card title="KPIs">
            <Facts
              facts={charter.kpis.map(({ name, target, measuredBy }): readonly [string, string] => [
                name,
                `${target}${measuredBy === undefined ? '' : `; measured by ${measuredBy}`}`,
              ])}
            />
          </Card>
        )}
        {charter.personalData !== undefined && (
          <Card title="Personal data">
            <Facts
              facts={[
                ['Columns', charter.personalData.columns.join(', ')],
                ['Purpose', charter.personalData.purpose],
                ['Legal basis', charter.personalData.legalBasis],
                ['Retention', charter.personalData.retention ?? '—'],
              ]}
            />
          </Card>
        )}
        {(
          [
            ['Assumptions', charter.assumptions],
            ['Decisions', charter.decisions],
          ] as const
        ).map(([title, statements]) =>
          statements === undefined || statements.length === 0 ? null : (
            <Card key={title} title={title} wide>
              <ul class="statements">
                {statements.map(({ text, reason, author, date }) => (
                  <li key={text}>
                    <p>{text}</p>
                    <p class="quiet">
                      {reason} — {author}, {date}
                    </p>
                  </li>
                ))}
              </ul>
            </Card>
          ),
        )}
        <Card title="Record" wide>
          <Facts
            facts={all.map((one): readonly [string, JSX.Element] => [
              `Version ${one.version}`,
              <DigestText digest={one.digest} href={recordPath('charter', one.digest)} />,
            ])}
          />
          <RawJson value={version} />
        </Card>
      </div>
    </Page>
  );
}
