"""The sections that ask the filters themselves; doors/postfix.py asks through
Postfix. A section gets the bench, the plan and the results to fill."""

import dataclasses
import random
import subprocess

from doors.filters import Failure

CPU = "CPU of the filter, µs a session"
LOOPS_CPU = "CPU of its loops, µs a session"
RATE, MESSAGES = "sessions a second", "messages a second"
P50, P99 = "event p50, µs", "event p99, µs"
NATIVE, LIBMILTER = "gatemilter native", "gatemilter libmilter"
LOOP, POOL, THREADS = "floor_loop", "floor_libmilter", "floor_threads"


@dataclasses.dataclass
class Plan:
    doors: list
    pairs: int
    seconds: float  # of each load
    connections: list
    idle: list
    messages: int  # of smtp-source, each time
    random: random.Random

    def rounds(self, filters):
        """The filters, in another order each time: none is always the one
        after the most expensive one."""
        for _ in range(self.pairs):
            yield self.random.sample(filters, len(filters))


def take(results, case, name, report):
    results.add(case, CPU, name, report["cpu_us_per_session"])
    if report["loops_cpu_us_per_session"] > 0:
        results.add(case, LOOPS_CPU, name, report["loops_cpu_us_per_session"])
    results.add(case, RATE, name, report["sessions_per_second"])
    results.add(case, P50, name, report["events_us"]["all"]["p50"])
    results.add(case, P99, name, report["events_us"]["all"]["p99"])


def all_filters(bench, plan, mix):
    """Both doors, and floors made after the first one."""
    doors = [bench.door(door) for door in plan.doors]
    record = bench.record(doors[0], mix)
    return doors + [
        bench.floor(LOOP, record),
        bench.floor(POOL, record),
        bench.floor(THREADS, record),
        bench.floor(POOL),
    ]


def sessions(bench, plan, results):
    """S1 (relay) and S2 (inbound), by number of connections."""
    for mix in ("relay", "inbound"):
        filters = all_filters(bench, plan, mix)
        for each in filters:  # warm
            bench.load(each, mix, "--sessions", 500)
        for connections in plan.connections:
            case = f"{mix}, {connections} connections"
            for order in plan.rounds(filters):
                for each in order:
                    report = bench.load(
                        each, mix, "--connections", connections,
                        "--seconds", plan.seconds,
                    )
                    take(results, case, each.name, report)
        bench.stop_all()
        case = f"{mix}, 16 connections"
        results.bound_ratio("2", case, CPU, NATIVE, LOOP, most=1.6)
        results.bound_ratio("2", case, CPU, NATIVE, POOL, most=0.5)
        case = f"{mix}, 1024 connections"
        results.bound_ratio("3", case, P99, NATIVE, POOL, most=0.5)


def idle(bench, plan, results):
    """Mostly idle connections: what each keeps in memory, and what they cost
    the others. Each round has filters of its own: memory that connections of
    an earlier one left would hide that of the next."""
    mix = "inbound"
    first = bench.door(plan.doors[0])
    record = bench.record(first, mix)
    bench.stop_all()
    for count in plan.idle:
        case = f"{mix}, 16 connections, {count} idle"
        for order in plan.rounds([*plan.doors, LOOP]):
            for name in order:
                floor = name == LOOP
                one = bench.floor(LOOP, record) if floor else bench.door(name)
                idle_round(bench, plan, results, one, mix, case, count)
                bench.stop_all()
        results.bound_value("3", case, "resident bytes each", NATIVE, most=6144)
        results.bound_value("3", case, "CPU with / without", NATIVE, most=1.2)


def idle_round(bench, plan, results, one, mix, case, count):
    bench.load(one, mix, "--sessions", 1000)  # warm
    timed = ("--seconds", plan.seconds)
    without = bench.load(one, mix, *timed)
    having = bench.load(one, mix, *timed, "--idle", count)
    results.add(case, "resident bytes each", one.name, having["idle_bytes_each"])
    share = having["cpu_us_per_session"] / without["cpu_us_per_session"]
    results.add(case, "CPU with / without", one.name, share)


def store(bench, plan, results):
    """500 sessions wait a second for Redis, while others go on that need
    none."""
    case = "500 events wait 1 s for the store"
    for door in plan.doors:
        redis = bench.path("redis.sock")
        bench.start("late_redis", [bench.program("late_redis"), redis], redis)
        settings = (f'store redis "unix:{redis}"', "redis-deadline 2s")
        one = bench.door(door, "slow.rules", settings)
        bench.load(one, "quick", "--sessions", 500)  # warm
        for _ in range(plan.pairs):
            store_round(bench, results, one, case)
        bench.stop_all()
    slowest, share = "slowest answer, s", "p99 of the others, with / without"
    results.bound_value("4", case, slowest, NATIVE, most=1.3)
    results.bound_value("4", case, share, NATIVE, most=1.2)


def store_round(bench, results, one, case):
    others = ("--rate", 2000, "--seconds", 3)
    without = bench.load(one, "quick", *others)
    command = bench.load_command(one, "slow", "--connections", 500,
                                 "--sessions", 500, "--rate", 1000)
    waiting = subprocess.Popen(command, text=True, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    beside = bench.load(one, "quick", *others)
    out, told = waiting.communicate()
    slow = bench.figures(one, "slow", waiting.returncode, out, told)
    answers = slow["events_us"]["rcpt"]
    if answers["p50"] < 1e6:
        raise Failure(f"{one.name}, slow: did not wait for the store")
    results.add(case, "slowest answer, s", one.name, answers["max"] / 1e6)
    share = beside["events_us"]["all"]["p99"] / without["events_us"]["all"]["p99"]
    results.add(case, "p99 of the others, with / without", one.name, share)


def loops(bench, plan, results):
    """The native door with several loops, at equal load."""
    if "native" not in plan.doors:
        return
    case = "inbound, 16 connections, 2,000 sessions a second"
    filters = [bench.door("native", settings=(f"loops {n}",)) for n in (1, 2, 4)]
    for each, count in zip(filters, (1, 2, 4), strict=True):
        each.name = f"{count} loops"
        bench.load(each, "inbound", "--sessions", 1000)  # warm
    for order in plan.rounds(filters):
        for each in order:
            report = bench.load(each, "inbound", "--rate", 2000,
                                "--seconds", plan.seconds)
            take(results, case, each.name, report)
    bench.stop_all()
    for count in (2, 4):
        results.bound_ratio("7", case, CPU, f"{count} loops", "1 loops", most=1.15)


def observed(bench, plan, results):
    """What statistics and the journal cost: the native door with them beside
    one that nobody looks on; and one that writes its log, too, as installed."""
    def keeping(name, *settings, **ready):
        journal = f'journal "{bench.path("journal")}" keep 1d max 4GiB'
        one = bench.door("native", settings=(journal, *settings), **ready)
        one.name = name
        return one

    seen = keeping("with statistics and journal", "log warning", ready=b"")
    unseen = bench.unobserved()
    filters = [seen, unseen, keeping("and its log")]
    for mix, most in (("relay", 1.4), ("inbound", 1.1)):
        case = f"{mix}, 16 connections, observed"
        for each in filters:  # warm
            bench.load(each, mix, "--sessions", 2000)
        for order in plan.rounds(filters):
            for each in order:
                take(results, case, each.name,
                     bench.load(each, mix, "--seconds", plan.seconds))
        for figure, limit in ((LOOPS_CPU, 1.1), (CPU, most)):
            results.bound_ratio("2 of issue 5", case, figure, seen.name,
                                unseen.name, most=limit)
    bench.stop_all()
