/* The one file that may: not a sin. */
int gkv_sin_table(int fd) { return close(fd); }
