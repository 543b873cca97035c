import type { Counter, Gauge, Metrics } from '#telemetry';

export interface StreamMetrics {
  readonly consumed: Counter;
  readonly redelivered: Counter;
  readonly published: Counter;
  readonly deadLetters: Counter;
  readonly retries: Counter;
  readonly lag: Gauge;
  readonly inFlight: Gauge;
  readonly connected: Gauge;
}

/** What streams count, each by its name (`stream`). */
export function streamMetrics(metrics: Metrics): StreamMetrics {
  const labels = ['stream'];
  return {
    consumed: metrics.counter({ name: 'gyre_stream_consumed_total', help: 'Messages that were taken from the topic.', labels }),
    redelivered: metrics.counter({
      name: 'gyre_stream_redelivered_total',
      help: 'Messages among them that were delivered before.',
      labels,
    }),
    published: metrics.counter({ name: 'gyre_stream_published_total', help: 'Answers that the broker has.', labels }),
    deadLetters: metrics.counter({
      name: 'gyre_stream_dead_letters_total',
      help: 'Messages without an answer that went to the topic of dead letters, by the code of the reason.',
      labels: ['stream', 'code'],
    }),
    retries: metrics.counter({
      name: 'gyre_stream_retries_total',
      help: 'What was tried again: take, publish and acknowledge (the broker), answer (the model).',
      labels: ['stream', 'what'],
    }),
    lag: metrics.gauge({ name: 'gyre_stream_lag', help: 'Messages of the topic that the group has not acknowledged.', labels }),
    inFlight: metrics.gauge({ name: 'gyre_stream_in_flight', help: 'Messages that were taken and not acknowledged.', labels }),
    connected: metrics.gauge({ name: 'gyre_stream_connected', help: '1 while the brokers answer, 0 while they are waited for.', labels }),
  };
}
