import * as fc from 'fast-check';
import { Reply } from './read-reply';

type Strings = (Buffer | null)[];

const encode = (strings: Strings): Buffer =>
  Buffer.concat([
    Buffer.from(`*${strings.length}\r\n`),
    ...strings.map((text) =>
      text
        ? Buffer.concat([Buffer.from(`$${text.length}\r\n`), text, Buffer.from('\r\n')])
        : Buffer.from('$-1\r\n'),
    ),
  ]);

const stringsOf = (reply: Reply): Strings =>
  Array.from({ length: reply.count }, (_, index) =>
    reply.start(index) < 0 ? null : Buffer.from(reply.bytes.subarray(reply.start(index), reply.end(index))),
  );

// Bytes that look like the protocol's own are common in them.
const text = fc
  .array(fc.constantFrom(0, 10, 13, 36, 42, 45, 48, 255), { maxLength: 12 })
  .map((bytes) => Buffer.from(bytes));
const strings = fc.array(fc.option(text), { maxLength: 80 });

it('reads replies one after the other, whatever bytes they hold', () => {
  const reply = new Reply();
  fc.assert(
    fc.property(fc.array(strings, { minLength: 1, maxLength: 4 }), (replies) => {
      const bytes = Buffer.concat(replies.map(encode));
      let at = 0;
      for (const expected of replies) {
        at = reply.read(bytes, at);
        expect(stringsOf(reply)).toEqual(expected);
      }
      expect(at).toBe(bytes.length);
    }),
  );
});

it('says of any beginning of a reply how many bytes it needs at least', () => {
  const reply = new Reply();
  fc.assert(
    fc.property(strings, fc.nat(), (expected, cut) => {
      const whole = encode(expected);
      const bytes = whole.subarray(0, cut % whole.length);
      const wanted = -reply.read(bytes, 0);
      expect(wanted).toBeGreaterThan(bytes.length);
      expect(wanted).toBeLessThanOrEqual(whole.length);
    }),
  );
});

it('tells an error in the words of Redis', () => {
  const reply = new Reply();
  const bytes = Buffer.from('-WRONGTYPE Operation\r\n+OK\r\n');
  const next = reply.read(bytes, 0);
  expect(reply.error).toBe('WRONGTYPE Operation');
  expect(reply.read(bytes, next)).toBe(bytes.length);
  expect(reply.error).toBeNull();
});

it.each(['HTTP/1.1 400 Bad Request\r\n', ':1\r\n', '*1\r\n:1\r\n', '*x\r\n', '*1\r\n$x\r\n\r\n'])(
  'refuses %j, which is no reply to a read',
  (bytes) => {
    expect(() => new Reply().read(Buffer.from(bytes), 0)).toThrow(RangeError);
  },
);
