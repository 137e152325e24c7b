/* The two spellings of a configuration, in messages. */
#include "config/config.h"

const struct option_words *config_words(const struct config *config)
{
    static const struct option_words flat = {
        .host = "\"host\"",
        .place = "\"host\" and \"port\"",
        .password = "\"password\"",
        .slot = "slot_name",
        .watermarks = "watermarks_table",
    };
    static const struct option_words flows = {
        .host = "\"address\"",
        .place = "\"address\"",
        .password = "\"credentials.password\"",
        .slot = "advanced.slotName",
        .watermarks = "advanced.watermarksTable",
    };
    return config->flow_spelling ? &flows : &flat;
}
