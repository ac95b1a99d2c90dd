// Looks at the capture page in Chromium: `node drive_capture_page.cjs '{"browser", "page", "post", "title"}'`.
// Posts one envelope while the page is open. Prints one JSON object: what was shown, asked for, and said on the console.
const { chromium } = require('playwright-core');

const QUIET = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'];

const background = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);

async function main({ browser: executablePath, page: url, post, title, screenshot }) {
  const browser = await chromium.launch({
    executablePath,
    args: [...QUIET, '--disable-component-update', '--disable-sync'],
  });
  const page = await browser.newPage({ viewport: { width: 1400, height: 1000 }, colorScheme: 'light' });
  const report = { requests: [], errors: [] };
  page.on('request', (request) => report.requests.push(request.url()));
  page.on('pageerror', (error) => report.errors.push(error.message));
  page.on('console', (message) => { if (message.type() === 'error') report.errors.push(message.text()); });

  await page.goto(url);
  await page.waitForSelector('#connection[data-state="live"]');
  report.empty = await page.locator('#empty').innerText();
  const answer = await fetch(post.url, { method: 'POST', headers: post.headers, body: post.body });
  report.posted = answer.status;

  const row = page.locator('#records li').first();
  await row.waitFor();
  report.row = await row.innerText();
  await row.locator('a').click();
  await page.waitForSelector('#detail .changes');
  report.detail = await page.locator('#detail').innerText();
  report.headings = await page.locator('#detail h2, #detail h3').allInnerTexts();
  report.changes = await page.locator('.changes tbody tr').allInnerTexts();
  report.marks = await page.locator('.tree mark.redaction').allInnerTexts();
  report.address = page.url();
  report.windowTitle = await page.title();
  report.lang = await page.evaluate(() => document.documentElement.lang);
  report.pwned = await page.evaluate(() => typeof window.pwned);
  if (screenshot) await page.screenshot({ path: screenshot });

  report.light = await background(page);
  await page.keyboard.press('t');
  report.dark = await background(page);
  await page.reload();
  await page.waitForSelector('#detail .changes');
  report.afterReload = { background: await background(page), title: await page.locator('#detail h2').innerText() };

  await page.fill('#message', 'no such message');
  await page.waitForFunction(() => !document.querySelector('#records li'));
  await page.fill('#message', title.slice(0, 5));
  await page.locator('#records li').first().waitFor();
  await page.locator('#clear').click();
  await page.waitForFunction(() => !document.querySelector('#records li'));
  report.violations = report.errors.filter((text) => text.includes('Content Security Policy'));
  await browser.close();
  process.stdout.write(JSON.stringify(report));
}

main(JSON.parse(process.argv[2])).catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
