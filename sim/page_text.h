/* What every page consists of besides its data: lines of CSS, HTML and JavaScript, each array ended
 * by NULL. They lie in C because the page must be one file and gridkv-sim one program.
 *
 * Not here  Putting them together: sim/page.c. Trying them: tests/page.sh.
 */
#ifndef GKV_SIM_PAGE_TEXT_H
#define GKV_SIM_PAGE_TEXT_H

extern const char *const gkv_page_style[];
extern const char *const gkv_page_body[];
extern const char *const gkv_page_script_model[]; /* data, state, texts */
extern const char *const gkv_page_script_draw[];
extern const char *const gkv_page_script_hand[]; /* list, filters, mouse, keys, self-test */

#endif
