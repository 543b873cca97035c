import { contingency, independence } from '../association.ts';
import { known } from './collector.ts';
import type { Collector } from './collector.ts';
import { contradictions } from './contradictions.ts';
import { groupsOf } from './coverage.ts';
import { leakage } from './leakage.ts';
import { strictly, unmeasured, warning } from './limits.ts';
import type { Finding } from './limits.ts';
import { maskedValue } from '../masking.ts';
import { fails, passes } from './row-check.ts';
import type { RowCheck } from './row-check.ts';
import { hashIndex, hashRows } from './row-hash.ts';
import type { HashIndex } from './row-hash.ts';
import { missingCheck, schemaChecks, uniqueCheck } from './schema-checks.ts';
import { judgedRows, onSample } from './subject.ts';
import type { QualitySubject } from './subject.ts';
import { countsCollector, valueCounts } from './value-counts.ts';

/**
 * Reliability: can a row be trusted to stand for one thing? Keys, repeated rows, the same row on both sides of a split, rows alike in all
 * features with different targets, the balance of classes, and whether the stored bytes are still the ones that were recorded.
 */
export function reliabilityCollectors(subject: QualitySubject): Collector[] {
  const { batches, request, stored } = subject;
  const { key, target, schema } = request;
  const names = batches.schema.map(({ name }) => name);
  const features = names.filter((name) => name !== key);
  const declared = schema
    ? schemaChecks(batches, schema).filter(({ name }) => /^(unique|key|order): /.test(name) && name !== `unique: ${key}`)
    : [];
  return [
    ...(key === undefined
      ? [known(unmeasured('unique key', 'no key was named'))]
      : [
          judgedRows(subject, uniqueCheck([key], batches.rows, strictly, 'unique key')),
          judgedRows(subject, {
            ...missingCheck(key, strictly),
            name: 'key present',
            failed: (count) => `${count} rows have no ${key}`,
            passed: `every row has its ${key}`,
          }),
        ]),
    ...declared.map((check) => judgedRows(subject, check)),
    judgedRows(subject, repeatedCheck(features, batches.rows, key)),
    known(...subject.near),
    target === undefined
      ? known(unmeasured('consistent labels', 'no target was named'))
      : contradictions(
          subject,
          features.filter((name) => name !== target),
          target,
        ),
    leakage(subject, features),
    ...balanceCollectors(subject),
    known(storedFinding(stored)),
  ];
}

function repeatedCheck(columns: readonly string[], rows: number, key: string | undefined): RowCheck {
  let seen: HashIndex | undefined;
  const besides = key === undefined ? '' : ` but ${key}`;
  return {
    name: 'duplicate rows',
    ...(key === undefined ? {} : { column: key }),
    reads: key === undefined ? columns : [...columns, key],
    limits: warning,
    sql: { repeats: columns, missing: 'alike' },
    mark: (batch, marks) => {
      seen ??= hashIndex(rows);
      const { high, low } = hashRows(batch, columns);
      for (let row = 0; row < batch.rows; row++) {
        const before = seen.size;
        marks[row] = seen.add(high[row], low[row]) < before ? fails : passes;
      }
    },
    failed: (count) => `${count} rows repeat an earlier one in every column${besides}`,
    passed: 'no row repeats another',
  };
}

/** A target with more values is none of classes. */
const mostClasses = 50;
/** Pielou's evenness of two classes of 4 and 96 in a hundred. */
const balanceLimits = { warn: 0.25 };

function balanceCollectors(subject: QualitySubject): Collector[] {
  const { request, batches } = subject;
  const { target, groups = [] } = request;
  if (target === undefined) return [known(unmeasured('class balance', 'no target was named'))];
  const counts = valueCounts(target, mostClasses);
  const present = new Set(batches.schema.map(({ name }) => name));
  return [
    { ...countsCollector(counts), findings: () => [balanceFinding(subject, target, counts.counts())] },
    ...groups
      .filter((group) => present.has(group) && group !== target)
      .map((group) => known(onSample(subject, classesByGroup(subject, group, target)))),
  ];
}

