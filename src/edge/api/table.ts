import { openApiDocument } from './openapi.ts';
import type { OpenApiDocument } from './openapi.ts';
import type { Route } from './route.ts';
import { agentRoutes } from './routes/agents.ts';
import { agentCallRoutes } from './routes/agent-calls.ts';
import { accessRoutes } from './routes/access.ts';
import { backupRoutes } from './routes/backups.ts';
import { batchRoutes } from './routes/batch.ts';
import { batchScheduleRoutes } from './routes/batch-schedules.ts';
import { streamRoutes } from './routes/streams.ts';
import { blobStorageRoutes } from './routes/blob-storage.ts';
import { ciRoutes } from './routes/ci.ts';
import { charterRoutes } from './routes/charter.ts';
import { dataRoutes } from './routes/data/data.ts';
import { evaluationRoutes } from './routes/evaluation.ts';
import { garbageRoutes } from './routes/garbage.ts';
import { governanceRoutes } from './routes/governance.ts';
import { grantRoutes } from './routes/grants.ts';
import { importRoutes } from './routes/imports.ts';
import { predictionSegmentRoutes } from './routes/prediction-segments.ts';
import { monitoringRoutes } from './routes/monitoring.ts';
import { pipelineRoutes } from './routes/pipelines.ts';
import { platformRoutes } from './routes/platform.ts';
import { projectRoutes } from './routes/project.ts';
import { conversionRoutes } from './routes/conversions.ts';
import { deliveryRoutes } from './routes/delivery.ts';
import { manifestRoutes } from './routes/manifests.ts';
import { registryChangeRoutes } from './routes/registry-changes.ts';
import { registryRoutes } from './routes/registry.ts';
import { releaseRoutes } from './routes/release.ts';
import { rolloutRoutes } from './routes/rollouts.ts';
import { applicationTestRoutes } from './routes/application-tests.ts';
import { signOffQueueRoutes } from './routes/sign-off-queue.ts';
import { releaseDiffRoutes } from './routes/release-diff.ts';
import { findingRoutes } from './routes/findings.ts';
import { releasePolicyRoutes } from './routes/release-policies.ts';
import { releaseSignOffRoutes } from './routes/release-sign-off.ts';
import { modelImageRoutes } from './routes/model-images.ts';
import { videoRoutes } from './routes/videos.ts';
import { scheduleRoutes } from './routes/schedules.ts';
import { runEvidenceRoutes } from './routes/tracking/run-evidence.ts';
import { runCommentRoutes } from './routes/tracking/run-comments.ts';
import { runCheckoutRoutes } from './routes/tracking/run-checkout.ts';
import { runChangeRoutes } from './routes/tracking/run-changes.ts';
import { reportRoutes } from './routes/tracking/reports.ts';
import { runTableRoutes } from './routes/tracking/run-table.ts';
import { viewRoutes } from './routes/tracking/views.ts';
import { loggedModelRoutes } from './routes/logged-models.ts';
import { trainingRoutes } from './routes/training.ts';
import { teamRoutes } from './routes/teams.ts';
import { mailRoutes } from './routes/mail.ts';
import { webhookRoutes } from './routes/webhooks.ts';
import { workspaceRoutes } from './routes/workspace.ts';

/** The one table of routes: what is registered, documented, and walked by the tests. */
export function allRoutes(): readonly Route[] {
  const table: readonly Route[] = [
    ...platformRoutes(() => table),
    ...accessRoutes,
    ...grantRoutes,
    ...teamRoutes,
    ...projectRoutes,
    ...charterRoutes,
    ...pipelineRoutes,
    ...ciRoutes,
    ...scheduleRoutes,
    ...dataRoutes,
    ...workspaceRoutes,
    ...trainingRoutes,
    ...loggedModelRoutes,
    ...importRoutes,
    ...runTableRoutes,
    ...viewRoutes,
    ...reportRoutes,
    ...runChangeRoutes,
    ...runCheckoutRoutes,
    ...runCommentRoutes,
    ...runEvidenceRoutes,
    ...evaluationRoutes,
    ...registryRoutes,
    ...registryChangeRoutes,
    ...conversionRoutes,
    ...deliveryRoutes,
    ...manifestRoutes,
    ...modelImageRoutes,
    ...mailRoutes,
    ...webhookRoutes,
    ...releaseRoutes,
    ...rolloutRoutes,
    ...agentRoutes,
    ...agentCallRoutes,
    ...applicationTestRoutes,
    ...releaseSignOffRoutes,
    ...releasePolicyRoutes,
    ...releaseDiffRoutes,
    ...findingRoutes,
    ...signOffQueueRoutes,
    ...videoRoutes,
    ...batchRoutes,
    ...batchScheduleRoutes,
    ...streamRoutes,
    ...monitoringRoutes,
    ...predictionSegmentRoutes,
    ...governanceRoutes,
    ...garbageRoutes,
    ...blobStorageRoutes,
    ...backupRoutes,
  ];
  return table;
}

/** The API as an OpenAPI 3.1 document, without a server. @param version of Gyre */
export function apiDescription(version: string): OpenApiDocument {
  return openApiDocument(allRoutes(), version);
}
