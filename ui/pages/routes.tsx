import type { ComponentType, JSX } from 'preact';
import type { Route, RouteParameters } from '../lib/route-table.ts';
import { lazy } from '../parts/lazy.tsx';
import { Page } from '../parts/page.tsx';
import { AccessPage } from './access.tsx';
import { AlertPage, AlertsPage } from './alerts.tsx';
import { AuditPage } from './audit.tsx';
import { BatchPage } from './batch.tsx';
import { StreamPredictionsPage } from './stream-predictions.tsx';
import { ApplicationTestPage } from './application-test.tsx';
import { CertificationPage } from './certification.tsx';
import { CharterDocumentsPage } from './charter-documents.tsx';
import { CharterPage } from './charter.tsx';
import { DataPage } from './data.tsx';
import { DatasetPage } from './dataset.tsx';
import { DatasetDiffPage } from './dataset-diff.tsx';
import { DatasetVersionPage } from './dataset-version.tsx';
import { DeliveryPage } from './delivery.tsx';
import { EnvironmentsPage } from './environments.tsx';
import { ExperimentsPage, StudyPage } from './experiments.tsx';
import { HealthPage } from './health.tsx';
import { ImportsPage } from './imports.tsx';
import { LoggedModelPage, LoggedModelsPage } from './logged-models.tsx';
import { LoopPage } from './loop.tsx';
import { MentionsPage } from './mentions.tsx';
import { ModelPage, ModelsPage } from './models.tsx';
import { PipelineRunPage, PipelinesPage } from './pipelines.tsx';
import { PredictionPage, PredictionsPage, TracePage } from './predictions.tsx';
import { ReleasesPage } from './releases.tsx';
import { SourcesPage } from './sources.tsx';
import { SqlPage } from './sql.tsx';
import { SplitPage } from './split.tsx';
import { StepItemsPage } from './step-items.tsx';
import { StoragePage } from './storage.tsx';
import { WebhooksPage } from './webhooks.tsx';
import { WindowPage } from './window.tsx';
import { WorkspacePage } from './workspace.tsx';

/** What draws a page, given the parts of its address. */
export type Draw = (parameters: RouteParameters) => JSX.Element;

const plain =
  (Drawn: ComponentType): Draw =>
  () => <Drawn />;
const byId =
  (Drawn: ComponentType<{ readonly id: string }>): Draw =>
  ({ id = '' }) => <Drawn key={id} id={id} />;

/* Pages with much code of their own come when they are first shown. */
const EndpointsPage = lazy(async () => (await import('./endpoints.tsx')).EndpointsPage);
const EndpointPage = lazy(async () => (await import('./endpoints.tsx')).EndpointPage);
const RolloutPage = lazy(async () => (await import('./rollout.tsx')).RolloutPage);
const ModelVersionPage = lazy(async () => (await import('./model-version.tsx')).ModelVersionPage);
const TestReportPage = lazy(async () => (await import('./model-version.tsx')).TestReportPage);
const VersionByIdPage = lazy(async () => (await import('./model-version.tsx')).VersionByIdPage);
const ComparePage = lazy(async () => (await import('./runs/compare.tsx')).ComparePage);
const SignOffQueuePage = lazy(async () => (await import('./sign-off-queue.tsx')).SignOffQueuePage);
const PoliciesPage = lazy(async () => (await import('./policies.tsx')).PoliciesPage);
const CiRunsPage = lazy(async () => (await import('./ci.tsx')).CiRunsPage);
const CiRunPage = lazy(async () => (await import('./ci.tsx')).CiRunPage);
const ReleaseDiffPage = lazy(async () => (await import('./release-diff.tsx')).ReleaseDiffPage);
const VideoPage = lazy(async () => (await import('./video.tsx')).VideoPage);
const RunPage = lazy(async () => (await import('./run.tsx')).RunPage);
const TransformPage = lazy(async () => (await import('./run.tsx')).TransformPage);
const ViewPage = lazy(async () => (await import('./runs/view-tools.tsx')).ViewPage);
const ReportsPage = lazy(async () => (await import('./reports/reports.tsx')).ReportsPage);
const ReportPage = lazy(async () => (await import('./reports/report.tsx')).ReportPage);
const NewReportPage = lazy(async () => (await import('./reports/report.tsx')).NewReportPage);
const ExperimentPage = lazy(async () => (await import('./runs/experiment.tsx')).ExperimentPage);

