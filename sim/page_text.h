/* What every page consists of besides its data: style, body and script, as they lie in sim/page/.
 * The build embeds them (sim/page/embed.cmake), because the page must be one file and gridkv-sim
 * one program.
 *
 * Not here  Putting them together: sim/page.c. Trying them: tests/page.sh.
 */
#ifndef GKV_SIM_PAGE_TEXT_H
#define GKV_SIM_PAGE_TEXT_H

/* Each ends with a zero byte. */
extern const char gkv_page_style_css[];
extern const char gkv_page_body_html[];
extern const char gkv_page_model_js[]; /* data, state, texts */
extern const char gkv_page_draw_js[];
extern const char gkv_page_hand_js[]; /* list, filters, mouse, keys, self-test */

#endif
