/** Fault points: the same story again and again, in which another step of it is the one where a process ends. */

import { act } from './acts.ts';
import type { Person } from './person.ts';
import { type Friends, Story, type StoryEnd, type StoryInit } from './story.ts';
import { turns } from './wire.ts';

/** Two who have become friends, have written and have proven each other. */
export async function makeFriends(seed: number, dir: string): Promise<Friends> {
  const story = new Story({ seed, dir, friends: null, point: Infinity });
  await story.settle();
  for (let round = 0; round < 6; round++) {
    for (const [x, y] of [story.people, story.people.toReversed()] as [Person, Person][]) {
      story.write(x, y);
      // each answers the other
      // oxlint-disable-next-line no-await-in-loop
      await story.settle();
    }
  }
  await story.prove();
  for (const person of story.people) {
    const other = story.people.find((one) => one !== person) as Person;
    if (person.book.delivery.trust(other.id) !== 'proven') throw new Error('they are not proven yet');
  }
  const at = story.world.clock.now();
  return { ...story.end(), at };
}

export async function tell(init: StoryInit): Promise<StoryEnd> {
  const story = new Story(init);
  const { world } = story;
  try {
    if (init.friends === null) await story.settle();
    for (let i = 0; i < init.actions; i++) {
      story.revive();
      act(story, i);
      await turns(world.below(8));
      if (world.chance() < 0.05) story.wire.cut();
    }
    await story.prove();
    const messages = story.people.reduce((sum, person) => sum + person.told.size, 0);
    const crashes = story.people.reduce((sum, person) => sum + person.crashes, 0);
    return { points: story.points, at: world.lastStep, crashes, messages };
  } finally {
    story.end();
  }
}