/** Every address of these pages. */
export const routes: readonly Route<Draw>[] = [
  { pattern: '/', page: plain(LoopPage) },
  { pattern: '/charter', page: plain(CharterPage) },
  { pattern: '/charter/documents', page: plain(CharterDocumentsPage) },
  { pattern: '/data', page: plain(DataPage) },
  { pattern: '/sources', page: plain(SourcesPage) },
  { pattern: '/storage', page: plain(StoragePage) },
  { pattern: '/workspace', page: plain(WorkspacePage) },
  { pattern: '/datasets/:name', page: ({ name = '' }) => <DatasetPage key={name} name={name} /> },
  { pattern: '/data/:digest', page: ({ digest = '' }) => <DatasetVersionPage key={digest} digest={digest} /> },
  {
    pattern: '/data/:digest/diff/:other',
    page: ({ digest = '', other = '' }) => <DatasetDiffPage key={digest + other} from={digest} to={other} />,
  },
  { pattern: '/data/:digest/sql', page: ({ digest = '' }) => <SqlPage key={digest} digest={digest} /> },
  { pattern: '/splits/:id', page: byId(SplitPage) },
  { pattern: '/transforms/:id', page: byId(TransformPage) },
  { pattern: '/pipelines', page: plain(PipelinesPage) },
  { pattern: '/pipelines/:id', page: byId(PipelineRunPage) },
  { pattern: '/pipelines/:id/:step', page: ({ id = '', step = '' }) => <StepItemsPage key={id + step} run={id} step={step} /> },
  { pattern: '/ci', page: () => <CiRunsPage /> },
  { pattern: '/ci/:id', page: byId(CiRunPage) },
  { pattern: '/experiments', page: plain(ExperimentsPage) },
  { pattern: '/experiments/:id', page: byId(ExperimentPage) },
  { pattern: '/views/:id', page: byId(ViewPage) },
  { pattern: '/reports', page: plain(ReportsPage) },
  { pattern: '/reports/new', page: plain(NewReportPage) },
  { pattern: '/reports/:id', page: byId(ReportPage) },
  { pattern: '/imports', page: plain(ImportsPage) },
  { pattern: '/compare', page: plain(ComparePage) },
  { pattern: '/studies/:id', page: byId(StudyPage) },
  { pattern: '/runs/:id', page: byId(RunPage) },
  { pattern: '/test-reports/:id', page: byId(TestReportPage) },
  { pattern: '/logged-models', page: plain(LoggedModelsPage) },
  { pattern: '/logged-models/:id', page: byId(LoggedModelPage) },
  { pattern: '/models', page: plain(ModelsPage) },
  { pattern: '/models/:name', page: ({ name = '' }) => <ModelPage key={name} name={name} /> },
  {
    pattern: '/models/:name/:version',
    page: ({ name = '', version = '' }) => <ModelVersionPage key={`${name}/${version}`} model={name} version={version} />,
  },
  { pattern: '/versions/:id', page: byId(VersionByIdPage) },
  { pattern: '/certification', page: plain(CertificationPage) },
  { pattern: '/certification/:id', page: byId(ApplicationTestPage) },
  { pattern: '/releases', page: plain(ReleasesPage) },
  { pattern: '/release-diff', page: () => <ReleaseDiffPage /> },
  { pattern: '/rollouts/:id', page: byId(RolloutPage) },
  { pattern: '/waiting', page: () => <SignOffQueuePage /> },
  { pattern: '/policies', page: () => <PoliciesPage /> },
  { pattern: '/endpoints', page: plain(EndpointsPage) },
  {
    pattern: '/endpoints/:environment',
    page: ({ environment = '' }) => <EndpointPage key={environment} environment={environment} />,
  },
  { pattern: '/batch', page: plain(BatchPage) },
  { pattern: '/stream-predictions', page: plain(StreamPredictionsPage) },
  { pattern: '/environments', page: plain(EnvironmentsPage) },
  { pattern: '/delivery', page: plain(DeliveryPage) },
  { pattern: '/video', page: () => <VideoPage /> },
  { pattern: '/monitor', page: plain(HealthPage) },
  { pattern: '/monitor/:id', page: byId(WindowPage) },
  { pattern: '/alerts', page: plain(AlertsPage) },
  { pattern: '/alerts/:id', page: byId(AlertPage) },
  { pattern: '/predictions', page: plain(PredictionsPage) },
  { pattern: '/predictions/:id', page: byId(PredictionPage) },
  { pattern: '/trace/:kind/:id', page: ({ kind = '', id = '' }) => <TracePage key={kind + id} kind={kind} id={id} /> },
  { pattern: '/audit', page: plain(AuditPage) },
  { pattern: '/webhooks', page: plain(WebhooksPage) },
  { pattern: '/mentions', page: plain(MentionsPage) },
  { pattern: '/access', page: plain(AccessPage) },
];

/** An address that leads nowhere. */
export function NoSuchPage({ path }: { readonly path: string }): JSX.Element {
  return (
    <Page title="No such page">
      <p>
        There is no page at <code>{path}</code>. Search with Ctrl-K, or go to the <a href="/">loop</a>.
      </p>
    </Page>
  );
}
