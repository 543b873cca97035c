/** What a person does with the form on an endpoint's page, that of the churn example. */
import type { Page } from 'playwright-core';

/** Asks the endpoint, has the answer explained, reads the request as a program, is refused a value, and reads what holds there. */
export async function askByTheForm(page: Page): Promise<void> {
  const card = page.getByRole('region', { name: 'Try it' });
  await card.getByLabel(/^tenure/).fill('2');
  await card.getByRole('button', { name: 'Predict', exact: true }).click();
  await card.getByText(/said by churn version 2/).waitFor();
  await card.getByRole('link', { name: /^prediction \d+-[0-9a-f]{8}-/ }).waitFor();
  await card.getByText(/like the rows that the model learned from/).waitFor();
  await card.getByRole('button', { name: 'Explain', exact: true }).click();
  const why = card.getByRole('region', { name: 'Why' });
  await why.getByText(/pushes it most (towards|away from) Yes/).waitFor();
  await why.getByRole('img', { name: /^Contributions: .*tenure/ }).waitFor();
  await why.getByText(/^Exact: computed from the model itself; .* Measured from the rows that the model learned from\./).waitFor();
  await card.getByLabel('The same request as').selectOption('Python (tritonclient)');
  await card.getByText(/"tenure", "FP64", np.array\(\[\[2\]\], dtype=np.float64\)/).waitFor();
  // A value that the model refuses is said in the endpoint's own words.
  await card.getByLabel(/^tenure/).fill('long');
  await card.getByRole('button', { name: 'Predict', exact: true }).click();
  await card
    .getByRole('alert')
    .getByText(/tenure/)
    .waitFor();
  const policy = page.getByRole('region', { name: 'Limits and log' });
  for (const said of ['every request', 'no column', 'its token asked too often', '10\u202f000 rows'])
    await policy.getByText(said).first().waitFor();
}
