// Runs before anything is painted, so that neither the colour scheme nor the direction of writing flashes.
(() => {
  const root = document.documentElement;
  let scheme = 'auto';
  let language = '';
  try {
    scheme = localStorage.getItem('tamas.scheme') || scheme;
    language = localStorage.getItem('tamas.language') || language;
  } catch {
    // Storage is forbidden here: what the browser prefers is taken.
  }
  if (scheme !== 'light' && scheme !== 'dark') {
    scheme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
  }
  if (language !== 'en' && language !== 'fa') {
    language = (navigator.language || '').startsWith('fa') ? 'fa' : 'en';
  }
  root.setAttribute('data-mantine-color-scheme', scheme);
  root.lang = language;
  root.dir = language === 'fa' ? 'rtl' : 'ltr';
})();
