import { DirectionProvider, MantineProvider, useDirection } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { queryClient } from '@/api/queries';
import { CenteredScreen } from '@/app/CenteredScreen';
import { NotificationHost } from '@/kit/notify';
import { ErrorState } from '@/kit/states/ErrorState';
import { LoadingState } from '@/kit/states/LoadingState';
import { directionOf, type Language } from './i18n';
import { styleNonce } from './nonce';
import { Routing } from './Routing';
import { SessionProvider } from './session/session';
import { cssVariables, schemeManager, theme } from './theme';

export function App() {
  return (
    <DirectionProvider>
      <MantineProvider
        theme={theme}
        cssVariablesResolver={cssVariables}
        colorSchemeManager={schemeManager}
        defaultColorScheme="auto"
        getStyleNonce={styleNonce}
        deduplicateInlineStyles
      >
        <LanguageOfDocument />
        <NotificationHost />
        <QueryClientProvider client={queryClient}>
          <SessionProvider
            loading={
              <CenteredScreen>
                <LoadingState />
              </CenteredScreen>
            }
            failed={(error, retry) => (
              <CenteredScreen>
                <ErrorState error={error} onRetry={retry} />
              </CenteredScreen>
            )}
          >
            <Routing />
          </SessionProvider>
        </QueryClientProvider>
      </MantineProvider>
    </DirectionProvider>
  );
}

/** Language and direction of the whole document follow the chosen language. */
function LanguageOfDocument() {
  const { i18n } = useTranslation();
  const { setDirection } = useDirection();
  useEffect(() => {
    document.documentElement.lang = i18n.language;
    setDirection(directionOf(i18n.language as Language));
  }, [i18n.language, setDirection]);
  return null;
}