/** Score: Pielou's evenness (1966), the entropy of the classes' shares over its greatest value ln K. */
function balanceFinding({ masked }: QualitySubject, target: string, counts: ReadonlyMap<string, number> | undefined): Finding {
  if (!counts) return unmeasured('class balance', `${target} has more than ${mostClasses} values: it is no target of classes`);
  const rows = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (counts.size < 2) return unmeasured('class balance', `${target} has ${counts.size === 0 ? 'no value' : 'one value only'}`);
  const rising = [...counts].sort(([, left], [, right]) => left - right);
  const entropy = -rising.reduce((sum, [, count]) => sum + (count / rows) * Math.log(count / rows), 0);
  const percent = (count: number): string => `${((count / rows) * 100).toFixed(1)} %`;
  const shown = rising.slice(0, 6).map(([value, count]) => `${maskedValue(target, value, masked).value} ${percent(count)}`);
  return {
    name: 'class balance',
    column: target,
    score: Math.min(1, entropy / Math.log(counts.size)),
    weight: 0.5,
    limits: balanceLimits,
    message: `${counts.size} classes: ${shown.join(', ')}`,
    failing: rising.filter(([, count]) => count < (0.1 * rows) / counts.size).length,
    applied: counts.size,
    examples: rising
      .slice(0, 5)
      .map(([value, count]) => ({ column: target, ...maskedValue(target, value, masked), note: `${count} rows` })),
  };
}

/** Score: 1 - Cramér's V between group and class, without correction. */
function classesByGroup({ sample, masked }: QualitySubject, group: string, target: string): Finding {
  const name = `classes by group: ${group}`;
  const { groups, names } = groupsOf(sample, group);
  const classes = groupsOf(sample, target);
  if (classes.names.length > mostClasses)
    return unmeasured(name, `${target} has more than ${mostClasses} values: it is no target of classes`);
  const table = contingency(groups, classes.groups);
  if (!table || table.rows < 2 || table.columns < 2) return unmeasured(name, `${group} or ${target} has one value only, or too many`);
  const { statistic, pValue } = independence(table);
  const association = Math.sqrt(statistic / (table.total * Math.min(table.rows - 1, table.columns - 1)));
  const rare = classes.names.length - 1;
  const shares = names
    .map((value, at) => {
      let [own, rows] = [0, 0];
      for (let row = 0; row < sample.rows; row++) {
        if (groups[row] !== at || classes.groups[row] < 0) continue;
        rows++;
        if (classes.groups[row] === rare) own++;
      }
      return { value, share: rows === 0 ? NaN : own / rows, rows };
    })
    .filter(({ rows }) => rows > 0)
    .sort((left, right) => right.share - left.share);
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  const shown = (value: string): string => String(maskedValue(group, value, masked).value);
  const [first, last] = [shares[0], shares[shares.length - 1]];
  const label = maskedValue(target, classes.names[rare], masked).value;
  return {
    name,
    column: group,
    score: 1 - Math.min(1, association),
    weight: 0.5,
    limits: { warn: 0.5 },
    message: `share of ${label}: ${percent(first.share)} where ${group} is ${shown(first.value)}, ${percent(last.share)} where it is ${shown(last.value)} (Cramér's V ${association.toFixed(2)}, p ${pValue < 0.001 ? '< 0.001' : `= ${pValue.toFixed(3)}`})`,
    failing: 0,
    applied: shares.length,
    examples: shares.slice(0, 5).map(({ value, share, rows }) => ({
      column: group,
      ...maskedValue(group, value, masked),
      note: `${percent(share)} of ${rows} rows are ${label}`,
    })),
  };
}

function storedFinding({ intact, message }: QualitySubject['stored']): Finding {
  return {
    name: 'stored bytes',
    score: intact ? 1 : 0,
    weight: 1,
    limits: strictly,
    message,
    failing: intact ? 0 : 1,
    applied: 1,
    examples: [],
  };
}
