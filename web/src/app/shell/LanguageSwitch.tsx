import { Button } from '@mantine/core';
import { IconLanguage } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { changeLanguage, LANGUAGE_NAMES, LANGUAGES } from '../i18n';

/** Changes to the other language, in this browser. It is named as its readers name it. */
export function LanguageSwitch() {
  const { i18n } = useTranslation();
  return LANGUAGES.filter((language) => language !== i18n.language).map((language) => (
    <Button
      key={language}
      variant="subtle"
      color="gray"
      size="compact-md"
      lang={language}
      leftSection={<IconLanguage size={18} aria-hidden="true" />}
      onClick={() => void changeLanguage(language)}
    >
      {LANGUAGE_NAMES[language]}
    </Button>
  ));
}
