import { isIP } from 'node:net';

/** What a value tells of a person by its form alone. */
export const valueKinds = ['e-mail address', 'IBAN', 'payment card', 'IP address', 'national id', 'phone number'] as const;
export type ValueKind = (typeof valueKinds)[number];

/** The kind of a value; undefined when it has none of these forms. */
export function kindOfValue(text: string): ValueKind | undefined {
  const value = text.trim();
  if (value.length < 5 || value.length > 254) return undefined;
  if (/^[^\s@<>(),;:"]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}$/.test(value)) return 'e-mail address';
  if (isIP(value) > 0) return 'IP address';
  if (isNationalId(value)) return 'national id';
  const compact = value.replaceAll(/[\s-]/g, '');
  if (isIban(compact)) return 'IBAN';
  if (isCard(compact)) return 'payment card';
  return isPhone(value) ? 'phone number' : undefined;
}

/** ISO 13616: country, two check digits, and the whole leaves 1 when divided by 97 (ISO 7064, MOD 97-10). */
export function isIban(text: string): boolean {
  if (!/^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/.test(text)) return false;
  const digits = (text.slice(4) + text.slice(0, 4)).replaceAll(/[A-Z]/g, (letter) => String(letter.charCodeAt(0) - 55));
  let rest = 0;
  for (const digit of digits) rest = (rest * 10 + Number(digit)) % 97;
  return rest === 1;
}

/** ISO/IEC 7812: 13 to 19 digits of a known kind of card, whose last is right by Luhn's rule. */
export function isCard(text: string): boolean {
  if (!/^(4\d{12}(\d{3}){0,2}|5[1-5]\d{14}|2[2-7]\d{14}|3[47]\d{13}|3[068]\d{12}|6\d{15,18})$/.test(text)) return false;
  let sum = 0;
  Array.from(text)
    .reverse()
    .forEach((digit, i) => {
      const doubled = Number(digit) * (i % 2 === 0 ? 1 : 2);
      sum += doubled > 9 ? doubled - 9 : doubled;
    });
  return sum % 10 === 0;
}

/** In international form, or with the signs that people set between groups of digits. */
function isPhone(text: string): boolean {
  if (!/^(\+|00)?[\d\s()./-]+$/.test(text) || /^\d{4}-\d{2}-\d{2}/.test(text)) return false;
  const digits = text.replaceAll(/\D/g, '').length;
  const isInternational = /^(\+|00[1-9])/.test(text);
  const isGrouped = /^\(?0?\d{2,5}\)?[\s/-]\d{2,4}([\s-]\d{2,4}){1,3}$/.test(text);
  return digits >= 8 && digits <= 15 && (isInternational || isGrouped);
}

const isNationalId = (text: string): boolean => isSocialSecurity(text) || isSwiss(text) || isSpanish(text) || isItalian(text);

/** United States: areas 000, 666 and 900-999 are never given, nor are groups and serials of zeros. */
const isSocialSecurity = (text: string): boolean => /^(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}$/.test(text);

/** Switzerland: 756, nine digits, and a check digit as in EAN-13. */
function isSwiss(text: string): boolean {
  const digits = text.replaceAll('.', '');
  if (!/^756\.?\d{4}\.?\d{4}\.?\d{2}$/.test(text) || digits.length !== 13) return false;
  const sum = Array.from(digits.slice(0, 12)).reduce((total, digit, i) => total + Number(digit) * (i % 2 === 0 ? 1 : 3), 0);
  return (10 - (sum % 10)) % 10 === Number(digits[12]);
}

/** Spain: eight digits (or X, Y, Z and seven) and the letter of their rest by 23. */
function isSpanish(text: string): boolean {
  if (!/^[XYZ\d]\d{7}[A-Z]$/.test(text)) return false;
  const number = Number(text.slice(0, 8).replace('X', '0').replace('Y', '1').replace('Z', '2'));
  return 'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23] === text[8];
}

/** Italy: codice fiscale by its form. */
const isItalian = (text: string): boolean => /^[A-Z]{6}\d{2}[A-EHLMPR-T]\d{2}[A-Z]\d{3}[A-Z]$/.test(text);
