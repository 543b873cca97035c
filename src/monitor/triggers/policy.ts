import type { Action, Alert } from '#contract';

export type ActionKind = Action['kind'];

/** What an alert leads to, in the order in which it is done. */
export interface Decision {
  readonly kind: ActionKind;
  /** A sentence: why this, for this alert. */
  readonly reason: string;
}

export interface Policy {
  /** What the project asks for when an alert is raised. */
  readonly onAlert: readonly ActionKind[];
  /** Labelled rows since the change that a retraining waits for. */
  readonly minRows: number;
}

/** What a retraining is no answer to: slow answers and broken inputs stay slow and broken with a new model. */
const notCuredByRetraining: ReadonlySet<Alert['kind']> = new Set(['latency', 'integrity']);

/**
 * Decides which actions follow an alert. Pure: the same policy and alert give the same decisions. An alert that is over by the time it is
 * heard of is still told of, and nothing more.
 */
export function decide(policy: Policy, alert: Alert): readonly Decision[] {
  const isOver = alert.state === 'resolved';
  return policy.onAlert.flatMap((kind): readonly Decision[] => {
    switch (kind) {
      case 'notify':
        return [{ kind, reason: alert.cause }];
      case 'retrain':
        if (isOver || notCuredByRetraining.has(alert.kind)) return [];
        return [{ kind, reason: `${alert.title}; waits for ${policy.minRows} labelled rows since ${alert.since.slice(0, 10)}` }];
      case 'roll_back':
        return isOver ? [] : [{ kind, reason: alert.title }];
    }
  });
}
