/** Lists cut to what fits an answer, and the friends in them without their pictures. */

import type { FriendView, MessageView, PeopleEvent } from '../node/people-face.ts';
import type { ListedFriend, LocalEvent, MessagePage } from './api.ts';
import { RPC_PAGE_BYTES } from './limits.ts';

/** As many of `items` as fit {@link RPC_PAGE_BYTES}, from the first on; always one, where there is one. */
export function fitting<T>(items: Iterable<T>): T[] {
  const page: T[] = [];
  let sizeBytes = 0;
  for (const item of items) {
    sizeBytes += answerBytes(item);
    if (page.length > 0 && sizeBytes > RPC_PAGE_BYTES) break;
    page.push(item);
  }
  return page;
}

/**
 * Of the messages that were found those that fit, in the order of their places. They are counted from the end that
 * was asked for (`after`: the oldest first, else the newest); `next` leads on from the other end, also where fewer
 * than `limit` fit.
 */
export function messagePage(found: readonly MessageView[], limit: number, after: boolean): MessagePage {
  const ordered = found.toSorted((a, b) => (after ? a.seq - b.seq : b.seq - a.seq));
  const page = fitting(ordered);
  const more = page.length < ordered.length || ordered.length >= limit;
  const next = more ? (page.at(-1)?.seq ?? null) : null;
  return { messages: after ? page : page.toReversed(), next };
}

/** What `item` takes in a list of an answer. */
export function answerBytes(item: unknown): number {
  return Buffer.byteLength(JSON.stringify(item)) + 1;
}

export function listed({ profile, ...friend }: FriendView): ListedFriend {
  if (profile === null) return { ...friend, profile };
  const { name, status, picture } = profile;
  return { ...friend, profile: { name, status, hasPicture: picture !== null } };
}

export function localEvent(event: PeopleEvent): LocalEvent {
  return event.kind === 'friend' ? { kind: 'friend', friend: listed(event.friend) } : event;
}
