// Opens whatever a view of the capture page keeps folded, presses what shows more, looks into every tab, and tells what must not be there.
async () => {
  const main = document.querySelector('main');
  const found = new Set();
  const CONTROL = /[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
  const SKIPPED = 'option, textarea, input, script';
  const WAITING = /Comparing…|Reading…|Looking…|Reading the envelope/;
  const rest = () => new Promise((resolve) => { setTimeout(resolve, 0); });
  const drawn = () => new Promise((resolve) => { requestAnimationFrame(() => setTimeout(resolve, 0)); });
  const say = (what, element) => found.add(`${what}: ${element.outerHTML.slice(0, 160)}`);
  const seen = (list, most) => [...list].filter((element) => element.checkVisibility()).slice(0, most);

  const settled = async () => {
    const until_mono = performance.now() + 10_000;
    do await drawn(); while (performance.now() < until_mono && (main.querySelector('[aria-busy=true]') || WAITING.test(main.textContent)));
  };

  async function unfold() {
    await settled();
    for (let round = 0; round < 2; round += 1) {
      for (const one of seen(main.querySelectorAll('details:not([open]):not(.menu)'), 20)) one.open = true;
      await rest();
      for (const one of seen(main.querySelectorAll('button.more'), 10)) one.click();
      await rest();
    }
  }

  async function press() {
    for (const one of seen(main.querySelectorAll('button[aria-pressed=false]'), 4)) {
      one.click();
      await rest();
    }
  }

  function look() {
    for (const element of document.body.querySelectorAll('*')) {
      if (/^(script|iframe|object|embed)$/i.test(element.tagName) && element.closest('main')) say('an element that runs', element);
      for (const { name, value } of element.attributes) {
        if (/^on/.test(name)) say('a handler', element);
        if (name === 'class' && /<|\b(__proto__|constructor|hasOwnProperty|valueOf|toString|prototype)\b/.test(value)) say('a class that the event chose', element);
        if (/^(href|src|action|formaction)$/.test(name) && /^\s*(javascript|vbscript|data:(?!image\/))/i.test(value)) say('a link that runs', element);
        if (/^(title|aria-label|alt)$/.test(name) && CONTROL.test(value)) say(`a control character in ${name}`, element);
      }
    }
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node.parentElement.closest(SKIPPED)) continue;
      if (CONTROL.test(node.data)) say('a control character', node.parentElement);
      if (/[\u0590-\u05ff]/.test(node.data) && !isolated(node)) say('a direction that reaches its neighbours', node.parentElement);
    }
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth > clientWidth) found.add(`${scrollWidth - clientWidth} px wider than the window`);
    if ({}.polluted !== undefined) found.add('a prototype was changed');
    if (window.pwned !== undefined) found.add(`it ran: ${window.pwned}`);
  }

  /** Text whose direction cannot turn anything else around: in an element of its own direction, or alone in its line. */
  function isolated(node) {
    for (let element = node.parentElement; ; element = element.parentElement) {
      const { unicodeBidi, display } = getComputedStyle(element);
      if (/isolate|plaintext/.test(unicodeBidi) && (display === 'inline' || element.matches('.shown'))) return true;
      if (element.closest('.shown')) continue;
      if (display !== 'inline') return element.textContent.trim() === node.data.trim();
    }
  }

  /** Panels stay where they are when another tab is chosen: one look sees all. */
  const tabs = [...main.querySelectorAll('[role=tab]')];
  for (const step of [unfold, press]) {
    for (const tab of tabs.length ? tabs : [null]) {
      tab?.click();
      await step();
    }
    await drawn();
    look();
  }
  return { found: [...found].slice(0, 8), tabs: tabs.length };
}
