/* What both forms of dates and times share: the ends of RFC 3339's range, shown for all beyond. */
#ifndef EMIT_LOOK_H
#define EMIT_LOOK_H

#define DATE_FIRST      "0000-01-01"
#define DATE_LAST       "9999-12-31"
#define TIMESTAMP_FIRST "0000-01-01T00:00:00Z"
#define TIMESTAMP_LAST  "9999-12-31T23:59:59Z"

#endif
