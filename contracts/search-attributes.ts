import { defineSearchAttributeKey } from '@temporalio/common';

export type Trigger = 'schedule' | 'person' | 'drift' | 'label-review';

/** The search attributes of every Meridian workflow, as registered on the server. */
export const SearchAttribute = {
  model: defineSearchAttributeKey('MeridianModel', 'KEYWORD'),
  modelVersion: defineSearchAttributeKey('MeridianModelVersion', 'KEYWORD'),
  /** The step the run is in. */
  step: defineSearchAttributeKey('MeridianStep', 'KEYWORD'),
  /** True while a step is parked and waits for a person. */
  needsAttention: defineSearchAttributeKey('MeridianNeedsAttention', 'BOOL'),
  trigger: defineSearchAttributeKey('MeridianTrigger', 'KEYWORD'),
} as const;
