#include "settings.h"

#include <string.h>

// The first byte after the string whose opening quote is at `at`.
static size_t after_string(slice json, size_t at) {
    for (at++; at < json.length && json.start[at] != '"'; at++) {
        if (json.start[at] == '\\') {
            at++;
        }
    }
    return at + 1;
}

static size_t after_blanks(slice json, size_t at) {
    while (at < json.length && strchr(" \t\r\n", json.start[at])) {
        at++;
    }
    return at;
}

static bool is_key(slice json, size_t from, size_t to, const char *key) {
    size_t length = strlen(key);
    return to - from == length + 2 && memcmp(json.start + from + 1, key, length) == 0;
}

static bool take_text(slice json, size_t at, slice *found) {
    size_t end = after_string(json, at);
    if (json.start[at] != '"' || end > json.length) {
        return false;
    }
    *found = (slice){json.start + at + 1, end - at - 2};
    return memchr(found->start, '\\', found->length) == NULL;
}

bool text_member(slice json, const char *key, slice *found) {
    int depth = 0;
    for (size_t at = 0; at < json.length;) {
        char c = json.start[at];
        if (c != '"') {
            depth += (c == '{' || c == '[') - (c == '}' || c == ']');
            at++;
            continue;
        }
        size_t end = after_string(json, at);
        size_t colon = after_blanks(json, end);
        bool names = depth == 1 && colon < json.length && json.start[colon] == ':';
        if (names && is_key(json, at, end, key)) {
            size_t value = after_blanks(json, colon + 1);
            return value < json.length && take_text(json, value, found);
        }
        at = end;
    }
    return false;
}
