import type { Actor } from '#contract';
import { GyreError } from '#core';
import type { MlflowCall } from './port.ts';

/** Who asks, as records name it. @throws GyreError UNAUTHENTICATED on a public route, where nobody is known */
export function actorOfCall({ principal }: MlflowCall): Actor {
  if (principal === undefined) throw new GyreError('UNAUTHENTICATED', 'nobody was recognised');
  return principal.actor;
}
