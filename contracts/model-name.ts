const PATTERN = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const LONGEST = 40;

/** What a model's name is, in words; every schema that takes one says the same. */
export const MODEL_NAME = `a model name in lower case, words joined by hyphens, at most ${LONGEST} characters`;

export const isModelName = (text: string): boolean => PATTERN.test(text) && text.length <= LONGEST;
