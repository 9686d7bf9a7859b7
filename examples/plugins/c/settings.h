// What is tested without a gateway: it includes nothing of the contract.
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

// Bytes of somebody else, without a zero at the end.
typedef struct {
    const char *start;
    size_t length;
} slice;

// Finds the text under `key` in an object, which is valid JSON: the gateway
// has parsed it. False if there is none, or one with escapes (`\n`, `\u00e9`),
// which are left to a library for JSON.
bool text_member(slice object, const char *key, slice *found);

#endif
