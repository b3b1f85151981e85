import * as fc from 'fast-check';
import murmurhash from 'murmurhash';
import { ByteWriter } from './bytes';

it('hashes what was written as another MurmurHash3 does', () => {
  const bytes = fc.uint8Array({ maxLength: 40 });
  fc.assert(
    fc.property(bytes, bytes, fc.nat(), (before, hashed, seed) => {
      const writer = new ByteWriter(1);
      writer.bytes(before);
      const from = writer.position;
      writer.bytes(hashed);
      expect(writer.hash(from, seed)).toBe(murmurhash.v3(Buffer.from(hashed), seed));
    }),
  );
});
