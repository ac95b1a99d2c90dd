// Light or dark: the system's choice until somebody presses the button; that is remembered in the browser.

const KEY = 'scrubjay.theme';

const system = () => (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');

export function startTheme() {
  const kept = localStorage.getItem(KEY);
  if (kept) document.documentElement.dataset.theme = kept;
}

export function toggleTheme() {
  const shown = document.documentElement.dataset.theme ?? system();
  const next = shown === 'dark' ? 'light' : 'dark';
  document.documentElement.dataset.theme = next;
  localStorage.setItem(KEY, next);
}
