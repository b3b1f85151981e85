import { Tokenizer } from '@huggingface/tokenizers';

/** Turns texts into the ids of a model's vocabulary, as the tokenizer did in training. */
export interface TextTokenizer {
  /** The text's ids with the special tokens around them; what goes beyond `maxTokens` in all is cut off at the end. */
  encode(text: string): number[];
}

/** What of the library is used; its own types do not resolve under Node's rules. */
interface Library {
  encode(text: string, options?: { add_special_tokens: boolean }): { ids: number[] };
}

/** Characters tokenized at first, a token of the limit: four times what a token of any language has on average. */
const CHARACTERS_A_TOKEN = 16;

/**
 * @param tokenizer what `tokenizer.json` holds
 * @param config what `tokenizer_config.json` holds
 * @param maxTokens special tokens included
 * @throws the library's own error where the two are no tokenizer; RangeError where the limit leaves no room for text.
 */
export function createTokenizer(tokenizer: object, config: object, maxTokens: number): TextTokenizer {
  const library: Library = new Tokenizer(tokenizer, config);
  const bare = (text: string): number[] => library.encode(text, { add_special_tokens: false }).ids;
  const { prefix, suffix } = specialTokens(library);
  const room = maxTokens - prefix.length - suffix.length;
  if (room < 1) throw new RangeError(`maxTokens ${maxTokens} leaves no room beside the special tokens`);
  return {
    encode: (text) => [...prefix, ...firstIds(bare, text, room), ...suffix],
  };
}

/** What the tokenizer puts around any text. */
function specialTokens(library: Library): { prefix: number[]; suffix: number[] } {
  const probe = 'a';
  const inner = library.encode(probe, { add_special_tokens: false }).ids;
  const whole = library.encode(probe).ids;
  const at = whole.findIndex((_, start) => inner.every((id, index) => whole[start + index] === id));
  return { prefix: whole.slice(0, at), suffix: whole.slice(at + inner.length) };
}

/**
 * The first `room` ids of a text. Tokenizing takes time with the text's length (70 ms for 100 kB), so that a long one is
 * tried from its beginning: cut where a word ends, a text has the ids that the whole begins with.
 */
function firstIds(bare: (text: string) => number[], text: string, room: number): number[] {
  for (let length = room * CHARACTERS_A_TOKEN; length < text.length; length *= 2) {
    const end = endOfWord(text, length);
    const ids = end > 0 ? bare(text.slice(0, end)) : [];
    if (ids.length > room) return ids.slice(0, room);
  }
  return bare(text).slice(0, room);
}

/** The last place at or before `length` where white space follows; 0 where there is none. */
function endOfWord(text: string, length: number): number {
  let end = length;
  while (end > 0 && !/\s/.test(text[end]!)) end -= 1;
  return end;
}
