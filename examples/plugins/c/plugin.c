// Adds a field to the request, and one to the response.
#include <stdlib.h>
#include <string.h>

#include "http_client_plugin.h"
#include "settings.h"

// Lasts as long as the instance.
static http_client_plugin_list_u8_t greeting;

// Keeps its own copy: `settings` is given back at the end.
bool exports_cuttle_plugin_http_client_configure(http_client_plugin_string_t *settings,
                                                 http_client_plugin_string_t *error) {
    slice found;
    bool ok = text_member((slice){(const char *)settings->ptr, settings->len}, "greeting", &found);
    if (ok) {
        greeting.ptr = malloc(found.length + 1);
        greeting.len = found.length;
        memcpy(greeting.ptr, found.start, found.length);
    } else {
        http_client_plugin_string_dup(error, "greeting: must be a text without escapes");
    }
    http_client_plugin_string_free(settings);
    return ok;
}

// A request or response that is not handed on must be dropped.
bool exports_cuttle_plugin_http_client_handle(
    exports_cuttle_plugin_http_client_own_request_t request,
    exports_cuttle_plugin_http_client_own_response_t *response,
    exports_cuttle_plugin_http_client_error_t *error) {
    http_client_plugin_string_t name;
    http_client_plugin_string_set(&name, "x-greeting");
    if (!cuttle_plugin_types_method_request_set_header(cuttle_plugin_types_borrow_request(request),
                                                       &name, &greeting, error)) {
        cuttle_plugin_types_request_drop_own(request);
        return false;
    }
    if (!cuttle_plugin_outbound_send(request, response, error)) {
        return false;
    }
    const char *by = "hello-c";
    http_client_plugin_list_u8_t value = {(uint8_t *)by, strlen(by)};
    http_client_plugin_string_set(&name, "x-greeted-by");
    if (!cuttle_plugin_types_method_response_set_header(
            cuttle_plugin_types_borrow_response(*response), &name, &value, error)) {
        cuttle_plugin_types_response_drop_own(*response);
        return false;
    }
    return true;
}
