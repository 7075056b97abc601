import { useTranslation } from 'react-i18next';
import { Note } from '@/kit/Note';
import { Code } from '@/kit/text/Code';

/** Says which stored option lines do nothing. */
export function IgnoredOptions({ lines }: { lines: readonly string[] }) {
  const { t } = useTranslation();
  if (lines.length === 0) return null;
  return (
    <Note tone="warn" title={t('ignoredOptions', { count: lines.length })}>
      {lines.map((line, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines may be alike, and are never reordered
        <div key={index}>
          <Code wrap>{line}</Code>
        </div>
      ))}
    </Note>
  );
}
