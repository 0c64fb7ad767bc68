#include "milter/metrics_counters.h"

#include <array>
#include <string_view>

namespace gate::milter {
namespace {

using policy::Counter;

struct CounterText {
  Counter counter = Counter::kCount;
  std::string_view name;
  std::string_view help;
};

// In the order of the enum.
constexpr std::array<CounterText, policy::kCounters> kCounters = {{
    {Counter::kConnections, "gatemilter_connections_total",
     "Connections of MTAs that were opened."},
    {Counter::kMessages, "gatemilter_messages_total",
     "Messages that came to their end."},
    {Counter::kRecipients, "gatemilter_recipients_total", "RCPT events."},
    {Counter::kPlainAccepts, "gatemilter_plain_accepts_total",
     "Events that no deciding rule ended."},
    {Counter::kRepeats, "gatemilter_repeats_total",
     "Kept verdicts given again."},
    {Counter::kFailures, "gatemilter_failures_total",
     "Events that got the verdict of set failure: gatemilter itself failed."},
    {Counter::kOutageLocal, "gatemilter_outage_local_total",
     "Limits counted in this process while the shared store was away."},
    {Counter::kOutageAccept, "gatemilter_outage_accept_total",
     "Limits taken as not over while the shared store was away."},
    {Counter::kOutageDefer, "gatemilter_outage_defer_total",
     "Limits that deferred while the shared store was away."},
    {Counter::kOutageBans, "gatemilter_outage_bans_total",
     "Bans taken as last known while the shared store was away."},
    {Counter::kOutageEvents, "gatemilter_outage_events_total",
     "Events deferred because the shared store was away."},
    {Counter::kStoreTrips, "gatemilter_store_trips_total",
     "Batches of look-ups that the store was asked."},
    {Counter::kNotGiven, "gatemilter_not_given_total",
     "Refusals of local submissions that were only logged."},
    {Counter::kAborts, "gatemilter_aborts_total",
     "Messages that ended before their end of message."},
    {Counter::kLogDropped, "gatemilter_log_dropped_total",
     "Lines left out of the log."},
    {Counter::kTurnedAway, "gatemilter_turned_away_total",
     "Connections beyond max-connections, or beyond what the limit of "
     "descriptors has room for, answered 421."},
    {Counter::kDrained, "gatemilter_drained_total",
     "Connections that went on after the drain ended, answered 421."},
    {Counter::kOutOfOrder, "gatemilter_out_of_order_total",
     "Commands that do not fit what came before."},
    {Counter::kUnknownCommands, "gatemilter_unknown_commands_total",
     "Commands that are none of the milter protocol."},
    {Counter::kMalformedPackets, "gatemilter_malformed_packets_total",
     "Packets whose arguments do not fit their command, and empty ones."},
    {Counter::kTooBigPackets, "gatemilter_too_big_packets_total",
     "Packets, or the macros of a connection, of more than is allowed."},
    {Counter::kHalfPackets, "gatemilter_half_packets_total",
     "Packets whose rest did not come in time."},
    {Counter::kIdleEnded, "gatemilter_idle_ended_total",
     "Connections ended because nothing came: for hours, or no negotiation "
     "within half a minute."},
    {Counter::kRecordsDropped, "gatemilter_records_dropped_total",
     "Decisions neither shown nor kept because a queue was full."},
}};

constexpr bool EveryCounterHasItsText() {
  for (size_t i = 0; i < kCounters.size(); ++i) {
    if (kCounters[i].counter != static_cast<Counter>(i)) return false;
  }
  return true;
}
static_assert(EveryCounterHasItsText());

}  // namespace

void AddCounters(const policy::StatisticsSnapshot& statistics,
                 Exposition& out) {
  for (const CounterText& text : kCounters) {
    out.Counter(text.name, text.help);
    const auto i = static_cast<size_t>(text.counter);
    out.Add(statistics.counters[i] - statistics.restored[i]);
  }
}

}  // namespace gate::milter
