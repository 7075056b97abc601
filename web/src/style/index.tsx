import { Button, Group, SegmentedControl, Stack } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import NotFound from '@/app/NotFound';
import { useCurrent } from '@/app/session/session';
import { PageHeader } from '@/kit/PageHeader';
import { Dialogs } from './Dialogs';
import { FormParts } from './FormParts';
import { SmallParts } from './SmallParts';
import { States } from './States';
import { TableParts } from './TableParts';

const PARTS: Record<string, () => ReactNode> = {
  small: SmallParts,
  form: FormParts,
  table: TableParts,
  states: States,
  dialogs: Dialogs,
};

/** Every part of the kit in all its states. Only there in development; its texts are English but for the kit's own. */
export default function StylePage() {
  const { style_page: served } = useCurrent();
  const [part, setPart] = useState('small');
  const [crashed, setCrashed] = useState(false);
  const Part = PARTS[part] ?? SmallParts;
  if (!served && !import.meta.env.DEV) return <NotFound />;
  if (crashed) throw new Error('somebody pressed “Crash this page”');
  return (
    <>
      <PageHeader title="Style" explained="Every part of the kit, in all its states.">
        <Button variant="default" onClick={() => setCrashed(true)}>
          Crash this page
        </Button>
        <Button>Primary action</Button>
      </PageHeader>
      <Stack gap="md" flex={1}>
        <Group>
          <SegmentedControl
            aria-label="Parts"
            value={part}
            onChange={setPart}
            data={Object.keys(PARTS).map((name) => ({ value: name, label: name }))}
          />
        </Group>
        <Part />
      </Stack>
    </>
  );
}
