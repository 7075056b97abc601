import { Stack } from '@mantine/core';
import { useErrorText } from '@/kit/errors';
import { Note } from '@/kit/Note';
import { PageHeader } from '@/kit/PageHeader';
import { ErrorState } from '@/kit/states/ErrorState';
import { LoadingState } from '@/kit/states/LoadingState';
import { Counts } from './Counts';
import { Health } from './Health';
import { Problems } from './Problems';
import { Steps } from './Steps';
import { useStatus } from './status';

/** How the contact center is, and what to do next. */
export default function Home() {
  const status = useStatus();
  const errorText = useErrorText();
  return (
    <>
      <PageHeader />
      {status.data === undefined ? (
        status.isError ? (
          <ErrorState error={status.error} onRetry={() => void status.refetch()} />
        ) : (
          <LoadingState delayed />
        )
      ) : (
        <Stack gap="md">
          {status.isError && (
            <Note tone="bad" urgent>
              {errorText(status.error)}
            </Note>
          )}
          {!status.data.steps.done && <Steps steps={status.data.steps} />}
          <Health status={status.data} />
          <Counts counts={status.data.counts} />
          <Problems problems={status.data.problems} />
        </Stack>
      )}
    </>
  );
}
