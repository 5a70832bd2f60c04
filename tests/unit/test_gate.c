/* How many connections there may be: exactly so many, of each kind; places come back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/net/gate.h"
#include "tests/unit/unit.h"

static struct gate *gate;
static struct gate_pass passes[64];

static struct peer four(uint8_t last)
{
	return (struct peer){
	    .address = {[10] = 0xff, [11] = 0xff, [12] = 192, [13] = 0, [14] = 2, [15] = last}};
}

static struct peer six(uint8_t network, uint8_t host)
{
	return (struct peer){.address = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, network, [15] = host}};
}

static struct peer local(void)
{
	return (struct peer){.local = true, .uid = 1000};
}

static void open_gate(uint32_t most, uint32_t kept, uint32_t strangers, uint32_t of_address)
{
	struct gate_options o = {most, kept, strangers, of_address};
	memset(passes, 0, sizeof passes);
	ck_assert_int_eq(gate_new(&o, &gate), 0);
}

static int enter(int n, struct peer peer, bool stranger)
{
	return gate_enter(gate, &peer, stranger, &passes[n]);
}

static void tear_down(void)
{
	for (size_t i = 0; i < sizeof passes / sizeof *passes; i++)
		gate_leave(&passes[i]);
	ck_assert_uint_eq(gate_count(gate), 0);
	ck_assert_uint_eq(gate_strangers(gate), 0);
	gate_free(gate);
}

START_TEST (keeps_places_for_local_clients) {
	open_gate(4, 1, 4, 10);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(enter(i, four(1), true), 0);
	ck_assert_int_eq(enter(3, four(1), true), -EUSERS);
	ck_assert_int_eq(enter(3, local(), false), 0);
	ck_assert_int_eq(enter(4, local(), false), -EUSERS);
	gate_leave(&passes[0]);
	ck_assert_int_eq(enter(4, local(), false), 0);
}
END_TEST

START_TEST (strangers_are_few_in_all) {
	open_gate(100, 0, 2, 10);
	ck_assert_int_eq(enter(0, four(1), true), 0);
	ck_assert_int_eq(enter(1, four(2), true), 0);
	ck_assert_int_eq(enter(2, four(3), true), -EUSERS);
	ck_assert_int_eq(enter(2, four(3), false), 0);
	gate_identified(&passes[0]);
	ck_assert_int_eq(enter(3, four(3), true), 0);
	gate_forgotten(&passes[0]); /* inside it stays, and counts again */
	ck_assert_uint_eq(gate_strangers(gate), 3);
	ck_assert_int_eq(enter(4, four(4), true), -EUSERS);
}
END_TEST

START_TEST (strangers_are_few_from_one_address) {
	open_gate(100, 0, 50, 2);
	ck_assert_int_eq(enter(0, four(1), true), 0);
	ck_assert_int_eq(enter(1, four(1), true), 0);
	ck_assert_int_eq(enter(2, four(1), true), -EUSERS);
	ck_assert_int_eq(enter(2, four(2), true), 0);
	gate_identified(&passes[1]);
	ck_assert_int_eq(enter(3, four(1), true), 0);
	gate_leave(&passes[0]);
	ck_assert_int_eq(enter(4, four(1), true), 0);
	ck_assert_int_eq(enter(5, four(1), true), -EUSERS);
}
END_TEST

START_TEST (one_network_of_ip6_is_one_address) {
	open_gate(100, 0, 50, 2);
	ck_assert_int_eq(enter(0, six(1, 1), true), 0);
	ck_assert_int_eq(enter(1, six(1, 2), true), 0);
	ck_assert_int_eq(enter(2, six(1, 3), true), -EUSERS);
	ck_assert_int_eq(enter(2, six(2, 3), true), 0);
}
END_TEST

START_TEST (local_strangers_are_counted_by_uid) {
	struct peer another = local();
	another.uid++;
	open_gate(100, 0, 50, 1);
	ck_assert_int_eq(enter(0, local(), true), 0);
	ck_assert_int_eq(enter(1, local(), true), -EUSERS);
	ck_assert_int_eq(enter(1, another, true), 0);
	ck_assert_int_eq(enter(2, local(), false), 0);
	ck_assert_uint_eq(gate_strangers(gate), 2);
}
END_TEST

int main(void)
{
	TCase *t = unit_case("gate");
	tcase_add_checked_fixture(t, NULL, tear_down);
	tcase_add_test(t, keeps_places_for_local_clients);
	tcase_add_test(t, strangers_are_few_in_all);
	tcase_add_test(t, strangers_are_few_from_one_address);
	tcase_add_test(t, one_network_of_ip6_is_one_address);
	tcase_add_test(t, local_strangers_are_counted_by_uid);
	return unit_run();
}
