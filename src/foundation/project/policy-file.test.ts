import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { problemText, readReleasePolicy } from './index.ts';

const right = `policy: high-risk
version: 2
appliesTo: { environments: [production], risk: [high] }
stages:
  - name: reviewed
    evidence:
      - { id: robust, check: requirement, requirement: robustness }
      - { id: purpose, statement: "Is it used for what the charter says?", by: approver }
      - { id: impact, document: Impact assessment, by: data-steward }
certify: { role: qa, validFor: 90d }
approve: { role: approver, people: 2 }
findings: { block: high }
`;

const problems = (text: string): readonly string[] => readReleasePolicy('p.yaml', text).problems.map(problemText);

describe('a release policy in a file', () => {
  test('is read when it is right', () => {
    assert.deepEqual(problems(right), []);
    assert.equal(readReleasePolicy('p.yaml', right).policy?.stages?.[0].evidence.length, 3);
    assert.deepEqual(problems('policy: least\nversion: 1\n'), []);
  });

  const wrong: readonly (readonly [string, string, string, RegExp])[] = [
    ['an unknown key', 'certify:', 'certifi:', /^p\.yaml:10:1 certifi: unknown key "certifi"; did you mean "certify"\?$/],
    ['an unknown check', 'check: requirement,', 'check: requirements,', /^p\.yaml:7:\d+ stages\[0\]\.evidence\[0\]\.check: /],
    ['a role that is none', 'by: approver }', 'by: aprover }', /^p\.yaml:8:\d+ stages\[0\]\.evidence\[1\]\.by: .*approver/],
    [
      'an id that is there twice',
      'id: impact',
      'id: purpose',
      /^p\.yaml:9:\d+ stages\[0\]\.evidence\[2\]\.id: item "purpose" is there twice/,
    ],
    ['a length of time that is none', '90d', 'quarter', /^p\.yaml:10:\d+ certify\.validFor: "quarter" is no length of time/],
    ['a check without its requirement', ', requirement: robustness', '', /^p\.yaml:7:\d+ .*: says not which requirement; add/],
    ['a risk that is none', 'risk: [high]', 'risk: [hihg]', /^p\.yaml:3:\d+ appliesTo\.risk\[0\]: .*high/],
    ['the name of the built-in one', 'policy: high-risk', 'policy: default', /^p\.yaml:1:\d+ policy: "default" is what holds/],
    ['no version', 'version: 2\n', '', /^p\.yaml:1:\d+: "version" is missing/],
    ['broken YAML', 'stages:', 'stages: [', /^p\.yaml:\d+:\d+/],
  ];
  for (const [what, from, to, message] of wrong) {
    test(`is refused for ${what}, with its place`, () => {
      assert.ok(right.includes(from));
      const [first = ''] = problems(right.replace(from, to));
      assert.match(first, message);
    });
  }
});
