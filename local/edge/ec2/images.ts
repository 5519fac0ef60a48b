import { AwsRefusal } from '../protocol/refusal.ts';
import { newId } from './ids.ts';
import type { Tags } from './instance.ts';

export interface Image {
  readonly imageId: string;
  readonly name: string;
  readonly snapshotId: string;
  readonly ownerId: string;
  readonly createdAt: number;
  readonly rootDeviceName: string;
  readonly sizeGib: number;
  tags: Tags;
}

export interface Snapshot {
  readonly snapshotId: string;
  readonly volumeSizeGib: number;
  readonly ownerId: string;
  readonly startedAt: number;
  tags: Tags;
}

/** Whose Amazon Linux is. */
export const AMAZON_ID = '137112412989';

/** Machine images and the snapshots behind them. */
export class ImageStore {
  readonly #images = new Map<string, Image>();
  readonly #snapshots = new Map<string, Snapshot>();

  register(image: { name: string; ownerId: string; tags: Tags; now: number }): Image {
    const { name, ownerId, tags, now } = image;
    const snapshot = { snapshotId: newId('snap'), volumeSizeGib: 8, ownerId, startedAt: now, tags };
    const registered: Image = {
      imageId: newId('ami'),
      name,
      ownerId,
      tags,
      snapshotId: snapshot.snapshotId,
      createdAt: now,
      rootDeviceName: '/dev/xvda',
      sizeGib: snapshot.volumeSizeGib,
    };
    this.#snapshots.set(snapshot.snapshotId, snapshot);
    this.#images.set(registered.imageId, registered);
    return registered;
  }

  find(imageId: string): Image | undefined {
    return this.#images.get(imageId);
  }

  /** What Amazon's public parameter stands for. */
  amazonLinux(): Image | undefined {
    return this.images().find(({ ownerId }) => ownerId === AMAZON_ID);
  }

  images(): Image[] {
    return [...this.#images.values()];
  }

  snapshots(): Snapshot[] {
    return [...this.#snapshots.values()];
  }

  /** @throws AwsRefusal InvalidAMIID.NotFound, InvalidAMIID.Unavailable for one already deregistered */
  deregister(imageId: string, deleteSnapshots: boolean): string[] {
    const image = this.#images.get(imageId);
    if (image === undefined) {
      throw new AwsRefusal('InvalidAMIID.NotFound', `The image id '[${imageId}]' does not exist`);
    }
    this.#images.delete(imageId);
    return deleteSnapshots && this.#snapshots.delete(image.snapshotId) ? [image.snapshotId] : [];
  }

  /** @throws AwsRefusal InvalidSnapshot.NotFound, InvalidSnapshot.InUse while an image needs it */
  deleteSnapshot(snapshotId: string): void {
    const user = this.images().find((image) => image.snapshotId === snapshotId);
    if (user !== undefined) {
      throw new AwsRefusal(
        'InvalidSnapshot.InUse',
        `The snapshot ${snapshotId} is currently in use by ${user.imageId}`,
      );
    }
    if (!this.#snapshots.delete(snapshotId)) {
      throw new AwsRefusal('InvalidSnapshot.NotFound', `The snapshot '${snapshotId}' does not exist.`);
    }
  }
}
