import { Button, Group, SimpleGrid } from '@mantine/core';
import { useState } from 'react';
import { DateTimeField } from '@/kit/dates/DateTimeField';
import { FormBody } from '@/kit/form/FormBody';
import { FormDrawer } from '@/kit/form/FormDrawer';
import { FormSection, FullWidth } from '@/kit/form/FormSection';
import {
  CheckboxField,
  ChipsField,
  NumberField,
  RadioField,
  SelectField,
  SwitchField,
  TextareaField,
  TextField,
} from '@/kit/form/fields';
import { useKitForm } from '@/kit/form/form';
import { PasswordField } from '@/kit/form/PasswordField';
import { Surface } from '@/kit/Surface';

const INITIAL = {
  number: '',
  name: 'مریم احمدی',
  secret: 'correct horse battery staple',
  context: 'main_routing',
  mode: 'basic',
  timeout: '30',
  call_record: 'yes',
  agree: false,
  allowed: ['10.0.0.0/8', '192.168.1.10'],
  description: '',
  expires_at: null as number | null,
};

function Fields() {
  return (
    <>
      <FormSection name="basic" columns={2}>
        <TextField name="number" ltr inputMode="numeric" placeholder="101" />
        <TextField name="name" />
        <PasswordField name="secret" strength generate />
        <SelectField name="context" choices={['main_routing', 'internal']} />
        <FullWidth>
          <RadioField name="mode" choices={['basic', 'token']} />
        </FullWidth>
        <SwitchField name="call_record" />
        <NumberField name="timeout" unit="s" asText />
        <FullWidth>
          <ChipsField name="allowed" />
        </FullWidth>
        <FullWidth>
          <DateTimeField name="expires_at" />
        </FullWidth>
      </FormSection>
      <FormSection name="more" advanced>
        <TextareaField name="description" />
        <CheckboxField name="agree" />
      </FormSection>
    </>
  );
}

function useSampleForm() {
  return useKitForm({
    initial: INITIAL,
    required: ['number', 'name', 'description'],
    validate: (values) => (/^\d*$/.test(values.number) ? {} : { number: 'Digits only' }),
  });
}

export function FormParts() {
  const plain = useSampleForm();
  const [open, setOpen] = useState(false);
  return (
    <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="md">
      <Surface>
        <FormBody
          form={plain}
          onSubmit={() => plain.failWhole('The server said no, and not because of a field.')}
        >
          <Fields />
          <Group gap="xs">
            <Button type="submit">Check</Button>
            <Button variant="default" onClick={() => plain.failField('context', 'This name is taken.')}>
              Fail a field
            </Button>
            <Button variant="default" onClick={plain.reset}>
              Reset
            </Button>
          </Group>
        </FormBody>
      </Surface>
      <div>
        <Button variant="default" onClick={() => setOpen(true)}>
          Open the drawer
        </Button>
        {open && <SampleDrawer onClose={() => setOpen(false)} />}
      </div>
    </SimpleGrid>
  );
}

function SampleDrawer({ onClose }: { onClose: () => void }) {
  const form = useSampleForm();
  return (
    <FormDrawer
      title="Add an extension"
      form={form}
      onClose={onClose}
      onSubmit={() => {
        form.settled();
        onClose();
      }}
    >
      <Fields />
    </FormDrawer>
  );
}
