export { createLogger, logLevels } from './logger.ts';
export type { LogLevel, Logger, LoggerOptions } from './logger.ts';
export { createMetrics, metricsContentType } from './metrics.ts';
export type { Counter, Gauge, Histogram, HistogramOptions, Labels, MetricOptions, Metrics } from './metrics.ts';
export { watchProcess } from './process-metrics.ts';
export { formatTraceparent, parseTraceparent, startTrace } from './trace.ts';
export type { TraceContext } from './trace.ts';
