import type { ColumnType } from '#contract';

/** What a column's name says of its values, where they can be such values. */
export interface NamedKind {
  readonly kind: string;
  readonly isSensitive: boolean;
}

interface NameRule extends NamedKind {
  /** Words of the name, joined by spaces, in lower case. */
  readonly name: RegExp;
  readonly types: readonly ColumnType[];
  /** Texts have to look so; all do without it. */
  readonly value?: RegExp;
}

const letters = /\p{L}{2}/u;
const personal = { isSensitive: false };
const sensitive = { isSensitive: true };
const rules: readonly NameRule[] = [
  { kind: 'e-mail address', ...personal, name: /\b(e ?mail|mail)\b/, types: ['string'], value: /@/ },
  {
    kind: 'phone number',
    ...personal,
    name: /\b(phone|mobile|telephone|telefon|handy|fax|tel)\b/,
    types: ['string', 'integer'],
    value: /\d{5}|\d[\d\s()./+-]{6}/,
  },
  {
    kind: 'name of a person',
    ...personal,
    name: /\b((first|last|given|family|middle|full|maiden|birth) ?name|surname|forename|vorname|nachname|familienname|pr[ée]nom|nombres?|apellidos?|cognome)\b/,
    types: ['string'],
    value: letters,
  },
  {
    kind: 'date of birth',
    ...personal,
    name: /\b(dob|birth ?(date|day|year)|date of birth|year of birth|born|geburt\w*|naissance|nascita|nacimiento)\b/,
    types: ['string', 'instant', 'integer'],
    value: /\d/,
  },
  {
    kind: 'address',
    ...personal,
    name: /\b(street|(home|postal|mail|mailing|delivery|billing|shipping) address|address( line)?( \d)?|addr|strasse|straße|adresse|anschrift|direcci[oó]n|indirizzo)\b/,
    types: ['string'],
    value: letters,
  },
  { kind: 'IP address', ...personal, name: /\b(ip|ip ?address|ip ?addr)\b/, types: ['string'], value: /[.:]/ },
  {
    kind: 'national id',
    ...personal,
    name: /\b(ssn|social security( number)?|passport( number| no)?|national id|tax id|nino|bsn|codice fiscale|ahv( nr| number)?|dni)\b/,
    types: ['string', 'integer'],
    value: /\d/,
  },
  {
    kind: 'account number',
    ...personal,
    name: /\b(iban|card number|credit card( number)?|account number)\b/,
    types: ['string', 'integer'],
    value: /\d{4}/,
  },
  {
    kind: 'position of a person',
    ...personal,
    name: /\b(home|user|person|customer) (lat|latitude|lon|lng|longitude|location)\b/,
    types: ['number', 'string'],
  },
  {
    kind: 'religion or belief',
    ...sensitive,
    name: /\b(religion|religious\w*|faith|confession|konfession)\b/,
    types: ['string', 'integer', 'boolean'],
  },
  { kind: 'ethnic origin', ...sensitive, name: /\b(ethnic\w*|ethnicity|race)\b/, types: ['string', 'integer'] },
  {
    kind: 'political opinion',
    ...sensitive,
    name: /\b(political( opinion| party| view)?|party affiliation)\b/,
    types: ['string', 'integer'],
  },
  { kind: 'sexual orientation', ...sensitive, name: /\bsexual\w*( orientation)?\b/, types: ['string', 'integer', 'boolean'] },
  { kind: 'trade union membership', ...sensitive, name: /\b(trade union|union member\w*)\b/, types: ['string', 'integer', 'boolean'] },
  {
    kind: 'health',
    ...sensitive,
    name: /\b(diagnos[ie]s|disabilit\w+|disabled|medical \w+|illness|disease)\b/,
    types: ['string', 'boolean'],
  },
];

/** The words of a column's name: `homePhone_2` → `home phone 2`. */
export function wordsOf(name: string): string {
  return name
    .replaceAll(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
    .replaceAll(/[^\p{L}\d]+/gu, ' ')
    .trim()
    .toLowerCase();
}

/**
 * What a column's name says, where at least half of its texts can be such values: `PhoneService` with Yes and No is no phone number.
 * @param values some different values as texts
 */
export function kindOfName(name: string, type: ColumnType, values: readonly string[]): NamedKind | undefined {
  const words = wordsOf(name);
  return rules.find(({ name: pattern, types, value }) => {
    if (!pattern.test(words) || !types.includes(type) || values.length === 0) return false;
    return value === undefined || values.filter((text) => value.test(text)).length * 2 >= values.length;
  });
}
