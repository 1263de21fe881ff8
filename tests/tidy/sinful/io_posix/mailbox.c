/* A comment may name close() and read(). */
int gkv_sin_close(int fd)
{
    gkv_socket_close(fd);
    return system->read(fd) + close(fd);
}
