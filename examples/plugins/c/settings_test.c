#undef NDEBUG
#include "settings.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static bool finds(const char *json, const char *expected) {
    slice found;
    if (!text_member((slice){json, strlen(json)}, "greeting", &found)) {
        return expected == NULL;
    }
    return expected && found.length == strlen(expected) &&
           memcmp(found.start, expected, found.length) == 0;
}

int main(void) {
    assert(finds("{\"name\":\"hello-c\",\"greeting\" : \"hello\"}", "hello"));
    assert(finds("{\"greeting\":\"\"}", ""));
    assert(finds("{\"inner\":{\"greeting\":\"no\"},\"a\":\"greeting\"}", NULL));
    assert(finds("{\"greeting\":1}", NULL));
    assert(finds("{\"greeting\":\"with \\\"quotes\\\"\"}", NULL));
    assert(finds("{\"greeting\":", NULL));
    assert(finds("{\"greeting\":\"cut", NULL));
    assert(finds("", NULL));
    puts("settings: ok");
    return 0;
}
