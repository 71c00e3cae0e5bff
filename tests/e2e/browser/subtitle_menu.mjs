/** The menu of subtitles on our page, as a person uses it. @param {import("playwright-core").Page} page */
export function subtitleMenu(page) {
  const open = () => page.locator('[data-control="subtitles"]').click();
  const entries = '[role="menuitemradio"]';

  return {
    /** What it offers. @param {() => Promise<void>} [look] while it is open */
    async menu(look) {
      await open();
      const choices = await page.locator(entries).allTextContents();
      await look?.();
      await page.keyboard.press("Escape");
      return choices;
    },

    async chosen() {
      await open();
      const name = await page.locator(`${entries}[aria-checked="true"]`).first().textContent();
      await page.keyboard.press("Escape");
      return name;
    },

    /** @param {string} name */
    async choose(name) {
      await open();
      await page.getByRole("menuitemradio", { name, exact: true }).click();
    },
  };
}
