import type { ImagebuilderClient, ImageStatus } from '@aws-sdk/client-imagebuilder';
import type { Image } from '#contract';
import { lostSight } from '../follow.ts';
import type { Io } from '../io.ts';
import { openBoard, pause } from './board.ts';
import { type Build, RUNNING, readBuild } from './pipelines.ts';

export interface BuildSubject {
  readonly image: Image;
  readonly arn: string;
}

export interface EndedBuild extends BuildSubject {
  readonly build: Build;
}

/** What each state of an image means. */
const TITLES: Partial<Record<ImageStatus, string>> = {
  PENDING: 'Wait for its turn',
  CREATING: 'Launch the build machine',
  BUILDING: 'Run the scripts',
  TESTING: 'Boot it and look',
  DISTRIBUTING: 'Publish it',
  INTEGRATING: 'Publish it',
};

/** Names of phases; two states are one phase where nobody would tell them apart. */
const idOf = (status: ImageStatus): string => (status === 'INTEGRATING' ? 'DISTRIBUTING' : status).toLowerCase();

const ENDS: Partial<Record<ImageStatus, 'done' | 'stopped'>> = { AVAILABLE: 'done', CANCELLED: 'stopped' };

/** Follows builds side by side until each has ended, well or badly. */
export const followBuilds = async (
  client: ImagebuilderClient,
  subjects: readonly BuildSubject[],
  io: Io,
  json: boolean,
): Promise<EndedBuild[]> => {
  const board = openBoard(
    subjects.map(({ image }) => image),
    io,
    json,
  );
  const follow = async (subject: BuildSubject): Promise<EndedBuild> => {
    for (;;) {
      const build = await readBuild(client, subject.arn);
      if (!RUNNING.includes(build.status)) {
        board.end(subject.image, ENDS[build.status] ?? 'failed');
        return { ...subject, build };
      }
      board.enter(subject.image, idOf(build.status), TITLES[build.status] ?? build.status);
      await pause(io);
    }
  };
  try {
    return await Promise.all(subjects.map(follow));
  } catch (error) {
    throw io.interruption.signal.aborted ? error : lostSight(error, io);
  } finally {
    board.close();
  }
};
