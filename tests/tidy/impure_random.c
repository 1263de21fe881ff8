/* Declared here, so that this needs no libsodium. */
void randombytes_buf(void *buffer, unsigned long size);
void gkv_sin_random(void *buffer);

void gkv_sin_random(void *buffer)
{
    randombytes_buf(buffer, 32);
}
