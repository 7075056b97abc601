import { Text } from '@mantine/core';
import { IconChevronRight } from '@tabler/icons-react';
import type { ReactNode } from 'react';
import { usePageTexts } from '@/app/page-context';
import classes from './form.module.css';

export interface FormSectionProps {
  /** Texts are the page's `section.<name>.title` and `section.<name>.help`. */
  name: string;
  children: ReactNode;
  /** Folded away until somebody wants it: fields with defaults that suit most. */
  advanced?: boolean;
  /** Fields side by side where there is room. */
  columns?: 1 | 2;
}

/** Fields that belong together. */
export function FormSection({ name, children, advanced = false, columns = 1 }: FormSectionProps) {
  const { text, textIfAny } = usePageTexts();
  const title = text(`section.${name}.title`);
  const help = textIfAny(`section.${name}.help`);
  const fields = (
    <>
      {help !== undefined && (
        <Text size="sm" c="dimmed" mb="sm">
          {help}
        </Text>
      )}
      <div className={classes.fields} data-columns={columns}>
        {children}
      </div>
    </>
  );
  if (advanced) {
    return (
      <details className={classes.advanced}>
        <summary>
          <IconChevronRight size={18} aria-hidden="true" />
          <h3 className={classes.title}>{title}</h3>
        </summary>
        <div className={classes.folded}>{fields}</div>
      </details>
    );
  }
  return (
    <section className={classes.section} aria-label={title}>
      <h3 className={classes.title}>{title}</h3>
      {fields}
    </section>
  );
}

/** Takes both columns of a section that has two. */
export function FullWidth({ children }: { children: ReactNode }) {
  return <div className={classes.full}>{children}</div>;
}
