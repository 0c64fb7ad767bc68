#include "tests/exact/visits.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "rules/ip_address.h"
#include "tests/exact/visit_kinds.h"

namespace gate::exact {
namespace {

using bench::MixEvent;
using bench::MixKind;

// Twenty times what a top list has room for.
constexpr uint32_t kNames = 20'000;

struct StageCommand {
  std::string_view stage;
  char command;
};
constexpr std::array<StageCommand, 7> kStages = {{{"connect", 'C'},
                                                  {"helo", 'H'},
                                                  {"mail", 'M'},
                                                  {"rcpt", 'R'},
                                                  {"data", 'T'},
                                                  {"headers", 'N'},
                                                  {"message", 'E'}}};

std::vector<double> KindWeights() {
  std::vector<double> weights;
  for (const VisitKind& kind : VisitKinds()) weights.push_back(kind.weight);
  return weights;
}

// The n-th most frequent one comes 1/n times as often as the first.
std::vector<double> Zipf() {
  std::vector<double> weights;
  for (uint32_t rank = 1; rank <= kNames; ++rank) weights.push_back(1.0 / rank);
  return weights;
}

// Every fourth client has an IPv6 network, and comes from all over it.
std::string Client(uint32_t rank, uint64_t number) {
  if (rank % 4 == 3) {
    return absl::StrCat("2001:db8:", absl::Hex(rank),
                        "::", absl::Hex(number % 0xffff + 1));
  }
  return absl::StrCat("203.", rank >> 8, ".", rank & 255, ".9");
}

std::string Blocked(uint32_t rank, uint64_t number) {
  if (rank % 4 == 3) {
    return absl::StrCat("2001:db8:bad:", absl::Hex(rank),
                        "::", absl::Hex(number % 0xffff + 1));
  }
  return absl::StrCat("198.", 18 + (rank & 1), ".", rank >> 9, ".",
                      (rank >> 1) & 255);
}

std::string DomainOf(const std::string& path) {
  const size_t at = path.find('@');
  return at == std::string::npos ? ""
                                 : path.substr(at + 1, path.size() - at - 2);
}

std::string NetworkOf(const std::string& address) {
  std::string text;
  if (const auto parsed = rules::IpAddress::Parse(address)) {
    rules::ClientNetwork(*parsed).AppendTo(text);
  }
  return text;
}

// The facts of a session that top lists are about, as they come.
class Facts {
 public:
  void Take(const MixEvent& event) {
    const std::vector<std::string>& words = event.arguments;
    for (const auto& [name, value] : event.macros) {
      if (name == "{auth_authen}" && event.command == 'M')
        keys_["user"] = value;
    }
    if (event.command == 'C' && words.size() > 1) {
      keys_["client"] = NetworkOf(words[1]);
    } else if (event.command == 'M') {
      keys_["sender"] = DomainOf(words[0]);
      keys_["rcpt"].clear();
    } else if (event.command == 'R') {
      keys_["rcpt"] = DomainOf(words[0]);
    }
  }
  void CountRefusal(std::string_view rule,
                    std::map<std::string, Counts>& top) const {
    ++top["rule"][std::string(rule)];
    for (const auto& [kind, key] : keys_) {
      if (!key.empty()) ++top[kind][key];
    }
  }

 private:
  std::map<std::string, std::string> keys_;
};

// Whether the event is answered with a refusal, or the message is discarded.
bool IsRefused(const MixEvent& event) {
  return event.expected[0] == 'y' || event.expected[0] == 'd';
}

// The events at which the rule decides: those refused at its stage; where none
// is (a verdict that is kept, a quarantine), the first one.
void CountRefusals(const MixKind& kind, const KindTally& tally,
                   std::map<std::string, Counts>& top) {
  const char command =
      std::ranges::find(kStages, tally.stage, &StageCommand::stage)->command;
  const auto refused = [command](const MixEvent& event) {
    return event.command == command && IsRefused(event);
  };
  const bool kept = std::ranges::none_of(kind.events, refused);
  Facts facts;
  uint64_t counted = 0;
  for (const MixEvent& event : kind.events) {
    facts.Take(event);
    const bool decides =
        kept ? event.command == command && counted == 0 : refused(event);
    if (!decides) continue;
    facts.CountRefusal(tally.rule, top);
    ++counted;
  }
  assert(counted == tally.held);
}

}  // namespace

struct Visits::Visit {
  MixKind kind;
  bench::SessionScript script;
};

struct Visits::Names {
  std::string client, blocked, sender, rcpt, user, number;
};

Visits::Visits(uint64_t seed) : random_(seed) {
  const std::vector<double> kinds = KindWeights();
  kinds_ = {kinds.begin(), kinds.end()};
  const std::vector<double> skew = Zipf();
  skew_ = {skew.begin(), skew.end()};
}

Visits::~Visits() = default;

absl::Status Visits::Prepare(const milter::NegotiationAnswer& negotiation) {
  negotiation_ = negotiation;
  return absl::OkStatus();
}

Visits::Names Visits::Draw() {
  ++number_;
  Names names;
  names.client = Client(skew_(random_), number_);
  names.blocked = Blocked(skew_(random_), number_);
  names.sender = absl::StrCat("s", skew_(random_));
  names.rcpt = absl::StrCat("r", skew_(random_));
  names.user = absl::StrCat("user-", skew_(random_));
  names.number = absl::StrCat(number_);
  return names;
}

const bench::SessionScript& Visits::Next() {
  const size_t kind = kinds_(random_);
  const Names names = Draw();
  auto visit = std::make_unique<Visit>();
  const std::string text = absl::StrReplaceAll(
      std::string(VisitKinds()[kind].events), {{"%CLIENT%", names.client},
                                               {"%BLOCKED%", names.blocked},
                                               {"%SENDER%", names.sender},
                                               {"%RCPT%", names.rcpt},
                                               {"%USER%", names.user},
                                               {"%NUMBER%", names.number}});
  auto mix = bench::ParseMix(absl::StrCat("kind ", kind, " 1\n", text));
  assert(mix.ok());
  visit->kind = std::move(mix->front());
  auto script = bench::MakeScript(visit->kind, negotiation_, random_);
  assert(script.ok());
  visit->script = *std::move(script);
  Count(kind, visit->kind);
  const bench::SessionScript& next = visit->script;
  under_way_[&next] = std::move(visit);
  return next;
}

void Visits::Count(size_t kind, const MixKind& events) {
  const VisitKind& visit = VisitKinds()[kind];
  for (const KindTally& tally : visit.tallies) {
    const RuleName name{.stage = std::string(tally.stage),
                        .rule = std::string(tally.rule),
                        .action = std::string(tally.action),
                        .shadow = tally.shadow};
    tallies_.held[name] += tally.held;
    tallies_.repeats[name] += tally.repeats;
    if (tally.refuses) CountRefusals(events, tally, tallies_.top);
  }
  tallies_.plain += visit.plain;
  tallies_.not_given += visit.not_given;
  tallies_.over["pieces"] += visit.over;
}

void Visits::Ended(const bench::SessionScript& script) {
  under_way_.erase(&script);
}

}  // namespace gate::exact
