import type { JSX } from 'preact';
import type { CharterDocuments } from '#contract';
import { send } from '../lib/api.ts';
import { counted, shortDigest } from '../lib/format.ts';
import { recordPath } from '../lib/records.ts';
import { useResource } from '../lib/resource.ts';
import { queryValue, setQuery } from '../lib/router.ts';
import { who } from '../lib/session.ts';
import { Action } from '../parts/action.tsx';
import { Markdown } from '../parts/markdown.tsx';
import { Card, Load, Page, RawJson } from '../parts/page.tsx';
import { State } from '../parts/state.tsx';
import { DigestText, When, Who } from '../parts/values.tsx';

/** Phase zero in three documents, what is missing in them, and who agreed to these words. */
export function CharterDocumentsPage(): JSX.Element {
  const found = useResource<CharterDocuments>('charter', ['charter.', 'dataset.', 'quality_report.']);
  return (
    <Load of={found} what="The documents">
      {(data) => (
        <Page
          kind="Charter"
          title="in three documents"
          crumbs={[{ text: 'Charter', href: '/charter' }]}
          truth={<Truth data={data} />}
          actions={<Confirm data={data} reload={found.reload} />}
        >
          <div class="cards">
            {data.missing.length > 0 && <MissingCard missing={data.missing} />}
            <DocumentsCard documents={data.documents} />
            <ConfirmationsCard data={data} />
          </div>
        </Page>
      )}
    </Load>
  );
}

function Truth({ data: { confirmed, dataChanged, charter, version } }: { readonly data: CharterDocuments }): JSX.Element {
  return (
    <p>
      {confirmed ? (
        <State tone={dataChanged.length === 0 ? 'good' : 'warn'}>confirmed, word for word</State>
      ) : (
        <State tone="waiting">these words are not confirmed</State>
      )}
      {dataChanged.length > 0 && `; ${dataChanged.join(', ')} changed since`}
      {'; '}
      {version === undefined ? 'the charter' : `version ${version}`} <DigestText digest={charter} href={recordPath('charter', charter)} />
    </p>
  );
}

function Confirm({ data, reload }: { readonly data: CharterDocuments; readonly reload: () => void }): JSX.Element {
  const isKnown = who.value !== undefined && who.value.via !== 'local';
  return (
    <Action
      label="Confirm the charter"
      permission="read"
      primary
      missing={isKnown ? [] : ['who agrees has to be known: sign in']}
      statement={{ label: 'Comment', hint: 'what you agree to, or what you want kept with it' }}
      explain={
        <>
          <p>
            You agree to the charter <code>{shortDigest(data.charter)}</code>, word for word, and to the newest version of each dataset.
            Other words need a confirmation of their own.
          </p>
          {data.missing.length > 0 && <p>{counted(data.missing.length, 'thing')} that the documents should say is missing.</p>}
        </>
      }
      act={async (comment) => {
        await send('POST', 'charter/confirmations', { charter: data.charter, comment });
        reload();
      }}
    />
  );
}

function MissingCard({ missing }: { readonly missing: CharterDocuments['missing'] }): JSX.Element {
  return (
    <Card title="What is missing" wide says="What the documents cannot say, because nobody has said it yet.">
      <ul class="statements">
        {missing.map(({ what, add }) => (
          <li key={what}>
            <p>{what}</p>
            <p class="quiet">
              add <code>{add}</code>
            </p>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function DocumentsCard({ documents }: { readonly documents: CharterDocuments['documents'] }): JSX.Element {
  const wanted = queryValue('document');
  const shown = documents.find(({ name }) => name === wanted) ?? documents[0];
  return (
    <Card
      title="Documents"
      wide
      aside={
        <div class="chips" role="group" aria-label="Document">
          {documents.map(({ name, title }) => (
            <button key={name} type="button" class="chip" aria-pressed={name === shown?.name} onClick={() => setQuery({ document: name })}>
              {title}
            </button>
          ))}
        </div>
      }
    >
      {shown !== undefined && <Markdown text={shown.markdown} label={shown.title} />}
    </Card>
  );
}

function ConfirmationsCard({ data }: { readonly data: CharterDocuments }): JSX.Element {
  return (
    <Card title="Confirmations" wide>
      {data.confirmations.length === 0 && <p class="quiet">Nobody has confirmed the charter yet.</p>}
      <ul class="statements">
        {data.confirmations.map(({ by, charter, comment, confirmedAt }) => (
          <li key={`${by.identity} ${confirmedAt}`}>
            <p>
              <Who actor={by} /> <When at={confirmedAt} />, {charter === data.charter ? 'these words' : <code>{shortDigest(charter)}</code>}
            </p>
            {comment !== undefined && <p class="quiet">{comment}</p>}
          </li>
        ))}
      </ul>
      <RawJson value={data} />
    </Card>
  );
}
