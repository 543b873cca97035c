import { faultAt, noFaults, type Faults } from '#core';

/** Kill tests name a write, fsync or rename at which this process ends itself at once. */
export function faultsFromEnvironment(): Faults {
  const spec = process.env['GYRE_FAULT'];
  return spec === undefined || spec === '' ? noFaults : faultAt(spec, () => process.kill(process.pid, 'SIGKILL'));
}
