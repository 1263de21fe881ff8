int gkv_sin_global(void);

static int counter;

int gkv_sin_global(void)
{
    return ++counter;
}
