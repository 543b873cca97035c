import type { AgentReport } from '#contract';
import { isoInstant } from '#core';
import type { Keeper } from './keeper.ts';
import type { AgentDeps, AgentPlane } from './port.ts';

/** What an agent says of itself now. */
export async function reportOf({
  clock,
  host,
  plane,
  keeper,
}: Pick<AgentDeps, 'clock' | 'host'> & { readonly plane: AgentPlane; readonly keeper: Keeper }): Promise<AgentReport> {
  const { address } = plane;
  const figures = address === undefined ? undefined : await plane.figures();
  const { serving, refused, checks } = keeper;
  return {
    at: isoInstant(clock.now()),
    doing: keeper.doing,
    ...(serving === undefined || address === undefined ? {} : { serving }),
    ...(refused === undefined ? {} : { refused }),
    ...(checks === undefined ? {} : { checks: [...checks] }),
    ...(address === undefined || figures === undefined
      ? {}
      : {
          plane: {
            address,
            ready: figures.ready,
            inFlight: figures.inFlight,
            requests: figures.traffic.requests,
            errors: figures.traffic.errors,
            memoryBytes: figures.memory.usedBytes,
            ...(figures.spool === undefined ? {} : { segments: figures.spool.segments }),
          },
        }),
    host,
  };
}
