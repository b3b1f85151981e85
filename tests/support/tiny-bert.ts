import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const HIDDEN = 32;
const INNER = 64;
const LAYERS = 2;
const POSITIONS = 64;
const SPECIAL = ['[PAD]', '[UNK]', '[CLS]', '[SEP]'];
const LETTERS = Array.from('abcdefghijklmnopqrstuvwxyz0123456789.,!?');

/**
 * Writes a BERT of some ten thousand random weights in Hugging Face's format, with a WordPiece vocabulary of these words
 * and of letters: a base model that a test fine-tunes in seconds.
 */
export function writeTinyBert(folder: string, words: readonly string[]): void {
  const vocabulary = [...SPECIAL, ...LETTERS, ...LETTERS.map((letter) => `##${letter}`), ...words];
  const json = (name: string, content: unknown) => writeFileSync(join(folder, name), JSON.stringify(content));
  mkdirSync(folder, { recursive: true });
  json('config.json', {
    architectures: ['BertModel'],
    model_type: 'bert',
    vocab_size: vocabulary.length,
    hidden_size: HIDDEN,
    intermediate_size: INNER,
    num_hidden_layers: LAYERS,
    num_attention_heads: 2,
    max_position_embeddings: POSITIONS,
    type_vocab_size: 2,
    hidden_act: 'gelu',
    layer_norm_eps: 1e-12,
    pad_token_id: 0,
  });
  json('tokenizer.json', tokenizer(vocabulary));
  json('tokenizer_config.json', { tokenizer_class: 'BertTokenizer', do_lower_case: true });
  writeFileSync(join(folder, 'model.safetensors'), safetensors(tensors(vocabulary.length)));
}

function tokenizer(vocabulary: readonly string[]) {
  const special = (content: string) => ({ id: content, type_id: 0 });
  const id = (content: string) => vocabulary.indexOf(content);
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIAL.map((content, index) => ({
      id: index,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single: [
        { SpecialToken: special('[CLS]') },
        { Sequence: special('A') },
        { SpecialToken: special('[SEP]') },
      ],
      pair: [
        { SpecialToken: special('[CLS]') },
        { Sequence: special('A') },
        { SpecialToken: special('[SEP]') },
        { Sequence: { id: 'B', type_id: 1 } },
        { SpecialToken: { id: '[SEP]', type_id: 1 } },
      ],
      special_tokens: Object.fromEntries(
        ['[CLS]', '[SEP]'].map((content) => [
          content,
          { id: content, ids: [id(content)], tokens: [content] },
        ]),
      ),
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(vocabulary.map((token, index) => [token, index])),
    },
  };
}

type Shape = [rows: number, columns: number] | [size: number];

function tensors(vocabulary: number): [name: string, shape: Shape][] {
  const norm = (name: string): [string, Shape][] => [
    [`${name}.LayerNorm.weight`, [HIDDEN]],
    [`${name}.LayerNorm.bias`, [HIDDEN]],
  ];
  const dense = (name: string, to: number, from: number): [string, Shape][] => [
    [`${name}.weight`, [to, from]],
    [`${name}.bias`, [to]],
  ];
  const layer = (name: string): [string, Shape][] => [
    ...['query', 'key', 'value'].flatMap((part) => dense(`${name}.attention.self.${part}`, HIDDEN, HIDDEN)),
    ...dense(`${name}.attention.output.dense`, HIDDEN, HIDDEN),
    ...norm(`${name}.attention.output`),
    ...dense(`${name}.intermediate.dense`, INNER, HIDDEN),
    ...dense(`${name}.output.dense`, HIDDEN, INNER),
    ...norm(`${name}.output`),
  ];
  return [
    ['embeddings.word_embeddings.weight', [vocabulary, HIDDEN]],
    ['embeddings.position_embeddings.weight', [POSITIONS, HIDDEN]],
    ['embeddings.token_type_embeddings.weight', [2, HIDDEN]],
    ...norm('embeddings'),
    ...Array.from({ length: LAYERS }, (_, index) => layer(`encoder.layer.${index}`)).flat(),
  ];
}

/** The file format: the header's length, the header as JSON, then the tensors' bytes. */
function safetensors(all: [name: string, shape: Shape][]): Buffer {
  let seed = 1;
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647 - 0.5;
  };
  let offset = 0;
  const header: Record<string, unknown> = {};
  const bodies = all.map(([name, shape]) => {
    const size = shape.reduce((product, one) => product * one, 1);
    const isNorm = name.endsWith('LayerNorm.weight');
    const values = Float32Array.from({ length: size }, () => (isNorm ? 1 : 0.2 * random()));
    header[name] = { dtype: 'F32', shape, data_offsets: [offset, offset + values.byteLength] };
    offset += values.byteLength;
    return Buffer.from(values.buffer);
  });
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...bodies]);
}
