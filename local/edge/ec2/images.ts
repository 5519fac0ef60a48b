import { AwsRefusal } from '../protocol/refusal.ts';
import { newId } from './ids.ts';
import type { Tags } from './instance.ts';

export interface Image {
  readonly imageId: string;
  readonly name: string;
  readonly snapshotId: string;
  readonly ownerId: string;
  readonly createdAt: number;
  /** Until then it is pending, as while it is copied. */
  readonly availableAt: number;
  readonly rootDeviceName: string;
  readonly sizeGib: number;
  readonly encrypted: boolean;
  tags: Tags;
}

export interface Snapshot {
  readonly snapshotId: string;
  readonly volumeSizeGib: number;
  readonly encrypted: boolean;
  readonly ownerId: string;
  readonly startedAt: number;
  tags: Tags;
}

/** Whose Amazon Linux is. */
export const AMAZON_ID = '137112412989';

export interface NewImage {
  readonly name: string;
  readonly ownerId: string;
  readonly tags: Tags;
  /** @default those of the image */
  readonly snapshotTags?: Tags;
  readonly now: number;
  /** @default now */
  readonly availableAt?: number;
  readonly encrypted?: boolean;
}

export interface ImageCopy extends Omit<NewImage, 'encrypted'> {
  readonly sourceImageId: string;
  readonly encrypted: boolean;
  readonly clientToken: string;
}

const ROOT_DEVICE = '/dev/xvda';
const SIZE_GIB = 8;

const unknownImage = (imageId: string): AwsRefusal =>
  new AwsRefusal('InvalidAMIID.NotFound', `The image id '[${imageId}]' does not exist`);

/** Machine images and the snapshots behind them. */
export class ImageStore {
  readonly #images = new Map<string, Image>();
  readonly #snapshots = new Map<string, Snapshot>();
  readonly #copies = new Map<string, string>();

  register({ name, ownerId, tags, snapshotTags = tags, now, availableAt = now, encrypted = false }: NewImage): Image {
    const snapshot: Snapshot = {
      snapshotId: newId('snap'),
      volumeSizeGib: SIZE_GIB,
      encrypted,
      ownerId,
      startedAt: now,
      tags: snapshotTags,
    };
    const registered: Image = {
      imageId: newId('ami'),
      name,
      ownerId,
      tags,
      snapshotId: snapshot.snapshotId,
      createdAt: now,
      availableAt,
      rootDeviceName: ROOT_DEVICE,
      sizeGib: snapshot.volumeSizeGib,
      encrypted,
    };
    this.#snapshots.set(snapshot.snapshotId, snapshot);
    this.#images.set(registered.imageId, registered);
    return registered;
  }

  /**
   * The same client token is the same copy. Whatever region the source is said to be in, it is looked for here.
   * @throws AwsRefusal InvalidAMIID.NotFound
   */
  copy({ sourceImageId, clientToken, ...copy }: ImageCopy): Image {
    const made = this.#images.get(this.#copies.get(clientToken) ?? '');
    if (made !== undefined) return made;
    if (!this.#images.has(sourceImageId)) throw unknownImage(sourceImageId);
    const image = this.register(copy);
    if (clientToken !== '') this.#copies.set(clientToken, image.imageId);
    return image;
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

  /** An image or a snapshot: what tags can be put on. @throws AwsRefusal */
  taggable(id: string): { tags: Tags } {
    const found = this.#images.get(id) ?? this.#snapshots.get(id);
    if (found !== undefined) return found;
    throw id.startsWith('ami-')
      ? unknownImage(id)
      : new AwsRefusal('InvalidSnapshot.NotFound', `The snapshot '${id}' does not exist.`);
  }

  /** @throws AwsRefusal InvalidAMIID.NotFound, InvalidAMIID.Unavailable for one already deregistered */
  deregister(imageId: string, deleteSnapshots: boolean): string[] {
    const image = this.#images.get(imageId);
    if (image === undefined) throw unknownImage(imageId);
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
