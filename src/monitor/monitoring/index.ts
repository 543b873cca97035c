export type {
  IngestSegment,
  JoinedLabel,
  LabelledFrame,
  LabelsJoined,
  MonitorSettings,
  Monitoring,
  MonitoringDeps,
  PerformanceSummary,
  PerformanceThreshold,
  PredictionEntry,
  PredictionQuery,
  Range,
  RecentQuery,
  RecentRequests,
  SegmentIngested,
  WindowQuery,
} from './port.ts';
export { openMonitoring } from './monitoring.ts';
export { monitoringMigrations } from './migrations/index.ts';
export { monitoringBlobHolders } from './blob-holders.ts';
