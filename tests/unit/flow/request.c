/* Requests, one line each. */
#include "parse.h"

TestSuite(flow_request, .init = start, .fini = stop);

Test(flow_request, each_kind_is_known_by_its_member)
{
    parse("{\"spec\":{\"connectorType\":\"IMAGE\",\"config\":{}}}");
    cr_assert_eq(request.kind, FLOW_SPEC);
    cr_assert_null(request.config);
    parse("{\"discover\":{" CONFIG "}}");
    cr_assert_eq(request.kind, FLOW_DISCOVER);
    cr_assert_str_eq(request.config->host, "h");
    cr_assert_str_eq(request.config->password, "p");
    cr_assert_null(request.catalog);
    parse("{\"validate\":{\"name\":\"a/b\"," BINDINGS("},\"backfill\":1}") ",\"lastCapture\":{}}}");
    cr_assert_eq(request.kind, FLOW_VALIDATE);
    cr_assert_eq(request.catalog->count, 1);
    parse("{\"apply\":{\"capture\":{" BINDINGS("}}") "},\"version\":\"1\"}}");
    cr_assert_eq(request.kind, FLOW_APPLY);
    cr_assert_eq(request.catalog->count, 1);
    parse("{\"$internal\":\"x\",\"acknowledge\":{}}");
    cr_assert_eq(request.kind, FLOW_ACKNOWLEDGE);
}

Test(flow_request, acknowledgements_count_one_unless_told)
{
    parse("{\"acknowledge\":{}}");
    cr_assert_eq(request.checkpoints, 1);
    parse("{\"acknowledge\":{\"checkpoints\":0}}");
    cr_assert_eq(request.checkpoints, 1);
    parse("{\"acknowledge\":{\"checkpoints\":7}}");
    cr_assert_eq(request.checkpoints, 7);
    refused("{\"acknowledge\":{\"checkpoints\":-1}}",
            "request: acknowledge.checkpoints must be a whole number from 0 to 4294967295");
}

Test(flow_request, open_has_a_state_or_begins)
{
    parse("{\"open\":{\"capture\":{" BINDINGS(
        "},\"stateKey\":\"k.v1\"}") "},\"range\":{},\"state\":{\"cursor\":\"0/10\",\"slot\":\"s\","
                                    "\"streams\":{\"k.v1\":{\"mode\":\"Active\"}}}}}");
    cr_assert_eq(request.kind, FLOW_OPEN);
    cr_assert_eq(request.state.checkpoint->cursor, 0x10);
    cr_assert_str_eq(request.catalog->streams[0].state_key, "k.v1");
    cr_assert_not_null(checkpoint_stream(request.state.checkpoint, "k.v1"));
    parse("{\"open\":{\"capture\":{" BINDINGS("}}") "},\"state\":{}}}");
    cr_assert_null(request.state.checkpoint);
    parse("{\"open\":{\"capture\":{" CONFIG "}}}");
    cr_assert_null(request.state.checkpoint);
    cr_assert_eq(request.catalog->count, 0);
}

Test(flow_request, nothing_malformed_passes)
{
    refused("", "request is not valid JSON: line 1, column 1: it is empty");
    refused("{\"spec\":", "request is not valid JSON: line 1, column 9: it ends too early");
    refused("[]", "request: must be an object, not an array");
    refused("{}", "request: it holds none of spec, discover, validate, apply, open and "
                  "acknowledge");
    refused("{\"pull\":{}}", "request: it holds none of spec, discover, validate, apply, open "
                             "and acknowledge");
    refused("{\"spec\":{},\"apply\":{}}",
            "request: it holds more than one of spec, discover, validate, apply, open and "
            "acknowledge");
    refused("{\"spec\":1}", "request: spec must be an object, not a number");
    refused("{\"open\":{}}", "request: open.capture is missing: it must be an object");
    refused("{\"discover\":{}}", "request: discover.config is missing: it must be an object");
}

Test(flow_request, the_parts_are_read_under_their_own_names)
{
    refused("{\"discover\":{\"config\":{\"host\":\"h\"}}}", "config: user is missing");
    refused("{\"open\":{\"capture\":{" CONFIG "},\"state\":{\"cursor\":\"x\"}}}",
            "state: cursor is \"x\"; it must be an LSN like 0/16B3748");
}

Test(flow_request, no_file_of_ours_is_read_for_a_capture)
{
    refused(
        "{\"discover\":{\"config\":{\"address\":\"h\",\"user\":\"u\",\"password_file\":\"/f\"}}}",
        "config: password_file is not for Flow: give password");
}

Test(flow_request, what_is_not_acted_on_is_noticed)
{
    parse("{\"discover\":{\"config\":{\"address\":\"h\",\"user\":\"u\",\"advanced\":{"
          "\"discover_only_published\":true}}}}");
    cr_assert_str_eq(out_text(&out),
                     "advanced.discover_only_published is accepted but not acted on");
}
