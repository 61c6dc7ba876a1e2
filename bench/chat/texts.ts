/**
 * A long conversation, the same in each run: lines of an exported history, as `kith import` takes them. Messages have
 * 3 to 40 words (mean about 110 bytes), half of them one's own, one a minute; all are read.
 */

import { createHash } from 'node:crypto';
import type { ContactId } from '../../src/delivery/face.ts';
import { FIRST_LINE, writeLine } from '../../src/chat/history-line.ts';

export const MESSAGES = 100_000;
/** Stands in one message alone, which is nearly the oldest. */
export const RARE_WORD = 'Zwischenraum';
const RARE_AT = 100;
/** Stands in none. */
export const ABSENT_WORD = 'Quastenflosser';

const FIRST_MS = Date.UTC(2026, 0, 1);
const MINUTE_MS = 60_000;
const WORDS =
  `the a and but then of to in for with this that it we you they is was are be have had will can not more
some no yes time day way thing people water light house street train morning evening week letter answer question
garden winter summer music window table coffee bread river mountain city friend mother brother child doctor school
über größer schön später naïve café señor déjà привет спасибо ありがとう good better early late quick slow little long
know think see come want look use find give tell work call try ask need feel become leave put mean keep begin walk`
    .trim()
    .split(/\s+/);

/** The text of message `i`, from 0. */
export function textOf(i: number): string {
  const numbers = numbersOf(i);
  const words = Array.from({ length: 3 + ((numbers[0] as number) % 38) }, (_, at) => {
    const number = (numbers[1 + (at % 15)] as number) + at * 7919;
    return WORDS[number % WORDS.length] as string;
  });
  if (i === RARE_AT) words.splice(2, 0, RARE_WORD);
  return words.join(' ');
}

/** `count` messages with `contact` as an import takes them. */
export function* conversation(contact: ContactId, count: number): Generator<string> {
  yield FIRST_LINE;
  for (let i = 0; i < count; i++) {
    yield writeLine({
      contact,
      mine: i % 2 === 0,
      id: new Uint8Array(createHash('sha256').update(`message ${i}`).digest().subarray(0, 16)),
      at: FIRST_MS + i * MINUTE_MS,
      text: textOf(i),
      editedAt: null,
      replyTo: null,
      reactions: { me: '', them: '' },
      delivered: true,
      read: true,
      unproven: false,
      attachment: null,
    });
  }
}

function numbersOf(i: number): Uint16Array {
  const digest = createHash('sha256').update(`text ${i}`).digest();
  return Uint16Array.from({ length: 16 }, (_, at) => digest.readUInt16BE(2 * at));
}
