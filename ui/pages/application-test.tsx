import type { JSX } from 'preact';
import type { ApplicationTestReport, Certification } from '#contract';
import { Intervals } from '../charts/bars.tsx';
import { send } from '../lib/api.ts';
import { counted, duration, number, shortDigest } from '../lib/format.ts';
import { metricLabel } from '../lib/metrics.ts';
import { recordPath } from '../lib/records.ts';
import { type Page as PageOf, useResource } from '../lib/resource.ts';
import { versionName, versionOf } from '../lib/versions.ts';
import { Action } from '../parts/action.tsx';
import { Card, Facts, LineageStrip, Load, Page, RawJson } from '../parts/page.tsx';
import { Verdict, WordState } from '../parts/state.tsx';
import { Table } from '../parts/table.tsx';
import { DigestText, RecordRef, When, Who } from '../parts/values.tsx';
import { VersionRef } from '../parts/version-ref.tsx';
import {
  ComparisonWithProduction,
  ErrorsCard,
  FootprintCard,
  ProductionRequestsCard,
  RequirementsCard,
  RobustnessCard,
  SaturationCard,
  ValidationCard,
} from './application-test-cards.tsx';
import { releaseKinds } from './release-actions.tsx';
import { Checks, FairnessCard, Slices } from './report-cards.tsx';

/** One report, to be read in five minutes: a verdict for each requirement, worst cases, then every check and figure. */
export function ApplicationTestPage({ id }: { readonly id: string }): JSX.Element {
  const report = useResource<ApplicationTestReport>(`application-tests/${id}`);
  const certifications = useResource<PageOf<Certification>>('certifications?limit=1000', releaseKinds);
  const given = certifications.data?.items.filter((item) => item.report === id) ?? [];
  return (
    <Load of={report} what="This report">
      {(data) => {
        const failed = data.checks.filter(({ passed }) => !passed);
        const version = versionOf(data.modelVersion);
        return (
          <Page
            kind="Application tests"
            title={versionName(data.modelVersion)}
            crumbs={[
              ...(version?.run === undefined ? [] : [{ text: 'run', href: recordPath('run', version.run) }]),
              { text: versionName(data.modelVersion), href: recordPath('model_version', data.modelVersion) },
            ]}
            truth={
              <p>
                <Verdict
                  passed={data.passed}
                  yes={`all ${data.checks.length} checks passed`}
                  no={`${failed.length} of ${data.checks.length} checks failed`}
                />{' '}
                in {data.environment}, generation {data.generation};{' '}
                {given[0] === undefined ? 'not certified yet' : <WordState word={given[0].verdict} />}; run <When at={data.endedAt} /> by{' '}
                <Who actor={data.startedBy} /> in {duration(Date.parse(data.endedAt) - Date.parse(data.startedAt))}
              </p>
            }
            actions={
              <>
                <Certify report={data} verdict="certified" given={given} />
                <Certify report={data} verdict="refused" given={given} />
              </>
            }
          >
            <LineageStrip
              steps={[
                { what: 'model version', text: <VersionRef id={data.modelVersion} /> },
                { what: 'application tests', text: data.environment, here: true },
                ...given.map((item) => ({ what: item.verdict, text: <Who actor={item.certifiedBy} /> })),
              ]}
            />
            <div class="cards">
              {given.map((item) => (
                <Card key={item.id} title="Certification" wide>
                  <p>
                    <WordState word={item.verdict} /> by <Who actor={item.certifiedBy} /> <When at={item.certifiedAt} />
                  </p>
                  <blockquote>{item.statement}</blockquote>
                </Card>
              ))}
              {data.requirements !== undefined && <RequirementsCard requirements={data.requirements} />}
              {data.comparison !== undefined && <ComparisonWithProduction comparison={data.comparison} />}
              {data.production !== undefined && <ProductionRequestsCard production={data.production} />}
              {data.validation !== undefined && <ValidationCard validation={data.validation} />}
              {data.robustness !== undefined && <RobustnessCard robustness={data.robustness} />}
              {data.errors !== undefined && data.errors.length > 0 && <ErrorsCard errors={data.errors} />}
              {data.slices !== undefined && <Slices slices={data.slices} />}
              {data.fairness !== undefined && data.fairness.length > 0 && <FairnessCard fairness={data.fairness} />}
              <Card
                title="Checks"
                wide
                says={failed.length === 0 ? 'Every check passed.' : `${counted(failed.length, 'check')} failed; they stand first.`}
              >
                <Checks checks={data.checks} name="checks" caption="Application checks" />
              </Card>
              {data.load !== undefined && <LoadCard load={data.load} />}
              {data.saturation !== undefined && <SaturationCard saturation={data.saturation} />}
              {(data.footprint !== undefined || data.soak !== undefined) && (
                <FootprintCard
                  {...(data.footprint === undefined ? {} : { footprint: data.footprint })}
                  {...(data.soak === undefined ? {} : { soak: data.soak })}
                />
              )}
              {data.accuracy !== undefined && (
                <Card
                  title="Accuracy over HTTP"
                  says={
                    <>
                      On {counted(data.accuracy.rows, 'row')} of <RecordRef kind="dataset_version" id={data.accuracy.dataset} />, which its
                      test report speaks of.
                    </>
                  }
                >
                  <Table
                    name="accuracy"
                    caption="Metrics over HTTP"
                    rows={Object.entries(data.accuracy.metrics)}
                    rowKey={([name]) => name}
                    columns={[
                      { key: 'metric', head: 'Metric', value: ([name]) => metricLabel(name) },
                      { key: 'value', head: 'Value', number: true, value: ([, value]) => value, cell: ([, value]) => number(value, 3) },
                    ]}
                  />
                </Card>
              )}
              <Card title="Record" wide>
                <Facts
                  facts={[
                    ['Report digest', <DigestText digest={data.digest} />],
                    ['Package', <DigestText digest={data.package} />],
                  ]}
                />
                <RawJson value={data} />
              </Card>
            </div>
          </Page>
        );
      }}
    </Load>
  );
}

