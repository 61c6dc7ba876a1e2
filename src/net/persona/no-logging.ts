/**
 * libp2p's logger writes peer ids and addresses to stderr wherever the environment has DEBUG set, which other programs
 * use too. A persona's components get this one: it says nothing.
 */

import type { ComponentLogger, Logger } from '@libp2p/interface';

const mute: Logger = Object.assign(() => {}, {
  error: () => {},
  trace: () => {},
  enabled: false,
  newScope: () => mute,
});

export const noLogging: ComponentLogger = { forComponent: () => mute };
