import type { Check } from '#contract';
import { hasCode, messageOf } from '#core';

/**
 * What is measured in one section; a section that ends in an error is a failed check, and what others found stays in the report.
 * @throws GyreError CANCELLED when the tests are to stop
 */
export async function attempted(
  { name, wanted }: Pick<Check, 'name' | 'wanted'>,
  section: () => Promise<readonly Check[]>,
): Promise<readonly Check[]> {
  try {
    return await section();
  } catch (error) {
    if (hasCode(error, 'CANCELLED')) throw error;
    return [{ name, passed: false, observed: null, wanted, message: messageOf(error) }];
  }
}
