#include "policy/statistics_record.h"

#include "statistics.pb.h"

namespace gate::policy {
namespace {

// The records number stages and actions from 1 in the order of our enums.
static_assert(v1::STAGE_CONNECT ==
              1 + static_cast<int>(rules::Stage::kConnect));
static_assert(v1::STAGE_MESSAGE ==
              1 + static_cast<int>(rules::Stage::kMessage));
static_assert(v1::ACTION_ACCEPT ==
              1 + static_cast<int>(rules::Action::kAccept));
static_assert(v1::ACTION_BAN == 1 + static_cast<int>(rules::Action::kBan));

void Encode(const CounterSeries& series, v1::Tally& out) {
  out.mutable_minutes()->Add(series.minutes.begin(), series.minutes.end());
  out.mutable_tens()->Add(series.tens.begin(), series.tens.end());
}

void Encode(const Tally& tally, v1::Tally& out) {
  out.set_total(tally.total);
  out.set_last_hour(tally.last_hour);
  out.set_last_day(tally.last_day);
  out.set_last_us(tally.last_us);
  Encode(tally.series, out);
}

Tally Decode(const v1::Tally& in) {
  return {.total = in.total(),
          .last_hour = in.last_hour(),
          .last_day = in.last_day(),
          .last_us = in.last_us(),
          .series = {.minutes = {in.minutes().begin(), in.minutes().end()},
                     .tens = {in.tens().begin(), in.tens().end()}}};
}

void Encode(const Histogram& histogram, v1::Histogram& out) {
  for (const DurationCount& duration : histogram.durations) {
    v1::DurationCount& count = *out.add_durations();
    count.set_up_to_us(duration.up_to_us);
    count.set_count(duration.count);
  }
  out.set_sum_us(histogram.sum_us);
}

Histogram Decode(const v1::Histogram& in) {
  Histogram histogram{.sum_us = in.sum_us()};
  for (const v1::DurationCount& duration : in.durations()) {
    histogram.durations.push_back(
        {.up_to_us = duration.up_to_us(), .count = duration.count()});
  }
  return histogram;
}

void Encode(const RuleCount& rule, v1::RuleCount& out) {
  out.set_stage(static_cast<v1::Stage>(1 + static_cast<int>(rule.stage)));
  out.set_rule(rule.rule);
  out.set_action(static_cast<v1::Action>(1 + static_cast<int>(rule.action)));
  out.set_shadow(rule.shadow);
  out.set_installed(rule.installed);
  Encode(rule.held, *out.mutable_held());
  Encode(rule.repeats, *out.mutable_repeats());
}

void DecodeRules(const v1::Statistics& in, StatisticsSnapshot& snapshot) {
  for (const v1::RuleCount& rule : in.rules()) {
    if (rule.stage() < v1::STAGE_CONNECT || rule.stage() > v1::STAGE_MESSAGE ||
        rule.action() < v1::ACTION_ACCEPT || rule.action() > v1::ACTION_BAN) {
      continue;
    }
    snapshot.rules.push_back(
        {.stage = static_cast<rules::Stage>(rule.stage() - 1),
         .rule = rule.rule(),
         .action = static_cast<rules::Action>(rule.action() - 1),
         .shadow = rule.shadow(),
         .installed = rule.installed(),
         .held = Decode(rule.held()),
         .repeats = Decode(rule.repeats())});
  }
}

void DecodeCounters(const v1::Statistics& in, StatisticsSnapshot& snapshot) {
  for (const v1::Counter& counter : in.counters()) {
    for (size_t i = 0; i < kCounters; ++i) {
      if (counter.name() != CounterName(static_cast<Counter>(i))) continue;
      const Tally tally = Decode(counter.tally());
      snapshot.counters[i] = tally.total;
      snapshot.counter_series[i] = tally.series;
    }
  }
}

}  // namespace

std::string SerializeStatistics(const StatisticsSnapshot& snapshot) {
  v1::Statistics out;
  for (const RuleCount& rule : snapshot.rules) Encode(rule, *out.add_rules());
  for (const LimitCount& limit : snapshot.limits) {
    v1::LimitCount& count = *out.add_limits();
    count.set_limit(limit.limit);
    count.set_installed(limit.installed);
    Encode(limit.over, *count.mutable_over());
  }
  for (size_t i = 0; i < kCounters; ++i) {
    v1::Counter& counter = *out.add_counters();
    counter.set_name(std::string(CounterName(static_cast<Counter>(i))));
    counter.mutable_tally()->set_total(snapshot.counters[i]);
    Encode(snapshot.counter_series[i], *counter.mutable_tally());
  }
  for (const Histogram& histogram : snapshot.events) {
    Encode(histogram, *out.add_events());
  }
  Encode(snapshot.store, *out.mutable_store());
  out.set_minute_us(snapshot.minute_us);
  return out.SerializeAsString();
}

std::optional<StatisticsSnapshot> ParseStatistics(std::string_view bytes) {
  v1::Statistics in;
  if (!in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return std::nullopt;
  }
  StatisticsSnapshot snapshot;
  DecodeRules(in, snapshot);
  for (const v1::LimitCount& limit : in.limits()) {
    snapshot.limits.push_back({.limit = limit.limit(),
                               .installed = limit.installed(),
                               .over = Decode(limit.over())});
  }
  DecodeCounters(in, snapshot);
  for (int i = 0; i < in.events_size(); ++i) {
    const auto stage = static_cast<size_t>(i);
    if (stage < snapshot.events.size()) {
      snapshot.events[stage] = Decode(in.events(i));
    }
  }
  snapshot.store = Decode(in.store());
  snapshot.minute_us = in.minute_us();
  return snapshot;
}

}  // namespace gate::policy
