import fc from 'fast-check';
import { formatCsv, parseCsv } from './csv';

const COLUMNS = ['event_id', 'text', 'label'];
const read = (text: string | Buffer) => parseCsv(Buffer.from(text), 'F.csv', ['event_id', 'label']);

const cell = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.stringMatching(/^[,"\r\n a;|\t#'\\]{0,6}$/),
  fc.constantFrom('', '\u0000', '\ufeff', '👩🏽‍🚀, "größe"\n', 'x'.repeat(10_000)),
);

it('reads what it has written', () => {
  const rows = fc.array(fc.record({ event_id: cell, text: cell, label: cell }), { maxLength: 6 });
  fc.assert(fc.property(rows, (all) => expect(read(formatCsv(COLUMNS, all))).toEqual(all)));
});

it('reads what others write: any order of columns, a mark at the beginning, either end of lines, empty lines', () => {
  expect(read('\ufefflabel,note,event_id\r\n"a, ""b""",,E1\r\n\r\n"two\nlines",x,E2')).toEqual([
    { label: 'a, "b"', note: '', event_id: 'E1' },
    { label: 'two\nlines', note: 'x', event_id: 'E2' },
  ]);
  expect(read('event_id,label\n')).toEqual([]);
});

it.each([
  ['without a column', 'event_id;label\nE1;a', 'found the columns event_id;label'],
  ['with nothing in it', '', 'found the columns (none)'],
  ['with a column twice', 'event_id,label,label\nE1,a,b', 'found the column label more than once'],
  [
    'with a row that is too long',
    'event_id,label\nE1,a,b',
    'found record inconsistent fields length at line 2',
  ],
  ['with a quote that is never closed', 'event_id,label\nE1,"a', 'found quote not closed at line'],
  ['in another encoding', Buffer.from([0x65, 0xff, 0xfe]), 'found bytes that are not UTF-8'],
])('refuses a file %s', (_what, content, found) => {
  expect(() => read(content)).toThrow(
    expect.objectContaining({ code: 'InvalidInput', message: expect.stringContaining(found) }),
  );
});
