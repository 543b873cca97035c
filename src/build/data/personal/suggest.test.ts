import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { readCsv } from '#tables';
import { wordsOf } from './column-kinds.ts';
import { suggestPersonal } from './suggest.ts';
import { isCard, isIban, kindOfValue } from './value-kinds.ts';

describe('a value of a person', () => {
  // examples that the standards and their offices publish, and the test numbers of card networks
  const known: readonly (readonly [string, ReturnType<typeof kindOfValue>])[] = [
    ['ada@example.org', 'e-mail address'],
    ['a.b+c@mail.example.co.uk', 'e-mail address'],
    ['GB82 WEST 1234 5698 7654 32', 'IBAN'],
    ['DE89370400440532013000', 'IBAN'],
    ['CH9300762011623852957', 'IBAN'],
    ['4111 1111 1111 1111', 'payment card'],
    ['378282246310005', 'payment card'],
    ['192.168.0.1', 'IP address'],
    ['2001:db8::1', 'IP address'],
    ['123-45-6789', 'national id'],
    ['756.9217.0769.85', 'national id'],
    ['12345678Z', 'national id'],
    ['RSSMRA85T10A562S', 'national id'],
    ['+41 44 668 18 00', 'phone number'],
    ['(555) 123-4567', 'phone number'],
  ];
  for (const [value, kind] of known) test(`${value} is a ${kind ?? ''}`, () => assert.equal(kindOfValue(value), kind));

  test('is not what only looks so: wrong check digits, dates, prices, versions, identifiers', () => {
    assert.equal(isIban('GB82WEST12345698765433'), false);
    assert.equal(isCard('4111111111111112'), false);
    assert.notEqual(kindOfValue('000-12-3456'), 'national id');
    const others = [
      '2026-01-31',
      '2026-01-31 10:00:00',
      '1234.56',
      '12.5.1',
      '7590-VHVEG',
      '756.9217.0769.84',
      '12345678A',
      'ada@home',
      '1,234,567',
      '12345678',
    ];
    for (const value of others) assert.equal(kindOfValue(value), undefined, value);
  });
});

const csv = (text: string) => suggestPersonal(readCsv(Buffer.from(text)).frame).map(({ column, kind, tag }) => [column, kind, tag]);

describe('columns that look like data of persons', () => {
  test('are found by their values, whatever their name', () => {
    const rows = Array.from(
      { length: 50 },
      (_, i) => `u${i}@example.org,+41 44 668 ${10 + (i % 80)} 0${i % 10},10.0.0.${i},${i % 3 === 0 ? `x${i}@y.example` : 'called'},${i}`,
    );
    assert.deepEqual(csv(`a,b,c,d,e\n${rows.join('\n')}\n`), [
      ['a', 'e-mail address', 'personal'],
      ['b', 'phone number', 'personal'],
      ['c', 'IP address', 'personal'],
      ['d', 'e-mail address', 'personal'],
    ]);
  });

  test('are found by their names where the values can be such', () => {
    const text =
      'firstName,birth_date,homePhone,PhoneService,street,religion,Phone,born\nAda,1815-12-10,5551234,Yes,Main Street 1,none,No,1815\nBo,1990-01-02,5559876,No,Elm Road 2,x,Yes,1990\n';
    assert.deepEqual(csv(text), [
      ['firstName', 'name of a person', 'personal'],
      ['birth_date', 'date of birth', 'personal'],
      ['homePhone', 'phone number', 'personal'],
      ['street', 'address', 'personal'],
      ['religion', 'religion or belief', 'sensitive'],
      ['born', 'date of birth', 'personal'],
    ]);
    assert.equal(wordsOf('homePhone_2'), 'home phone 2');
  });

  test('of the churn table there is none beside those that its charter names', () => {
    const found = suggestPersonal(readCsv(readFileSync('examples/churn/data/telco-churn.csv')).frame);
    assert.deepEqual(found, []);
  });
});