function LoadCard({ load }: { readonly load: NonNullable<ApplicationTestReport['load']> }): JSX.Element {
  return (
    <Card
      title="Under load"
      says={`${counted(load.requests, 'request')} in ${duration(load.durationMs)}: ${number(load.ratePerSecond, 0)} per second, ${load.errors === 0 ? 'no error' : counted(load.errors, 'error')}.`}
    >
      <Intervals
        label="Latency"
        zero
        rows={(
          [
            ['half of the requests', load.p50Ms],
            ['95 of 100', load.p95Ms],
            ['99 of 100', load.p99Ms],
            ['all', load.maxMs],
          ] as const
        ).map(([name, value]) => ({ name: `${name} within`, value, text: duration(value) }))}
      />
    </Card>
  );
}

function Certify({
  report,
  verdict,
  given,
}: {
  readonly report: ApplicationTestReport;
  readonly verdict: 'certified' | 'refused';
  readonly given: readonly Certification[];
}): JSX.Element {
  const version = versionOf(report.modelVersion);
  const already = given.some((item) => item.verdict === verdict);
  return (
    <Action
      label={verdict === 'certified' ? 'Certify' : 'Refuse'}
      permission="certify"
      primary={verdict === 'certified'}
      missing={[
        ...(already ? [`this report is ${verdict} already`] : []),
        ...(verdict === 'certified' && !report.passed ? ['checks failed: only a report whose checks all passed can be certified'] : []),
      ]}
      explain={
        <>
          <p>
            The report <code>{shortDigest(report.digest)}</code> of <b>{versionName(report.modelVersion)}</b>, package{' '}
            <code>{shortDigest(report.package)}</code>, is {verdict} in your name. It cannot be taken back; a later verdict stands beside
            it.
          </p>
          {version !== undefined && <p>Its author, {version.createdBy.name}, cannot certify it; neither can its certifier approve it.</p>}
        </>
      }
      statement={{ label: 'Statement', hint: 'What was looked at, and why this verdict. It is kept with the certification.' }}
      act={(statement) => send('POST', 'certifications', { report: report.id, verdict, statement })}
    />
  );
}
