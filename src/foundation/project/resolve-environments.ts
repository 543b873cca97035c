import type { Project } from '#contract';
import { parseDuration } from './conditions.ts';
import { resolveRoll } from './resolve-roll.ts';
import type { ResolvedEnvironment } from './resolved.ts';

const defaultEnvironments: NonNullable<NonNullable<Project['release']>['environments']> = {
  test: { certify: 'qa' },
  production: { approve: 'approver' },
};

const usualAgentsWaitMs = 30_000;

/** The environments of a project in their order, with every default settled. */
export function resolveEnvironments(project: Project): readonly ResolvedEnvironment[] {
  return Object.entries(project.release?.environments ?? defaultEnvironments).map(([name, spec], position) => {
    const roll = resolveRoll(spec.roll);
    return {
      name,
      position,
      ...(spec.certify === undefined ? {} : { certify: spec.certify }),
      ...(spec.approve === undefined ? {} : { approve: spec.approve }),
      approvals: spec.approve === undefined ? 0 : (spec.approvals ?? 1),
      port: spec.port ?? 0,
      grpcPort: spec.grpcPort ?? 0,
      warm: spec.warm ?? 1,
      executesCode: spec.executesCode ?? false,
      agents: spec.agents ?? false,
      agentsWaitMs: spec.agentsWait === undefined ? usualAgentsWaitMs : parseDuration(spec.agentsWait),
      ...(spec.requires === undefined ? {} : { requires: spec.requires }),
      ...(roll === undefined ? {} : { roll }),
    };
  });
}
