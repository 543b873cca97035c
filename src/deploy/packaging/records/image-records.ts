import { eventType } from '#contract';
import type { EventTypes, ModelImage } from '#contract';
import { GyreError } from '#core';
import type { Events } from '#events';
import type { Store, Tx } from '#store';
import { insertImage, selectImage, selectImages } from './images-store.ts';

/** Which images were made of which versions, and where they were sent. */
export interface ImageRecords {
  /** Keeps what was made, and says so by an event. */
  keep(image: ModelImage): Promise<ModelImage>;
  /** @throws GyreError NOT_FOUND */
  get(id: string): Promise<ModelImage>;
  /** Newest first. @param options.limit default 100 */
  list(options?: { readonly model?: string; readonly limit?: number }): Promise<readonly ModelImage[]>;
}

export function openImageRecords({ store, events }: { readonly store: Store; readonly events: Events<EventTypes> }): ImageRecords {
  return {
    keep: async (image) => {
      await store.write(async function keepImage(tx: Tx, kept: ModelImage) {
        await insertImage(tx, kept);
        const { id, model, version, modelVersion, digest, image: sent, by } = kept;
        const data = { id, model, version, modelVersion, digest, ...(sent === undefined ? {} : { image: sent }) };
        events.publish(tx, { type: eventType('model_image.made'), subject: modelVersion, actor: by.identity, data });
      }, image);
      return image;
    },
    get: async (id) => {
      const found = await store.read((db) => selectImage(db, id));
      if (found !== undefined) return found;
      throw new GyreError('NOT_FOUND', `there is no image "${id}" on record`, { id });
    },
    list: ({ model, limit = 100 } = {}) => store.read((db) => selectImages(db, model, limit)),
  };
}
