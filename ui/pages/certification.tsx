import type { JSX } from 'preact';
import type { ApplicationTestReport, Certification } from '#contract';
import { duration, number } from '../lib/format.ts';
import { recordPath } from '../lib/records.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { versionName } from '../lib/versions.ts';
import { Empty, Load, Page } from '../parts/page.tsx';
import { Verdict, WordState } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { Command, When } from '../parts/values.tsx';
import { releaseKinds } from './release-actions.tsx';

/** Reports of application tests, and what QA experts said of them. */
export function CertificationPage(): JSX.Element {
  const reports = useResource<PageOf<ApplicationTestReport>>('application-tests?limit=200', releaseKinds);
  const certifications = useResource<PageOf<Certification>>('certifications?limit=1000', releaseKinds);
  const byReport = new Map((certifications.data?.items ?? []).map((item) => [item.report, item]));
  return (
    <Page title="Certification" truth={<p>Application tests ask a real data plane over HTTP; a QA expert certifies what they found.</p>}>
      <Load of={reports} what="The application tests">
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No application tests yet.">
              Deploy a candidate to the test environment, then <Command>gyre release test</Command>
            </Empty>
          ) : (
            <Table
              name="certification"
              caption="Application tests"
              rows={items}
              rowKey={({ id }) => id}
              href={({ id }) => recordPath('application_test', id)}
              columns={[
                {
                  key: 'version',
                  head: 'Version',
                  value: ({ modelVersion }) => versionName(modelVersion),
                  cell: ({ modelVersion, id }) => <a href={recordPath('application_test', id)}>{versionName(modelVersion)}</a>,
                },
                { key: 'environment', head: 'Environment', value: ({ environment }) => environment },
                {
                  key: 'verdict',
                  head: 'Checks',
                  value: ({ passed }) => String(passed),
                  cell: ({ passed, checks }) => (
                    <Verdict
                      passed={passed}
                      yes={`all ${checks.length} passed`}
                      no={`${checks.filter((check) => !check.passed).length} of ${checks.length} failed`}
                    />
                  ),
                },
                {
                  key: 'p99',
                  head: 'p99 latency',
                  number: true,
                  value: ({ load }) => load?.p99Ms,
                  cell: ({ load }) => (load === undefined ? '—' : duration(load.p99Ms)),
                },
                {
                  key: 'rate',
                  head: 'Requests per second',
                  number: true,
                  value: ({ load }) => load?.ratePerSecond,
                  cell: ({ load }) => (load === undefined ? '—' : number(load.ratePerSecond, 0)),
                },
                {
                  key: 'certified',
                  head: 'Certification',
                  value: ({ id }) => byReport.get(id)?.verdict ?? 'waits',
                  cell: ({ id }) => {
                    const given = byReport.get(id);
                    return given === undefined ? <WordState word="waiting" /> : <WordState word={given.verdict} />;
                  },
                },
                { key: 'at', head: 'Run', value: ({ endedAt }) => endedAt, cell: ({ endedAt }) => <When at={endedAt} /> },
              ]}
            />
          )
        }
      </Load>
    </Page>
  );
}
