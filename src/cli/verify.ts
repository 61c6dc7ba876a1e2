/** `kith verify`: the words that two people compare, and where a device has changed, those of the devices too. */

import type { Command } from 'commander';
import type { SafetyWords } from '../node/people-face.ts';
import { confirmed } from './ask.ts';
import type { Context, Run } from './context.ts';
import { wordsText } from './identity.ts';
import { withPeople } from './node-client.ts';
import { oneLine } from './output.ts';

interface VerifyOptions {
  readonly yes?: boolean;
  /** True: show the words of the devices. Text: these words of the devices were compared. */
  readonly device?: boolean | string;
}

/** Makes `kith verify` of a command that has its argument. */
export function makeVerify(verifying: Command, run: Run): void {
  verifying
    .description('compare safety words with a friend')
    .option('--yes', 'they are the same: mark them as compared')
    .option('--device [words]', 'show those of both devices too; with --yes: these are the same')
    .action(run((made, who: string, options: VerifyOptions) => verify(made, who, options)));
}

async function verify(context: Context, who: string, options: VerifyOptions): Promise<void> {
  const { output } = context;
  await withPeople(context, async (people) => {
    const friend = await people.friend(who);
    const name = output.bold(oneLine(friend.name));
    const { words, compared, device } = await people.safetyWords(who);
    const already = compared ? ' You compared them before.' : '';
    const shown = device !== null && (device.changed || options.device !== undefined) ? device : null;
    output.event(
      'words',
      { words, compared, device },
      `Safety words with ${name}:${already}\n\n${wordsText(words)}\n${shown === null ? '' : deviceText(name, shown)}`,
    );
    const given = typeof options.device === 'string' ? plainWords(options.device) : undefined;
    const same =
      options.yes === true ||
      (await confirmed(`Does ${oneLine(friend.name)} read the same words to you?`, context));
    // a person has just said that what is shown is right; --yes can only mean words that it is given
    const compare = options.yes === true ? given : shown?.words;
    const trusted = same ? await people.trust(who, compare === undefined ? {} : { device: compare }) : friend;
    const sentence = same
      ? `Marked: you compared the words with ${name}.`
      : `Nothing changed. Compare them in person or in a call, then: kith verify ${oneLine(friend.name)} --yes`;
    output.result('verify', { id: friend.id, words, trust: trusted.trust }, sentence);
  });
}

/** Where the device has changed, the words above prove nothing of it. */
function deviceText(name: string, { words, changed }: NonNullable<SafetyWords['device']>): string {
  const why = changed
    ? `The key of ${name}'s device has changed. Whoever holds their identity can do that; the words above stay the same.\n`
    : '';
  return `\n${why}Words of both devices (they see them with: kith verify --device):\n\n${wordsText(words)}\n`;
}

/** Words as somebody may have typed or pasted them. */
function plainWords(text: string): string {
  return text.trim().toLowerCase().split(/\s+/).join(' ');
}
