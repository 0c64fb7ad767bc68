#include "milter/control_stats.h"

#include <utility>

#include "control.pb.h"
#include "policy/statistics_record.h"

namespace gate::milter {
namespace {

void Encode(const StoreReport& report, v1::StoreState& out) {
  out.set_name(report.name);
  out.set_shared(report.shared);
  out.set_why(report.why);
  out.set_entries(report.entries);
  out.set_evicted(report.evicted);
}

StoreReport Decode(const v1::StoreState& in) {
  return {.name = in.name(),
          .shared = in.shared(),
          .why = in.why(),
          .entries = in.entries(),
          .evicted = in.evicted()};
}

void Encode(const UnknownFactReport& unknown, v1::UnknownFact& out) {
  out.set_fact(unknown.fact);
  out.set_macros(unknown.macros);
  out.set_mta(unknown.mta);
  out.set_events(unknown.events);
  for (const RuleName& rule : unknown.rules) {
    v1::RuleName& name = *out.add_rules();
    name.set_stage(static_cast<v1::Stage>(1 + static_cast<int>(rule.stage)));
    name.set_rule(rule.label);
  }
  out.set_mend(unknown.mend);
}

UnknownFactReport Decode(const v1::UnknownFact& in) {
  UnknownFactReport unknown{.fact = in.fact(),
                            .macros = in.macros(),
                            .mta = in.mta(),
                            .events = in.events(),
                            .rules = {},
                            .mend = in.mend()};
  for (const v1::RuleName& rule : in.rules()) {
    if (rule.stage() < v1::STAGE_CONNECT || rule.stage() > v1::STAGE_MESSAGE) {
      continue;
    }
    unknown.rules.push_back(
        {.stage = static_cast<rules::Stage>(rule.stage() - 1),
         .label = rule.rule()});
  }
  return unknown;
}

void Encode(const TopReport& report, v1::TopList& out) {
  out.set_kind(std::string(policy::TopKindName(report.kind)));
  out.set_period(std::string(policy::TopPeriodName(report.period)));
  out.set_added(report.list.added);
  out.set_floor(report.list.floor);
  for (const policy::FrequentKey& key : report.list.keys) {
    v1::FrequentKey& frequent = *out.add_keys();
    frequent.set_key(key.key);
    frequent.set_count(key.count);
    frequent.set_error(key.error);
  }
}

void DecodeTop(const v1::StatsResponse& in, StatsReport& report) {
  for (const v1::TopList& list : in.top()) {
    const auto kind = policy::FindTopKind(list.kind());
    const auto period = policy::FindTopPeriod(list.period());
    if (!kind || !period) continue;
    TopReport& top = report.top.emplace_back();
    top.kind = *kind;
    top.period = *period;
    top.list.added = list.added();
    top.list.floor = list.floor();
    for (const v1::FrequentKey& key : list.keys()) {
      top.list.keys.push_back(
          {.key = key.key(), .count = key.count(), .error = key.error()});
    }
  }
}

void EncodeLists(const std::vector<ListReport>& lists, v1::StatsResponse& out) {
  for (const ListReport& list : lists) {
    v1::ListState& state = *out.add_lists();
    state.set_name(list.name);
    state.set_type(list.type);
    state.set_file(list.file);
    state.set_entries(list.entries);
    state.set_age_seconds(list.age_seconds);
  }
}

void Encode(const JournalReport& journal, v1::JournalState& out) {
  out.set_folder(journal.folder);
  out.set_queued_bytes(journal.queued_bytes);
  out.set_queue_bytes(journal.queue_bytes);
  out.set_written(journal.written);
  out.set_dropped(journal.dropped);
  out.set_segments(journal.segments);
  out.set_bytes(journal.bytes);
  out.set_oldest_us(journal.oldest_us);
  out.set_fault(journal.fault);
}

JournalReport Decode(const v1::JournalState& in) {
  return {.folder = in.folder(),
          .queued_bytes = in.queued_bytes(),
          .queue_bytes = in.queue_bytes(),
          .written = in.written(),
          .dropped = in.dropped(),
          .segments = in.segments(),
          .bytes = in.bytes(),
          .oldest_us = in.oldest_us(),
          .fault = in.fault()};
}

// How things are at this moment.
void EncodeGauges(const StatsReport& report, v1::StatsResponse& out) {
  Encode(report.store, *out.mutable_store());
  for (const policy::OpenConnections& connections : report.connections) {
    v1::OpenConnections& open = *out.add_connections();
    open.set_policy_hash(connections.policy_hash);
    open.set_load(connections.load);
    open.set_open(connections.open);
  }
  EncodeLists(report.lists, out);
  if (report.journal) Encode(*report.journal, *out.mutable_journal());
  if (report.state) {
    out.mutable_state()->set_folder(report.state->folder);
    out.mutable_state()->set_fault(report.state->fault);
    out.mutable_state()->set_age_seconds(report.state->age_seconds);
  }
}

void DecodeGauges(const v1::StatsResponse& in, StatsReport& report) {
  report.store = Decode(in.store());
  for (const v1::OpenConnections& open : in.connections()) {
    report.connections.push_back({.policy_hash = open.policy_hash(),
                                  .load = open.load(),
                                  .open = open.open()});
  }
  for (const v1::ListState& list : in.lists()) {
    report.lists.push_back({.name = list.name(),
                            .type = list.type(),
                            .file = list.file(),
                            .entries = list.entries(),
                            .age_seconds = list.age_seconds()});
  }
  if (in.has_journal()) report.journal = Decode(in.journal());
  if (in.has_state()) {
    report.state = {.folder = in.state().folder(),
                    .fault = in.state().fault(),
                    .age_seconds = in.state().age_seconds()};
  }
}

}  // namespace

void EncodeStats(const StatsReport& report, v1::StatsResponse& out) {
  out.set_statistics(policy::SerializeStatistics(report.statistics));
  for (const TopReport& top : report.top) Encode(top, *out.add_top());
  for (const UnknownFactReport& unknown : report.unknown_facts) {
    Encode(unknown, *out.add_unknown_facts());
  }
  out.set_policy_hash(report.policy_hash);
  out.set_policy_file(report.policy_file);
  out.set_version(report.version);
  out.set_now_us(report.now_us);
  out.set_uptime_seconds(report.uptime_seconds);
  out.set_policy_age_seconds(report.policy_age_seconds);
  out.set_policy_load(report.policy_load);
  out.set_policy_loaded_us(report.policy_loaded_us);
  EncodeGauges(report, out);
}

StatsReport DecodeStats(const v1::StatsResponse& in) {
  StatsReport report;
  report.statistics =
      policy::ParseStatistics(in.statistics()).value_or(report.statistics);
  DecodeTop(in, report);
  for (const v1::UnknownFact& unknown : in.unknown_facts()) {
    report.unknown_facts.push_back(Decode(unknown));
  }
  report.policy_hash = in.policy_hash();
  report.policy_file = in.policy_file();
  report.version = in.version();
  report.now_us = in.now_us();
  report.uptime_seconds = in.uptime_seconds();
  report.policy_age_seconds = in.policy_age_seconds();
  report.policy_load = in.policy_load();
  report.policy_loaded_us = in.policy_loaded_us();
  DecodeGauges(in, report);
  return report;
}

}  // namespace gate::milter
