import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ImageInput } from '#contract';
import { bytes } from '../lib/format.ts';
import { pictureRefusal, pictureTypes } from '../lib/picture-file.ts';

export interface PictureFieldProps {
  readonly name: string;
  readonly image: ImageInput;
  /** The picture as a `data:` address; empty while there is none. */
  readonly text: string;
  /** What a request may come to, where that is known. */
  readonly maxBodyBytes: number | undefined;
  /** @param text the picture as a `data:` address @param fileName of the file that it came from */
  readonly onPicture: (text: string, fileName: string) => void;
}

interface Taken {
  readonly name: string;
  readonly size: number;
}

/** A picture: chosen, dropped, or pasted anywhere on the page; it goes along as it is. */
export function PictureField({ name, image, text, maxBodyBytes, onPicture }: PictureFieldProps): JSX.Element {
  const [taken, setTaken] = useState<Taken>();
  const [problem, setProblem] = useState<string>();
  const [isOver, setIsOver] = useState(false);
  const take = (file: File | undefined): void => {
    if (file === undefined) return;
    const refusal = pictureRefusal(file, maxBodyBytes);
    setProblem(refusal);
    if (refusal !== undefined) return;
    const reader = new FileReader();
    reader.addEventListener('load', () => {
      setTaken({ name: file.name, size: file.size });
      onPicture(String(reader.result), file.name);
    });
    reader.addEventListener('error', () => setProblem(`${file.name} cannot be read: ${reader.error?.message ?? 'no reason was given'}`));
    reader.readAsDataURL(file);
  };
  const latest = useRef(take);
  latest.current = take;
  useEffect(() => {
    const pasted = (event: ClipboardEvent): void => {
      const [file] = event.clipboardData?.files ?? [];
      if (file === undefined) return;
      event.preventDefault();
      latest.current(file);
    };
    document.addEventListener('paste', pasted);
    return () => document.removeEventListener('paste', pasted);
  }, []);
  return (
    <label
      class={isOver ? 'field picture-field over' : 'field picture-field'}
      onDragOver={(event) => {
        event.preventDefault();
        setIsOver(true);
      }}
      onDragLeave={() => setIsOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setIsOver(false);
        take(event.dataTransfer?.files[0]);
      }}
    >
      <span>
        {name}: a picture, chosen, dropped or pasted here{' '}
        <span class="quiet">
          (the model sees it at {image.width} × {image.height})
        </span>
      </span>
      <input
        type="file"
        accept={pictureTypes.join(',')}
        onChange={(event) => {
          take(event.currentTarget.files?.[0]);
          // The same file can be chosen again after it was changed.
          event.currentTarget.value = '';
        }}
      />
      {text !== '' && <img src={text} alt="the picture that is asked about" />}
      {taken !== undefined && text !== '' && (
        <span class="quiet">
          {taken.name}, {bytes(taken.size)}
        </span>
      )}
      {problem !== undefined && (
        <span role="alert" class="problem">
          {problem}
        </span>
      )}
    </label>
  );
}
