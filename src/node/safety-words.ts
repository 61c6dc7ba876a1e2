/** Words that two people compare, and what follows when they have: of the identities, and of a device that has changed. */

import type { Contact } from '../friends/people.ts';
import { deviceWords, safetyWords } from '../identity/safety-words.ts';
import { decodeBundle } from '../kem/bundle.ts';
import { KithError } from '../safety/errors.ts';
import type { PeopleBook } from './people-book.ts';
import type { SafetyWords } from './people-face.ts';

type Keys = Pick<PeopleBook, 'delivery'>;

export function safetyWordsOf(book: Keys, { id, compared }: Contact): SafetyWords {
  const { delivery } = book;
  const theirs = delivery.deviceOf(id);
  const words = safetyWords(delivery.fingerprint, id);
  if (theirs === null) return { words, compared, device: null };
  const { device: own } = decodeBundle(delivery.bundle());
  const changed = delivery.trust(id) === 'changed';
  return { words, compared, device: { words: deviceWords(own, theirs), changed } };
}

/**
 * The words were compared, those of the devices too where `device` says them. A changed device is confirmed by its words
 * alone: those of the identities are the same for every device that its holder names. Throws DEVICE_CHANGED.
 */
export function markCompared(
  book: Pick<PeopleBook, 'delivery' | 'friends'>,
  contact: Contact,
  compared: string | undefined,
): Contact {
  const { device } = safetyWordsOf(book, contact);
  const isOther = compared !== undefined && compared !== device?.words;
  if (isOther || (compared === undefined && device?.changed === true)) throw deviceChanged();
  if (device?.changed === true) book.delivery.confirmDevice(contact.id);
  return book.friends.markCompared(contact.id);
}

export function deviceChanged(): KithError {
  return new KithError('DEVICE_CHANGED', 'their device has another key, and its words were not given', {
    hint: 'Compare the words of both devices: `kith verify` shows them, on their side with --device.',
  });
}
