import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { samplePackage, writeSampleFolder } from '#serving';

const contracts = ['One year', 'Two year', 'Month-to-month', ''];

/** A model package and a CSV of customers that it predicts; every 97th row has a tenure that is no number. */
export async function customersToPredict(folder: string, rows: number): Promise<{ readonly bad: number }> {
  await writeSampleFolder(join(folder, 'model'), samplePackage({ threshold: 0.62 }));
  const lines = Array.from(
    { length: rows },
    (_, i) => `${i},${i % 97 === 5 ? 'unknown' : i % 73},${20 + (i % 100)},${i % 3 === 0},${contracts[i % 4]}`,
  );
  await writeFile(join(folder, 'customers.csv'), ['id,tenure,charges,senior,contract', ...lines, ''].join('\n'));
  return { bad: lines.filter((line) => line.includes('unknown')).length };
}
