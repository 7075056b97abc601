import { Button, SimpleGrid } from '@mantine/core';
import { IconPlus, IconUsers } from '@tabler/icons-react';
import { ApiError } from '@/api/errors';
import { Surface } from '@/kit/Surface';
import { EmptyState } from '@/kit/states/EmptyState';
import { ErrorState } from '@/kit/states/ErrorState';
import { LoadingState } from '@/kit/states/LoadingState';

export function States() {
  return (
    <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
      <Surface>
        <LoadingState />
      </Surface>
      <Surface>
        <EmptyState icon={IconUsers} title="No extensions yet" text="Add the first one to be able to call.">
          <Button leftSection={<IconPlus size={16} />}>Add</Button>
        </EmptyState>
      </Surface>
      <Surface>
        <ErrorState error={new ApiError(0, 'offline', '')} onRetry={() => {}} />
      </Surface>
      <Surface>
        <ErrorState
          error={new ApiError(500, 'broken', '', null, { request_id: '9f2c41' })}
          onRetry={() => {}}
        />
      </Surface>
    </SimpleGrid>
  );
}
