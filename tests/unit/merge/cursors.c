/* Cursors of the rows of a table that is read in ctid order: see row/cursor.h. */
#include <criterion/criterion.h>

#include "row/cursor.h"
#include "scene.h"

enum { MANY = 2000 }; /* more changes than the LSNs of a scene have room for */

static void insert_many(struct scene *s, uint32_t xid)
{
    wal_begin(s, xid);
    uint64_t lsn = s->lsn;
    for (int i = 0; i < MANY; i++) {
        wal_insert(s, "1,a,x");
        s->lsn = lsn;
    }
    wal_commit(s);
}

static uint64_t carry(const struct scene *s)
{
    return s->whole->streams[0].as_of_carry;
}

Test(cursors, of_rows_are_after_cursors_that_are_past_their_position)
{
    struct scene s;
    scene_init(&s, NULL, "10:10:", false);
    s.stream.airbyte_look = true;
    insert_many(&s, 8);
    scene_rebirth(&s, s.lsn);
    insert_many(&s, 9);
    scene_quiet(&s);
    uint64_t rows = carry(&s);
    cr_expect_gt(rows, s.whole->streams[0].as_of << CURSOR_BITS);
    cr_expect_lt(rows, s.whole->carry);
    insert_many(&s, 12);
    scene_resume(&s);
    insert_many(&s, 13);
    scene_quiet(&s);
    cr_expect_eq(carry(&s), rows, "later transactions do not move them");
    scene_free(&s);
}

Test(cursors, of_rows_are_after_it_also_if_a_keepalive_passed_their_position)
{
    struct scene s;
    scene_init(&s, NULL, "10:10:", false);
    s.stream.airbyte_look = true;
    insert_many(&s, 8);
    scene_rebirth(&s, s.lsn);
    s.now_us += INT64_C(61) * 1000000;
    wal_position(&s, s.lsn + 1);
    cr_assert(wal_flush(&s));
    scene_quiet(&s);
    uint64_t rows = carry(&s);
    cr_expect_gt(rows, s.whole->streams[0].as_of << CURSOR_BITS);
    scene_resume(&s);
    insert_many(&s, 13);
    scene_quiet(&s);
    cr_expect_eq(carry(&s), rows);
    scene_free(&s);
}

Test(cursors, of_rows_stay_where_their_streams_state_is_further_than_others)
{
    struct scene s;
    scene_init(&s, NULL, "10:10:", false);
    s.stream.airbyte_look = true;
    scene_quiet(&s);
    s.whole->streams[0].as_of = s.lsn + 100;
    s.whole->streams[0].cursor = s.lsn + 1000;
    s.whole->carry = (s.lsn + 1000) << CURSOR_BITS; /* past the LSNs of what it has processed */
    scene_resume(&s);
    s.lsn += 500;
    insert_many(&s, 8);
    scene_quiet(&s);
    cr_expect_eq(carry(&s), 0);
    scene_free(&s);
}

Test(cursors, need_no_carry_if_the_position_is_enough)
{
    struct scene s;
    scene_init(&s, NULL, "10:10:", false);
    s.stream.airbyte_look = true;
    wal_begin(&s, 12);
    wal_insert(&s, "1,a,x");
    wal_commit(&s);
    scene_quiet(&s);
    cr_expect_neq(s.whole->streams[0].as_of, 0);
    cr_expect_eq(carry(&s), 0);
    scene_free(&s);
}
